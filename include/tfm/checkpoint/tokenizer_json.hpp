#pragma once
// TokenizerJson: Hugging Face's tokenizer.json as a tokenizer: BPE, Unigram or WordPiece, with what stands around them.
// Whatever is not known is refused by name.
#include <string>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/text/pipeline_tokenizer.hpp"
#include "tfm/text/post_processor.hpp"

namespace tfm::inline TFM_ABI {

struct TokenizerJson {
  PipelineTokenizer tokenizer;  ///< bos and eos are what its post-processor writes around a text, if it is one token
  PostProcessor post_processor;
  std::vector<std::string> notes;
};

/// Reads a tokenizer.json; truncation and padding have no part in encoding. Special tokens are control tokens, others
/// that are added are text that anybody may write. Errors: LoadError with the file, the place, what was found and what
/// is expected; TokenizerError for a vocabulary that cannot be.
TokenizerJson read_tokenizer_json(const JsonDocument& document);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tokenizer_json.inl"
#endif
