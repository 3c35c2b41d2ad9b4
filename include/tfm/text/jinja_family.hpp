#pragma once
// Which of the known chat formats a Jinja chat template is. Templates are not run: every statement of one, but for its
// conditions, must be known from the format's published templates. One that does anything else is unknown.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tfm/text/chat_format.hpp"
#include "tfm/text/jinja_source.hpp"

namespace tfm::inline TFM_ABI {
namespace detail {

/// What a statement tells about the format.
enum class JinjaPart {
  nothing,
  bos,             ///< BOS before everything
  system,          ///< how the system prompt is written
  user,            ///< how a user's turn is
  reply,           ///< how the assistant's is
  unmarked_reply,  ///< the same, without {eos}
  turn,            ///< how every message is
  default_system,  ///< its text, where * is
};

struct JinjaPattern {
  JinjaPart part;
  std::string_view code;  // as JinjaSource spells it, but with quotes, without .strip(); * is any text within a literal
};

inline constexpr std::array<JinjaPattern, 8> jinja_common{{
    {JinjaPart::nothing, "{%formessageinmessages%}"},
    {JinjaPart::nothing, "{%formessageinmessages[1:]%}"},
    {JinjaPart::nothing, "{%formessageinloop_messages%}"},
    {JinjaPart::nothing, "{%setloop_messages=messages%}"},
    {JinjaPart::nothing, "{%setloop_messages=messages[1:]%}"},
    {JinjaPart::nothing, "{%setadd_generation_prompt=false%}"},
    {JinjaPart::nothing, "{%setadd_generation_prompt=true%}"},
    {JinjaPart::nothing, "{{raise_exception('*')}}"},
}};

inline constexpr std::array<JinjaPattern, 10> jinja_chatml{{
    {JinjaPart::bos, "{{bos_token}}"},
    {JinjaPart::system, "{{'<|im_start|>system\n'+messages[0]['content']+'<|im_end|>\n'}}"},
    {JinjaPart::system, "{{'<|im_start|>system\n'+message['content']+'<|im_end|>\n'}}"},
    {JinjaPart::default_system, "{{'<|im_start|>system\n*<|im_end|>\n'}}"},
    {JinjaPart::turn, "{{'<|im_start|>'+message['role']+'\n'+message['content']+'<|im_end|>\n'}}"},
    {JinjaPart::turn, "{{'<|im_start|>'+message['role']+'\n'+message['content']}}"},  // where the last turn stays open
    {JinjaPart::nothing, "{{'<|im_end|>\n'}}"},
    {JinjaPart::user, "{{'<|im_start|>user\n'+message['content']+'<|im_end|>\n'}}"},
    {JinjaPart::reply, "{{'<|im_start|>assistant\n'+message['content']+'<|im_end|>\n'}}"},
    {JinjaPart::nothing, "{{'<|im_start|>assistant\n'}}"},
}};

inline constexpr std::array<JinjaPattern, 13> jinja_llama2{{
    {JinjaPart::nothing, "{%setsystem_message=false%}"},
    {JinjaPart::nothing, "{%setsystem_message=''%}"},
    {JinjaPart::system, "{%setsystem_message=messages[0]['content']%}"},
    {JinjaPart::system, "{%setsystem_message='<<SYS>>\n'+messages[0]['content']+'\n<</SYS>>\n\n'%}"},
    {JinjaPart::default_system, "{%setsystem_message='<<SYS>>\n*\n<</SYS>>\n\n'%}"},
    {JinjaPart::default_system, "{%setsystem_message='*'%}"},
    {JinjaPart::nothing, "{%setcontent='<<SYS>>\n'+system_message+'\n<</SYS>>\n\n'+message['content']%}"},
    {JinjaPart::nothing, "{%setcontent=system_message+message['content']%}"},
    {JinjaPart::nothing, "{%setcontent=message['content']%}"},
    {JinjaPart::nothing, "{{'<<SYS>>\n'+content+'\n<</SYS>>\n\n'}}"},  // a system prompt in the middle: refused
    {JinjaPart::user, "{{bos_token+'[INST] '+content+' [/INST]'}}"},
    {JinjaPart::reply, "{{' '+content+' '+eos_token}}"},
    {JinjaPart::reply, "{{' '+message['content']+' '+eos_token}}"},
}};

inline constexpr std::array<JinjaPattern, 12> jinja_alpaca{{
    {JinjaPart::bos, "{{bos_token}}"},
    {JinjaPart::bos, "{{bos_token+system_message}}"},
    {JinjaPart::nothing, "{{system_message}}"},
    {JinjaPart::nothing, "{%setsystem_message=''%}"},
    {JinjaPart::system, "{%setsystem_message=messages[0]['content']+'\n\n'%}"},
    {JinjaPart::system, "{{messages[0]['content']+'\n\n'}}"},
    {JinjaPart::user, "{{'### Instruction:\n'+message['content']+'\n\n'}}"},
    {JinjaPart::reply, "{{'### Response:\n'+message['content']+eos_token+'\n\n'}}"},
    {JinjaPart::unmarked_reply, "{{'### Response:\n'+message['content']+'\n\n'}}"},
    {JinjaPart::nothing, "{{'### Response:\n'}}"},
    {JinjaPart::nothing, "{{'### Instruction:\n'}}"},  // a slip in a published template: it opens the wrong turn
    {JinjaPart::default_system, "{{'*\n\n'}}"},
}};

/// The text where the pattern has *, or all of it, if the statement is the pattern's.
std::optional<std::string_view> match(std::string_view pattern, std::string_view code);

struct JinjaMatch {
  JinjaPart part;
  std::string_view text;
};
std::optional<JinjaMatch> match(std::span<const JinjaPattern> patterns, std::string_view code);

/// Takes every .strip() out of the statement; says whether there was one.
bool take_strip(std::string& code);

/// The format, adjusted to what the statements say, if all of them are known.
std::optional<ChatFormat> recognise(ChatFormat format, std::span<const JinjaPattern> patterns,
                                           std::span<const std::string> statements);

}  // namespace detail

/// The known format that a template's source is of, with the template's own default system prompt; nothing if of none.
std::optional<ChatFormat> recognise_jinja(std::string_view source);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/jinja_family.inl"
#endif
