#pragma once
// The tokens that a Hugging Face folder adds to its tokenizer.model: which files count, in which order, as in transformers.

#include "tfm/checkpoint/tokenizer_config.hpp"
#include "tfm/formats/json.hpp"

namespace tfm::inline TFM_ABI {

/// Completes what tokenizer_config.json says by added_tokens.json and special_tokens_map.json (null: not there). As in
/// transformers they count only where the configuration has no added_tokens_decoder; what is contradicted or left out is told
/// in the configuration's notes. Errors: LoadError.
void complete_added_tokens(TokenizerConfig& config, const JsonDocument* added_tokens, const JsonDocument* special_tokens_map);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/added_tokens_files.inl"
#endif
