#pragma once
// Writing tokenizer.json and tokenizer_config.json: a vocabulary in the words of Hugging Face's libraries.
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/gguf_vocabulary.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// The type that a token has in `tokenizer`, which was made of the vocabulary.
TokenType type_of(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, Token token);

/// Calls f(token, piece, special) for the tokens that are matched in a text as they are spelt.
template <class F>
void each_added_token(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, F&& f) {
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    const TokenType type = type_of(vocabulary, tokenizer, token);
    if (type != TokenType::normal && !piece.empty() && fit_for_json(piece) && tokenizer.find(piece) == token) f(token, piece, type == TokenType::control);
  }
}

}  // namespace detail

/// tokenizer.json of a GGUF vocabulary, a line for each token and merge: a byte-level BPE, or of kind `llama` a BPE of characters with the merges
/// that its scores stand for. A piece that is there twice, is empty or no UTF-8 has no line: no
/// text becomes it.
std::string tokenizer_json_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer);

/// tokenizer_config.json of a GGUF vocabulary.
std::string tokenizer_config_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, const std::string& jinja);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tokenizer_json_text.inl"
#endif
