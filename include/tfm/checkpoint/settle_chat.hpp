#pragma once
// settle_chat: how a checkpoint is talked to: its chat template and what ends an answer, by its own word or else by its vocabulary.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/chat_template.hpp"
#include "tfm/text/token_names.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// What Loaded holds of it.
struct ChatSettings {
  std::optional<ChatTemplate> chat_template;  ///< none: the checkpoint's cannot be used
  std::vector<Token> stop_tokens;             ///< the tokenizer's eos, what the checkpoint says, what ends a turn by its name
  std::vector<std::string> notes;             ///< what was decided without the checkpoint's word
  std::vector<std::string> template_notes{};  ///< those of them that are about the chat template
};

/// `jinja`: the checkpoint's chat template; empty: it has none. `said`: what ends a text by the checkpoint's word, besides the
/// tokenizer's eos. What its vocabulary decides in their place is told.
ChatSettings settle_chat(const AnyTokenizer& tokenizer, std::string_view jinja, std::span<const Token> said);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/settle_chat.inl"
#endif
