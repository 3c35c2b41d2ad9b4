#pragma once
// Sentencepiece's compiled normalisation rules (precompiled_charsmap), checked before the library walks them unchecked.
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A double-array trie (darts-clone's layout): units of 32 bits, reached by exclusive or with offsets and labels.
class CharsmapTrie {
  std::string_view units_, strings_, what_;
  std::size_t count_;

  static constexpr std::size_t max_string = 1024;  // Unicode's longest decomposition has 18 characters
  static constexpr int max_matches = 32;           // the library keeps that many on its stack

  [[noreturn, gnu::cold]] void fail(std::initializer_list<TextPart> found) const;
  std::uint32_t unit(std::size_t i) const noexcept;
  static std::uint32_t label(std::uint32_t u) noexcept { return u & 0x800000FFu; }
  static bool has_string(std::uint32_t u) noexcept { return (u >> 8 & 1) != 0; }
  /// Where a node's children are, each at base ^ label.
  std::size_t base(std::size_t node) const;
  void check_string(std::size_t base_at) const;

 public:
  CharsmapTrie(std::string_view units, std::string_view strings, std::string_view what);

  /// Visits every node that some text can reach; LoadError if one leads outside, back to itself, or to too many texts.
  void check() const;
};

}  // namespace detail

/// The rules themselves, once checked; they view the bytes.
class Charsmap {
  std::string_view units_, texts_;

  std::uint32_t unit(std::size_t i) const noexcept {
    std::uint32_t value = 0;
    std::memcpy(&value, units_.data() + 4 * i, 4);
    return value;
  }

 public:
  explicit Charsmap(std::string_view charsmap) {
    std::uint32_t size = 0;
    std::memcpy(&size, charsmap.data(), 4);
    units_ = charsmap.substr(4, size), texts_ = charsmap.substr(4 + std::size_t{size});
  }
  /// What stands for the shortest beginning of `text` that has a rule; none where none has.
  std::optional<std::string_view> first(std::string_view text) const noexcept {
    std::size_t node = 0;
    const auto below = [&](std::uint32_t of) { return node ^ (static_cast<std::size_t>(of >> 10) << ((of & 0x200) >> 6)); };
    node = below(unit(0));
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      node ^= byte;
      const std::uint32_t here = unit(node);
      if (byte == 0 || (here & 0x800000FFu) != byte) return std::nullopt;
      node = below(here);
      if ((here >> 8 & 1) == 0) continue;
      const std::string_view found = texts_.substr(unit(node) & 0x7FFFFFFF);
      return found.substr(0, found.find('\0'));
    }
    return std::nullopt;
  }
};

/// LoadError unless the library can apply the rules to any text without leaving them. `what` names the file.
void check_charsmap(std::string_view charsmap, std::string_view what);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/charsmap.inl"
#endif
