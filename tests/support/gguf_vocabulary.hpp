#pragma once
// The tables of a byte-level BPE inside a GGUF file, for tests of the tokenizer.
#include <string_view>
#include <vector>

#include "support/data.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/text/byte_bpe.hpp"

namespace tfm_test {

/// A token that the metadata names, under tokenizer.ggml.
inline std::optional<tfm::Token> gguf_token(const tfm::GgufMetadata& metadata, const std::string& key) {
  const auto value = metadata.find("tokenizer.ggml." + key);
  return value ? std::optional(static_cast<tfm::Token>(value->integer())) : std::nullopt;
}
inline tfm::SpecialTokens gguf_special(const tfm::GgufMetadata& metadata) {
  return {.bos = gguf_token(metadata, "bos_token_id"),
          .eos = gguf_token(metadata, "eos_token_id"),
          .unknown = gguf_token(metadata, "unknown_token_id"),
          .pad = gguf_token(metadata, "padding_token_id")};
}

inline tfm::ByteBpeTokenizer gguf_byte_bpe(const std::filesystem::path& path) {
  const tfm::GgufMetadata metadata = tfm::read_gguf(path).metadata;
  const auto pieces = metadata.at("tokenizer.ggml.tokens").texts();
  const auto merges = metadata.at("tokenizer.ggml.merges").texts();
  const auto types = metadata.at("tokenizer.ggml.token_type").integers();
  return tfm::ByteBpeTokenizer({.pieces = pieces,
                                .merges = merges,
                                .types = types,
                                .special = gguf_special(metadata),
                                .pre_tokenizer = metadata.at("tokenizer.ggml.pre").text()});
}

}  // namespace tfm_test
