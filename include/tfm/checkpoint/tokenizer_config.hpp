#pragma once
// TokenizerConfig: what Hugging Face's tokenizer_config.json (and chat_template.jinja) says beside a vocabulary.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/json.hpp"
#include "tfm/text/added_tokens.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// A token that a file adds, and the number that it gives it.
struct DeclaredToken {
  AddedToken token;
  Index id = 0;
};

struct TokenizerConfig {
  std::optional<std::string> bos, eos, unknown, pad;  ///< as the vocabulary spells them
  std::optional<std::string> sep, cls, mask;          ///< roles that only make a token special
  std::vector<std::string> further;                   ///< additional_special_tokens
  std::optional<bool> add_bos, add_eos, add_prefix_space;
  std::vector<DeclaredToken> added;  ///< by id
  bool has_decoder = false;          ///< `added` comes from added_tokens_decoder
  bool llama = false;                ///< the class is LlamaTokenizer, and not its `legacy` behaviour
  std::optional<std::string> chat_template;  ///< Jinja source
  std::vector<std::string> notes, added_notes;  ///< of chat templates; of added tokens

  /// The special tokens' spellings, in the order in which transformers adds those that the vocabulary lacks.
  std::vector<std::string> special_pieces() const;
};

namespace detail {

/// A token's spelling: a string, or an AddedToken object around one; an empty one is none.
std::optional<std::string> spelling(const Json& root, std::string_view key);

/// The flags of an AddedToken object.
AddedToken read_added_token(const Json& value);

/// The special tokens that have no part in encoding.
void read_further_tokens(const Json& root, TokenizerConfig& config);

}  // namespace detail

/// Errors: LoadError that names the file, the key, found and expected.
TokenizerConfig read_tokenizer_config(const JsonDocument& document);

/// The tokenizer with the roles that the configuration gives: as in transformers, it has the last word. What it says
/// that the vocabulary does not have, or has otherwise, is told in `notes`.
AnyTokenizer with_config(const AnyTokenizer& tokenizer, const TokenizerConfig& config,
                                std::vector<std::string>& notes);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/tokenizer_config.inl"
#endif
