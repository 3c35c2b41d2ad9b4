#pragma once
// A decoder's shape from a GGUF file's metadata.
#include <string>

#include "tfm/checkpoint/families.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

/// The family that general.architecture names. Errors: LoadError for another than those in families.hpp.
const Family& family_of_gguf(const GgufMetadata& metadata);

/// The shape as the keys of its family (`llama.*`) give it, the vocabulary as the embedding has it, whatever `vocab_size` says
/// (vocab_size_note). Errors: LoadError that names file and key for another architecture, experts, one part of several in memory, or a
/// rotary scaling that is not known; ShapeError.
DynamicLlamaShape read_llama_shape(const Gguf& gguf);

/// What is to be told where a file says another size of its vocabulary than its embedding has; empty: nothing.
std::string vocab_size_note(const GgufMetadata& metadata, Index vocab);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/llama_gguf.inl"
#endif
