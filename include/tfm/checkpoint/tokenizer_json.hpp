#pragma once
// TokenizerJson: Hugging Face's tokenizer.json as plain tables. Byte-level BPE behind GPT-2's pre-tokeniser, or SmolLM's, is
// known; what is anything else is refused by name.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/checkpoint/tokenizer_config.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/text/byte_bpe.hpp"

namespace tfm::inline TFM_ABI {

/// The texts of the merges are the document's, the pieces this struct's own.
struct TokenizerJson {
  std::vector<std::string> spelt;        ///< by token; an empty one has no piece
  std::vector<std::string_view> pieces;  ///< the same
  std::vector<std::string> merge_parts;  ///< left, right, left, right, …
  std::vector<std::pair<std::string_view, std::string_view>> merges;
  std::vector<std::int32_t> types;       ///< TokenType's numbers
  std::vector<std::pair<Token, MarkerRule>> rules;
  std::string_view pre_tokenizer = "gpt-2";
  SpecialTokens special;                 ///< what its post-processor adds
  std::string what;                      ///< the file's name, for messages
  std::vector<std::string> notes;

  ByteBpeTables tables() const;
};

namespace detail {

inline constexpr Index most_json_tokens = 1'000'000;

void must_be(const Json& value, std::string_view key, bool otherwise, bool expected);

}  // namespace detail

/// Reads a tokenizer.json; truncation and padding have no part in encoding. Errors: LoadError with the file, the place, what was
/// found and what is expected.
TokenizerJson read_tokenizer_json(const JsonDocument& document);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tokenizer_json.inl"
#endif
