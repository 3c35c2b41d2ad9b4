#pragma once
// Models that do not open, by the names that files have for them: what they are, for messages.
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A name, or with a star how names begin, of config.json's model_type or GGUF's general.architecture.
struct OtherFamily {
  std::string_view name, what;
};
inline constexpr OtherFamily other_families[] = {
    {"mixtral", "a mixture of experts"},
    {"qwen2moe", "a mixture of experts"},
    {"qwen2_moe", "a mixture of experts"},
    {"qwen3moe", "a mixture of experts"},
    {"qwen3_moe", "a mixture of experts"},
    {"phimoe", "a mixture of experts"},
    {"granitemoe*", "a mixture of experts"},
    {"olmoe", "a mixture of experts"},
    {"gpt-oss", "a mixture of experts"},
    {"gpt_oss", "a mixture of experts"},
    {"llama4*", "a mixture of experts"},
    {"deepseek*", "a mixture of experts with latent attention"},
    {"qwen3next", "a model with recurrent layers"},
    {"qwen3_next", "a model with recurrent layers"},
    {"qwen35*", "a model with recurrent layers"},
    {"qwen3_5*", "a model with recurrent layers"},
    {"mamba*", "a model with recurrent layers"},
    {"rwkv*", "a model with recurrent layers"},
    {"gemma", "the first Gemma, whose blocks are others than Gemma 2's"},
    {"gemma3n*", "Gemma 3n, with embeddings of each layer"},
    {"gemma4*", "Gemma 4, with layers of several shapes"},
    {"gpt2", "GPT-2, with learnt positions"},
    {"openai-gpt", "the first GPT, with learnt positions"},
    {"gptj", "GPT-J, with attention beside the feed-forward layer"},
    {"gptneox", "GPT-NeoX, with attention beside the feed-forward layer"},
    {"gpt_neox", "GPT-NeoX, with attention beside the feed-forward layer"},
    {"phi", "Phi-1 or 2, with attention beside the feed-forward layer"},
    {"phi2", "Phi-2, with attention beside the feed-forward layer"},
    {"falcon", "Falcon, with attention beside the feed-forward layer"},
    {"bert", "an encoder, which writes no text"},
    {"nomic-bert", "an encoder, which writes no text"},
    {"roberta", "an encoder, which writes no text"},
    {"distilbert", "an encoder, which writes no text"},
    {"modernbert", "an encoder, which writes no text"},
    {"t5", "an encoder with a decoder"},
    {"t5encoder", "an encoder, which writes no text"},
    {"whisper", "a model that hears speech"},
    {"qwen2_vl", "a model that reads pictures"},
    {"qwen2_5_vl", "a model that reads pictures"},
    {"qwen2vl", "a model that reads pictures"},
    {"llava*", "a model that reads pictures"},
};

/// What a model of that name is; nothing where that is not known.
constexpr std::string_view what_is(std::string_view name) noexcept {
  for (const OtherFamily& other : other_families) {
    const bool begins = other.name.ends_with('*');
    if (begins ? name.starts_with(other.name.substr(0, other.name.size() - 1)) : name == other.name) return other.what;
  }
  return {};
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
