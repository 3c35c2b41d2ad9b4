// What bpe_model.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::array<Token, 256> byte_tokens(const Vocabulary& vocabulary) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::array<Token, 256> tokens{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string piece{'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
    tokens[byte] = ordinary_token(vocabulary, piece).value_or(-1);
  }
  return tokens;
}

TFM_INLINE BpeModel::BpeModel(const Vocabulary& vocabulary, MergeTable merges, const BpeRules& rules)
    : merges_(std::move(merges)), rules_(rules) {
  if (!rules.bytes) byte_token_ = byte_tokens(vocabulary);
  for (std::size_t byte = 0; byte < 256 && rules.bytes; ++byte) {
    std::string piece;
    append_utf8(piece, byte_alphabet[byte]);
    byte_token_[byte] = ordinary_token(vocabulary, piece).value_or(-1);
  }
  if (rules.bytes) return;
  merges_.settle_joints();
  near_.assign(0x10000, -1);
  for (Token token = 0; token < vocabulary.size(); ++token) {
    const std::string_view piece = vocabulary.piece(token);
    std::size_t at = 0;
    if (piece.empty() || utf8_character(piece) != static_cast<int>(piece.size())) continue;
    if (ordinary_token(vocabulary, piece) != token) continue;
    const char32_t c = next_code_point(piece, at);
    if (c < near_.size()) near_[c] = token;
    else far_.emplace(c, token);
  }
}

TFM_INLINE Token BpeModel::of_character(std::string_view text, std::size_t& at) const {
  const char32_t c = next_code_point(text, at);
  if (c < near_.size()) return near_[c];
  const auto found = far_.find(c);
  return found == far_.end() ? -1 : found->second;
}

TFM_INLINE void BpeModel::begin_with_characters(std::string_view word, std::vector<Token>& out) const {
  bool unknown = false;  // one waits: as in Hugging Face's library, bytes that follow it go before it
  const auto settle = [&] {
    if (std::exchange(unknown, false)) out.push_back(*rules_.unknown);
  };
  for (std::size_t at = 0; at < word.size();) {
    const std::size_t from = at;
    if (const Token token = of_character(word, at); token >= 0) {
      settle();
      out.push_back(token);
      continue;
    }
    bool spelt = rules_.byte_fallback;
    for (std::size_t i = from; i < at && spelt; ++i) spelt = byte_token_[static_cast<unsigned char>(word[i])] >= 0;
    if (spelt) {
      for (std::size_t i = from; i < at; ++i) out.push_back(byte_token_[static_cast<unsigned char>(word[i])]);
    } else if (rules_.unknown) {
      if (!rules_.fuse_unknown) settle();
      unknown = true;
    }
  }
  settle();
}

TFM_INLINE void BpeModel::encode(const Vocabulary& vocabulary, std::string_view word, Scratch& scratch,
                             std::vector<Token>& out) const {
  if (rules_.ignore_merges) {
    std::string_view piece = word;
    if (rules_.bytes) {
      scratch.spelt.clear();
      for (const char c : word) append_utf8(scratch.spelt, byte_alphabet[static_cast<unsigned char>(c)]);
      piece = scratch.spelt;
    }
    if (const auto token = ordinary_token(vocabulary, piece)) return out.push_back(*token);
  }
  scratch.word.clear();
  if (rules_.bytes) {
    bool unknown = false;  // the byte before
    for (const char c : word) {
      const Token token = byte_token_[static_cast<unsigned char>(c)];
      if (token >= 0) scratch.word.push_back(token);
      else if (rules_.unknown && !(unknown && rules_.fuse_unknown)) scratch.word.push_back(*rules_.unknown);
      unknown = token < 0;
    }
  } else {
    begin_with_characters(word, scratch.word);
  }
  if (scratch.word.size() <= 48) return merges_.apply(scratch.word, scratch.merging, out);
  // A long one, as where nothing is cut into words before, is cut between tokens that no merge joins.
  std::size_t from = 0;
  for (std::size_t i = 1; i <= scratch.word.size(); ++i) {
    if (i < scratch.word.size() && merges_.joins(scratch.word[i - 1], scratch.word[i])) continue;
    scratch.part.assign(scratch.word.begin() + static_cast<std::ptrdiff_t>(from),
                        scratch.word.begin() + static_cast<std::ptrdiff_t>(i));
    merges_.apply(scratch.part, scratch.merging, out);
    from = i;
  }
}

}  // namespace tfm::inline TFM_ABI
