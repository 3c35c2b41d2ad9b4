#pragma once
// By what a chat is written and what ends its replies: the checkpoint's own word, or the caller's.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/generate/stop_rules.hpp"
#include "tfm/text/chat_template.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// The template of this name, or of this Jinja source, or else the checkpoint's `own`. Errors: TemplateError where it
/// is not known or cannot be used; OptionError where a name and a source are given; TokenizerError without a tokenizer.
ChatTemplate chosen_template(const AnyTokenizer& tokenizer, const std::optional<ChatTemplate>& own,
                             std::string_view name, std::string_view source);

/// What ends a reply: tokens by the checkpoint's word, the template's, which are texts where the vocabulary has them
/// not, and `strings`.
StopRules reply_stops(const AnyTokenizer& tokenizer, const ChatTemplate& chat_template, std::vector<Token> tokens,
                      std::vector<std::string> strings = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/chat_rules.inl"
#endif
