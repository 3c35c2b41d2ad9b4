#pragma once
// ByteBpeTokenizer: byte-level BPE (Radford et al. 2019), as in GPT-2, Llama 3 and Qwen, from plain tables.
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "tfm/text/added_tokens.hpp"
#include "tfm/text/pipeline_tokenizer.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// What a byte-level BPE is made of; read while the tokenizer is built, and not kept.
struct ByteBpeTables {
  std::span<const std::string_view> pieces{};  ///< by token: in GPT-2's byte alphabet; control and user-defined as text;
                                               ///< an empty one is a number without a piece
  std::span<const std::string_view> merges{};  ///< "left right", the first first
  std::span<const std::pair<std::string_view, std::string_view>> merge_pairs{};  ///< the same as pairs, after those
  std::span<const std::int32_t> types{};       ///< TokenType's numbers by token; none: all are normal
  SpecialTokens special{};                     ///< bos and eos are control tokens, whatever their type
  std::string_view pre_tokenizer = "gpt-2";    ///< as GGUF's tokenizer.ggml.pre names it; what else the name says counts
  std::string_view what = "vocabulary";        ///< the file's name, for messages
};

/// A byte that has no piece has no token: it is left out, as transformers and llama.cpp do (SmolLM2's vocabulary lacks twenty
/// bytes, most of which UTF-8 cannot contain). User-defined pieces are matched in any text, control pieces in a template's alone.
/// Where the pre-tokenizer's name says so, pieces are made of characters, U+2581 stands for the space, and a character without a
/// piece becomes pieces <0x00> for its bytes.
class ByteBpeTokenizer : public PipelineTokenizer {
 public:
  /// TokenizerError for tables that do not fit together, and for a pre-tokenizer that is not known.
  explicit ByteBpeTokenizer(const ByteBpeTables& tables);
};

static_assert(Tokenizer<ByteBpeTokenizer>);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/byte_bpe.inl"
#endif
