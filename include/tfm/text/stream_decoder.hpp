#pragma once
// StreamDecoder: the text of tokens as they come, for whoever shows an answer while it is being written.
#include <string>

#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Token by token to text. Each result is whole characters; all of them and flush() together are tokenizer.decode() of
/// all tokens.
class StreamDecoder {
  AnyTokenizer tokenizer_;
  TokenDecoder decoder_;

 public:
  /// TextStart::middle for an answer that goes on with the prompt's text.
  explicit StreamDecoder(AnyTokenizer tokenizer, TextStart start = TextStart::beginning);

  /// The characters that the token completes; empty for a control token, or while a character lacks its end.
  std::string push(Token token);
  /// The end: what was kept back, as U+FFFD for each byte.
  std::string flush();
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/stream_decoder.inl"
#endif
