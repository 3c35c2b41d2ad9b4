#pragma once
// Sentencepiece's compiled normalisation rules (precompiled_charsmap), checked before the library walks them unchecked.
#include <cstdint>
#include <initializer_list>
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

/// LoadError unless the library can apply the rules to any text without leaving them. `what` names the file.
void check_charsmap(std::string_view charsmap, std::string_view what);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/charsmap.inl"
#endif
