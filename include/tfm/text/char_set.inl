// What char_set.hpp declares.
#include <utf8proc.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tfm::inline TFM_ABI {

namespace detail {

struct CategoryRun {
  char32_t first;
  int category;
};
inline constexpr char32_t code_points = 0x110000;

/// A code point's category. What is not assigned in the block "Symbols and Pictographs Extended-A" counts as a symbol:
/// every version of Unicode adds emoji there, and texts have them before utf8proc does.
TFM_INLINE int category_of(char32_t c) {
  const int category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_CN && c >= 0x1FA70 && c <= 0x1FAFF ? int{UTF8PROC_CATEGORY_SO} : category;
}
/// Every code point's category, as runs of equal ones. The planes in which no character is assigned (4 to 13, 15, 16)
/// are asked once for each 256 code points, but for their last two, which are none.
TFM_INLINE std::vector<CategoryRun> make_category_runs() {
  std::vector<CategoryRun> runs;
  const auto add = [&](char32_t c) {
    const int category = category_of(c);
    if (runs.empty() || runs.back().category != category) runs.push_back({c, category});
  };
  for (char32_t c = 0; c < code_points; ++c) {
    add(c);
    const bool assigned = c < 0x40000 || (c >= 0xE0000 && c < 0xF0000);
    if (!assigned && (c & 0xFFFF) < 0xFF00) c |= 0xFF;
  }
  return runs;
}
TFM_INLINE const std::vector<CategoryRun>& category_runs() {
  static const std::vector<CategoryRun> runs = make_category_runs();
  return runs;
}

}  // namespace detail

TFM_INLINE bool CharSet::has(char32_t c, int category) const {
  bool in = (categories >> category & 1) != 0;
  for (std::size_t i = 0; i < ranges.size() && !in; ++i) in = c >= ranges[i].first && c <= ranges[i].second;
  for (std::size_t i = 0; i < parts.size() && !in; ++i) in = parts[i].has(c, category);
  for (std::size_t i = 0; i < also.size() && in; ++i) in = also[i].has(c, category);
  return in != negated;
}

TFM_INLINE void CharSet::add_borders(std::vector<char32_t>& borders) const {
  for (const auto& [from, to] : ranges) borders.push_back(from), borders.push_back(to + 1);
  for (const auto* const sets : {&parts, &also})
    for (const CharSet& set : *sets) set.add_borders(borders);
}

TFM_INLINE CharSet white_space_set() {
  return {.ranges = {{0x09, 0x0D}, {0x20, 0x20}, {0x85, 0x85}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A},
                     {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}}};
}
TFM_INLINE CharSet word_set() {
  CharSet set;
  for (const int category : {UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LL, UTF8PROC_CATEGORY_LT, UTF8PROC_CATEGORY_LM,
                             UTF8PROC_CATEGORY_LO, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_MC, UTF8PROC_CATEGORY_ME,
                             UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_PC})
    set.categories |= 1u << category;
  return set;
}
TFM_INLINE CharSet han_set() {
  return {.ranges = {{0x2E80, 0x2E99}, {0x2E9B, 0x2EF3}, {0x2F00, 0x2FD5}, {0x3005, 0x3005}, {0x3007, 0x3007},
                     {0x3021, 0x3029}, {0x3038, 0x303B}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF}, {0xF900, 0xFA6D},
                     {0xFA70, 0xFAD9}, {0x16FE2, 0x16FE3}, {0x16FF0, 0x16FF1}, {0x20000, 0x2A6DF}, {0x2A700, 0x2B739},
                     {0x2B740, 0x2B81D}, {0x2B820, 0x2CEA1}, {0x2CEB0, 0x2EBE0}, {0x2EBF0, 0x2EE5D}, {0x2F800, 0x2FA1D},
                     {0x30000, 0x3134A}, {0x31350, 0x323AF}}};
}

TFM_INLINE CharClasses::CharClasses(std::span<const CharSet> sets) {
  std::vector<char32_t> borders{0, detail::code_points};
  for (const CharSet& set : sets) set.add_borders(borders);
  for (const detail::CategoryRun& run : detail::category_runs()) borders.push_back(run.first);
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  while (borders.back() > detail::code_points) borders.pop_back();

  // Between two borders of the sets the answer rests on the category alone: it is asked once for each pair.
  std::vector<char32_t> own{0};
  for (const CharSet& set : sets) set.add_borders(own);
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  std::map<std::vector<bool>, std::uint8_t> classes;
  std::vector<int> known(own.size() * 32, -1);
  members_.resize(sets.size());
  std::string all(detail::code_points, '\0');
  const auto& runs = detail::category_runs();
  std::size_t run = 0, segment = 0;
  for (std::size_t i = 0; i + 1 < borders.size(); ++i) {
    const char32_t c = borders[i];
    while (run + 1 < runs.size() && runs[run + 1].first <= c) ++run;
    while (segment + 1 < own.size() && own[segment + 1] <= c) ++segment;
    int& of = known[segment * 32 + static_cast<std::size_t>(runs[run].category)];
    if (of < 0) {
      std::vector<bool> in(sets.size());
      for (std::size_t set = 0; set < sets.size(); ++set) in[set] = sets[set].has(c, runs[run].category);
      const auto [found, fresh] = classes.try_emplace(in, static_cast<std::uint8_t>(classes.size()));
      of = found->second;
      if (fresh && classes.size() > 255) return;
      for (std::size_t set = 0; set < sets.size() && fresh; ++set) members_[set].push_back(in[set]);
    }
    std::fill(all.begin() + c, all.begin() + borders[i + 1], static_cast<char>(of));
  }
  std::unordered_map<std::string_view, std::uint16_t> seen;
  for (std::size_t at = 0; at < all.size(); at += block_size) {
    const std::string_view block = std::string_view(all).substr(at, block_size);
    const auto [found, fresh] = seen.try_emplace(block, static_cast<std::uint16_t>(seen.size()));
    block_of_.push_back(found->second);
    if (fresh) blocks_.insert(blocks_.end(), block.begin(), block.end());
  }
  for (std::size_t i = 0; i < ascii_.size(); ++i) ascii_[i] = static_cast<std::uint8_t>(all[i]);
}

}  // namespace tfm::inline TFM_ABI
