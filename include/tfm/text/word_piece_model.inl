// What word_piece_model.hpp declares.
#include <algorithm>

#include "tfm/text/bpe_model.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE void WordPieceModel::encode(const Vocabulary& vocabulary, std::string_view word, std::string& scratch,
                                   std::vector<Token>& out) const {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  const auto characters = word.size() - static_cast<std::size_t>(std::count_if(word.begin(), word.end(), continues));
  if (characters > most_characters) return out.push_back(unknown);
  const std::size_t before = out.size();
  for (std::size_t from = 0, to = 0; from < word.size(); from = to) {
    for (to = word.size(); to > from; --to) {
      if (to < word.size() && continues(word[to])) continue;
      scratch.assign(from > 0 ? prefix : "").append(word, from, to - from);
      const auto token = ordinary_token(vocabulary, scratch);
      if (!token) continue;
      out.push_back(*token);
      break;
    }
    if (to > from) continue;
    out.resize(before);
    return out.push_back(unknown);
  }
}

}  // namespace tfm::inline TFM_ABI
