#pragma once
// The parts of Hugging Face's tokenizer.json around its model: normalizer, pre-tokenizer, decoder, post-processor.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/text/normalizer.hpp"
#include "tfm/text/post_processor.hpp"
#include "tfm/text/pre_tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// A decoder, as far as it can say of each token alone what text it stands for.
struct TokenizerDecoder {
  enum class Kind : unsigned char { joined, byte_level, word_piece, metaspace, steps };
  Kind kind = Kind::joined;                ///< joined: by spaces, as where there is no decoder
  std::string mark{};                      ///< of word_piece: before pieces inside a word; of metaspace: for a space
  bool cleans_up = false;                  ///< of word_piece: no space before punctuation and endings
  bool drops_first = false;                ///< of metaspace: marks in the first token
  std::vector<std::pair<std::string, std::string>> replaced{};  ///< of steps
  bool byte_fallback = false;  ///< of steps: <0x00> is a byte
  bool strips_space = false;   ///< of steps: one space of the text's beginning goes

  /// The bytes of a piece, inside a text or at its beginning.
  std::string spell(std::string_view piece, bool first) const;
  LeadingSpace leading() const noexcept;
  InvalidUtf8 invalid() const noexcept {
    return kind == Kind::byte_level ? InvalidUtf8::each_beginning : InvalidUtf8::each_byte;
  }
};

namespace detail {

inline constexpr Index most_json_tokens = 1'000'000;

/// The member's truth; where it is missing or null, `otherwise`.
bool json_flag(const Json& value, std::string_view key, bool otherwise);

/// Each reads the part of a document's root. Errors: LoadError that names what is not supported, and where it is.
Normalizer read_normalizer(const Json& root);
/// `bytes`: whether the words are for a model over bytes in GPT-2's alphabet.
PreTokenizer read_pre_tokenizer(const Json& root, bool& bytes);
TokenizerDecoder read_decoder_part(const Json& root);
PostProcessor read_post_processor(const Json& root);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tokenizer_json_parts.inl"
#endif
