#pragma once
// A Jinja chat template taken apart: the statements that it consists of, in one spelling, so that they can be compared.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/config.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// Takes a template apart as transformers would (trim_blocks and lstrip_blocks on, one line break at the end dropped):
/// {{...}} and {%...%}, and text between them as {{'text'}}. In one spelling: no white space and no comments; m.role
/// and m.content as m['role'] and m['content'], |trim as .strip(); literals unescaped, neighbours joined, between bytes
/// 1 in place of quotes, which they may then hold.
class JinjaSource {
  static constexpr char quote = '\1';
  static constexpr std::size_t longest = 64 * 1024;  // published ones are below 20 KiB; bounds the time a file can take
  std::string source_;
  std::size_t at_ = 0;
  std::vector<std::string> statements_;

 public:
  /// Nothing where the source is not well formed, uses escapes that are not known, or is longer than 64 KiB.
  static std::optional<std::vector<std::string>> statements(std::string_view source);

 private:
  bool take_apart();

  bool starts_tag(std::size_t at) const noexcept;

  bool comment(bool& trim_after);

  bool statement(char kind, bool& trim_after);

  /// Appends the literal that starts at at_; one that is joined to a literal before it goes on from there.
  bool literal(std::string& out);

  static std::string respelt(std::string code);

  /// A block alone on its line: the spaces before it are not written.
  static std::string_view without_indent(std::string_view text, bool at_line_start);
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/jinja_source.inl"
#endif
