// What jinja_family.hpp declares.
#include <algorithm>
#include <cstddef>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::optional<std::string_view> match(std::string_view pattern, std::string_view code) {
  const auto equal = [](std::string_view p, std::string_view c) {
    return std::equal(p.begin(), p.end(), c.begin(), c.end(),
                      [](char x, char y) { return (x == '\'' ? '\1' : x) == y; });
  };
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return equal(pattern, code) ? std::optional(code) : std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (code.size() < before.size() + after.size()) return std::nullopt;
  const std::string_view text = code.substr(before.size(), code.size() - before.size() - after.size());
  const bool same =
      equal(before, code.substr(0, before.size())) && equal(after, code.substr(code.size() - after.size()));
  return same && text.find('\1') == text.npos ? std::optional(text) : std::nullopt;
}

TFM_INLINE std::optional<JinjaMatch> match(std::span<const JinjaPattern> patterns, std::string_view code) {
  for (const JinjaPattern& pattern : patterns) {
    if (const auto text = match(pattern.code, code)) return JinjaMatch{pattern.part, *text};
  }
  return std::nullopt;
}

TFM_INLINE bool take_strip(std::string& code) {
  constexpr std::string_view strip = ".strip()";
  bool taken = false;
  for (std::size_t at = code.find(strip); at != code.npos; at = code.find(strip, at)) {
    code.erase(at, strip.size());
    taken = true;
  }
  return taken;
}

TFM_INLINE std::optional<ChatFormat> recognise(ChatFormat format, std::span<const JinjaPattern> patterns,
                                           std::span<const std::string> statements) {
  bool user = false, reply = false, system = false, never = false;
  format.default_system.clear();
  for (std::string code : statements) {
    if (code.starts_with("{%if") || code.starts_with("{%el") || code.starts_with("{%end")) {
      never = code.starts_with("{%eliffalse==true");  // so was the default system prompt of Llama 2 switched off
      continue;
    }
    const bool trim = take_strip(code);
    std::optional<JinjaMatch> found = match(jinja_common, code);
    if (!found) found = match(patterns, code);
    if (!found) return std::nullopt;
    const JinjaPart part = found->part;
    if (part == JinjaPart::bos) format.start = "{bos}";
    if (part == JinjaPart::default_system && format.default_system.empty() && !never)
      format.default_system = found->text;
    if (part == JinjaPart::system || part == JinjaPart::turn) system = true, format.trim_system = trim;
    if (part == JinjaPart::user || part == JinjaPart::turn) user = true, format.trim_user = trim;
    if (part == JinjaPart::unmarked_reply) format.closing = "\n\n";
    if (part == JinjaPart::reply || part == JinjaPart::unmarked_reply || part == JinjaPart::turn) {
      reply = true, format.trim_reply = trim;
    }
  }
  return user && reply && system ? std::optional(format) : std::nullopt;
}

}  // namespace detail

TFM_INLINE std::optional<ChatFormat> recognise_jinja(std::string_view source) {
  const std::optional<std::vector<std::string>> statements = JinjaSource::statements(source);
  if (!statements) return std::nullopt;
  if (auto format = detail::recognise(chatml_format(), detail::jinja_chatml, *statements)) return format;
  if (auto format = detail::recognise(llama2_format(), detail::jinja_llama2, *statements)) return format;
  return detail::recognise(alpaca_format(), detail::jinja_alpaca, *statements);
}

}  // namespace tfm::inline TFM_ABI
