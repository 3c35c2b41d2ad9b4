// What unigram_model.hpp declares.
#include <algorithm>
#include <utility>

#include "tfm/text/bpe_model.hpp"

namespace tfm::inline TFM_ABI {

TFM_INLINE UnigramModel::UnigramModel(const Vocabulary& vocabulary, std::span<const double> scores,
                                  std::optional<Token> unknown, bool byte_fallback)
    : scores_(scores.begin(), scores.end()), unknown_(unknown), byte_fallback_(byte_fallback) {
  for (std::size_t token = 0; token < scores.size(); ++token) {
    const std::string_view piece = vocabulary.piece(static_cast<Token>(token));
    if (!piece.empty() && ordinary_token(vocabulary, piece) == static_cast<Token>(token))
      trie_.add(piece, static_cast<Token>(token));
  }
  // An unknown character costs ten more than the worst piece.
  unknown_score_ = (scores_.empty() ? 0 : *std::min_element(scores_.begin(), scores_.end())) - 10;
  byte_token_ = byte_tokens(vocabulary);
}

TFM_INLINE void UnigramModel::encode(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch,
                                 std::vector<Token>& out) const {
  auto& best = scratch.best;
  best.assign(word.size() + 1, {0, 0, -1});
  const auto offer = [&](std::size_t from, std::size_t to, Token token, double score) {
    score += best[from].score;
    if (best[to].token < 0 || score > best[to].score) best[to] = {score, from, token};
  };
  for (std::size_t at = 0, next = 0; at < word.size(); at = next) {
    next_code_point(word, next = at);
    bool single = false;  // there is a piece of this one character
    std::size_t end = at;
    for (std::int32_t node = ByteTrie::root; end < word.size();) {
      node = trie_.below(node, word[end++]);
      if (node == ByteTrie::none) break;
      const Token token = trie_.value(node);
      if (token < 0) continue;
      offer(at, end, token, scores_[to_size(token)]);
      single = single || end == next;
    }
    if (single) continue;
    if (!unknown_)
      raise<TokenizerError>(
          {"tfm: ", vocabulary.what(), ": a text has a character without a piece, and there is no unknown token"});
    offer(at, next, *unknown_, unknown_score_);
  }
  auto& path = scratch.path;
  path.clear();
  for (std::size_t end = word.size(); end > 0;) {
    const auto [score, from, token] = best[end];
    if (token == unknown_ && !path.empty() && path.back().second == token && path.back().first.begin == end)
      path.back().first.begin = from;
    else path.push_back({{from, end}, token});
    end = from;
  }
  for (auto step = path.rbegin(); step != path.rend(); ++step) {
    const auto& [span, token] = *step;
    const std::string_view text = word.substr(span.begin, span.end - span.begin);
    const auto has_piece = [&](char c) { return byte_token_[static_cast<unsigned char>(c)] >= 0; };
    if (token != unknown_ || !byte_fallback_ || !std::all_of(text.begin(), text.end(), has_piece)) out.push_back(token);
    else for (const char c : text) out.push_back(byte_token_[static_cast<unsigned char>(c)]);
  }
}

}  // namespace tfm::inline TFM_ABI
