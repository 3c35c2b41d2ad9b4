#pragma once
// Of the words that are known, the one that was probably meant.
#include <algorithm>
#include <cctype>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cli {

/// Insertions, deletions and exchanges of characters between the two (Levenshtein 1966).
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j)
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, diagonal + (a[i] == b[j] ? 0 : 1)}));
  }
  return row.back();
}

/// Small and capital letters, '-' and '_' are the same; a slip is a third of the word at most. Empty: none is near.
inline std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const auto plain = [](std::string_view text) {
    std::string out;
    for (const char c : text) out += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  std::string best;
  std::size_t least = std::min<std::size_t>(word.size() / 3, 2) + 1;
  for (const std::string& one : known)
    if (const std::size_t distance = edit_distance(plain(word), plain(one)); distance < least) least = distance, best = one;
  return best;
}

}  // namespace cli
