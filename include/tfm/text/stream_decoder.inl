// What stream_decoder.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE StreamDecoder::StreamDecoder(AnyTokenizer tokenizer, TextStart start) : tokenizer_(std::move(tokenizer)), decoder_(start) {}

TFM_INLINE std::string StreamDecoder::push(Token token) {
  std::string text;
  decoder_.push(tokenizer_, token, text);
  return text;
}

TFM_INLINE std::string StreamDecoder::flush() {
  std::string text;
  decoder_.flush(text);
  return text;
}

}  // namespace tfm::inline TFM_ABI
