// What tokenizer.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE auto AnyTokenizer::get() const -> const Interface& {
  if (!held_) raise(TokenizerError("tfm: this AnyTokenizer holds no tokenizer"));
  return *held_;
}

TFM_INLINE std::vector<Token> AnyTokenizer::encode(std::initializer_list<TextSegment> segments) const {
  return get().encode(std::span(segments.begin(), segments.size()));
}

TFM_INLINE std::string AnyTokenizer::decode(std::span<const Token> tokens, TextStart start) const {
  const Interface& tokenizer = get();
  std::string out;
  TokenDecoder decoder(start);
  for (const Token token : tokens) decoder.push(tokenizer, token, out);
  decoder.flush(out);
  return out;
}

TFM_INLINE AnyTokenizer AnyTokenizer::with_special(const SpecialTokens& special) const {
  for (const auto& token : {special.bos, special.eos, special.unknown, special.pad}) {
    if (token && (*token < 0 || *token >= size())) {
      raise<TokenizerError>({"tfm: special token ", *token, " is outside the vocabulary of ", size()});
    }
  }
  AnyTokenizer other = *this;
  other.special_ = special;
  return other;
}

}  // namespace tfm::inline TFM_ABI
