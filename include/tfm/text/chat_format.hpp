#pragma once
// ChatFormat: what a chat template writes around each message. The known ones are below; a further one is one entry.
#include <string>
#include <vector>

#include "tfm/core/config.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace tfm::inline TFM_ABI {

/// A conversation is `start`, the system prompt between its marks, and for each turn the user's text between its marks,
/// then opening, gap, reply, closing. In these marks {bos} and {eos} stand for the vocabulary's tokens.
struct ChatFormat {
  std::string name{};
  std::string start{};
  std::string system_before{}, system_after{};
  bool system_within_user = false;  ///< the system prompt stands inside the first user's turn, after user_before
  std::string user_before{}, user_after{};
  std::string opening{};         ///< opens the assistant's turn: the model goes on from here
  std::string gap{};             ///< where a reply is known, stands before it; a model says it itself, or leaves it out
  std::string closing{};         ///< ends the assistant's turn
  std::string default_system{};  ///< for conversations that have no system prompt
  bool trim_system = false, trim_user = false, trim_reply = false;  ///< white space at the ends of a message is dropped
  std::vector<std::string> stop_tokens{};                           ///< special tokens by which the model ends its turn
  std::vector<std::string> stop_strings{};  ///< and texts by which it leaves its turn without one
};

/// Text as it is, a line for each message: for models that were not trained to chat.
ChatFormat plain_format();

/// ChatML (OpenAI 2023), which SmolLM2, Yi, TinyDolphin and many others speak.
ChatFormat chatml_format();

/// Llama 2 chat (Touvron et al. 2023): every pair of turns is a sequence of its own, from <s> to </s>.
ChatFormat llama2_format();

/// Alpaca's prompt without input, its sections repeated for further turns.
ChatFormat alpaca_format();

/// All of them: what ChatTemplate::named() knows.
std::vector<ChatFormat> known_chat_formats();
/// "plain, chatml, llama2, alpaca": for messages.
std::string chat_format_names();

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/chat_format.inl"
#endif
