#pragma once
// A conversation through a template, as transformers' apply_chat_template prepares it.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tfm/text/jinja/template.hpp"

namespace tfm::inline TFM_ABI::jinja {

/// What a chat template is rendered with.
struct Conversation {
  Value messages;               ///< a list of dictionaries with `role`, `content` and what else there is
  Value tools = Value::none();  ///< a list of JSON schemas
  std::vector<std::pair<std::string, Value>>
      variables{};  ///< bos_token, enable_thinking and so on; the last of equal names counts
  bool add_generation_prompt = true;
  bool continue_final_message = false;  ///< the text ends with the last message's, for a model to go on
  std::optional<DateTime> now{};
};

/// The messages' own texts have their origins, by their place. A role that is one of the usual words counts as the
/// template's: with it templates spell their marks. Keys without a value are left out; what `reasoning_content`,
/// `thinking` or `reasoning` says can be read as either of the first two. Errors: TemplateError, Raised.
TFM_JINJA Rendered render(const Template& chat_template, const Conversation& conversation, const Limits& limits = {});

}  // namespace tfm::inline TFM_ABI::jinja

#if defined(TFM_JINJA_BODIES)
#include "tfm/text/jinja/conversation.inl"
#endif
