#pragma once
// CharSet: a set of code points by ranges and Unicode's general categories; and CharClasses, which tells apart no more
// code points than some sets do.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// The union of its parts, what of it is in all of `also`, and the complement of that where it is negated.
struct CharSet {
  std::vector<std::pair<char32_t, char32_t>> ranges{};  ///< from, to: both are in it
  std::uint32_t categories = 0;                         ///< a bit for each utf8proc_category_t
  std::vector<CharSet> parts{}, also{};
  bool negated = false;

  /// Whether c is in it; `category` is that of c.
  bool has(char32_t c, int category) const;
  void add(char32_t from, char32_t to) { ranges.emplace_back(from, to); }
  /// All ranges' first code points, and those after their last: between two of them only the category counts.
  void add_borders(std::vector<char32_t>& borders) const;
};

/// \s, \d, \w as Oniguruma has them; White_Space is PropList.txt's, Han is Scripts.txt's (Unicode 15.1).
CharSet white_space_set();
CharSet word_set();
CharSet han_set();

/// A number for each code point: two have the same one where every set has both or neither.
class CharClasses {
  static constexpr std::size_t block_size = 128;
  std::array<std::uint8_t, 128> ascii_{};
  std::vector<std::uint16_t> block_of_;  // by code point / block_size
  std::vector<std::uint8_t> blocks_;
  std::vector<std::vector<bool>> members_;  // by set, then by class

 public:
  CharClasses() = default;
  /// Of the sets; empty() where they tell apart more than 255 classes.
  explicit CharClasses(std::span<const CharSet> sets);

  bool empty() const noexcept { return blocks_.empty(); }
  std::size_t count() const noexcept { return members_.empty() ? 1 : members_.front().size(); }
  bool has(std::size_t set, std::size_t of) const { return members_[set][of]; }
  std::size_t ascii(unsigned char byte) const noexcept { return ascii_[byte]; }
  std::size_t operator()(char32_t c) const noexcept {
    return blocks_[block_of_[c / block_size] * block_size + c % block_size];
  }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/char_set.inl"
#endif
