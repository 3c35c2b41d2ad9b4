#pragma once
// Which of the known chat formats a Jinja chat template is. Templates are not run: every statement of one, but for its
// conditions, must be known from the format's published templates. One that does anything else is unknown.
#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
inline std::optional<std::string_view> match(std::string_view pattern, std::string_view code) {
  const auto equal = [](std::string_view p, std::string_view c) {
    return std::equal(p.begin(), p.end(), c.begin(), c.end(),
                      [](char x, char y) { return (x == '\'' ? '\1' : x) == y; });
  };
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return equal(pattern, code) ? std::optional(code) : std::nullopt;
  const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
  if (code.size() < before.size() + after.size()) return std::nullopt;
  const std::string_view text = code.substr(before.size(), code.size() - before.size() - after.size());
  const bool same =
      equal(before, code.substr(0, before.size())) && equal(after, code.substr(code.size() - after.size()));
  return same && text.find('\1') == text.npos ? std::optional(text) : std::nullopt;
}

struct JinjaMatch {
  JinjaPart part;
  std::string_view text;
};
inline std::optional<JinjaMatch> match(std::span<const JinjaPattern> patterns, std::string_view code) {
  for (const JinjaPattern& pattern : patterns) {
    if (const auto text = match(pattern.code, code)) return JinjaMatch{pattern.part, *text};
  }
  return std::nullopt;
}

/// Takes every .strip() out of the statement; says whether there was one.
inline bool take_strip(std::string& code) {
  constexpr std::string_view strip = ".strip()";
  bool taken = false;
  for (std::size_t at = code.find(strip); at != code.npos; at = code.find(strip, at)) {
    code.erase(at, strip.size());
    taken = true;
  }
  return taken;
}

/// The format, adjusted to what the statements say, if all of them are known.
inline std::optional<ChatFormat> recognise(ChatFormat format, std::span<const JinjaPattern> patterns,
                                           std::span<const std::string> statements) {
  bool user = false, reply = false, system = false, never = false;
  format.default_system.clear();
  for (std::string code : statements) {
    if (code.starts_with("{%if") || code.starts_with("{%el") || code.starts_with("{%end")) {
      never = code.starts_with("{%eliffalse==true");  // so was the default system prompt of Llama 2 switched off
      continue;
    }
    const bool trim = take_strip(code);
    std::optional<JinjaMatch> found = match(jinja_common, code);
    if (!found) found = match(patterns, code);
    if (!found) return std::nullopt;
    const JinjaPart part = found->part;
    if (part == JinjaPart::bos) format.start = "{bos}";
    if (part == JinjaPart::default_system && format.default_system.empty() && !never)
      format.default_system = found->text;
    if (part == JinjaPart::system || part == JinjaPart::turn) system = true, format.trim_system = trim;
    if (part == JinjaPart::user || part == JinjaPart::turn) user = true, format.trim_user = trim;
    if (part == JinjaPart::unmarked_reply) format.closing = "\n\n";
    if (part == JinjaPart::reply || part == JinjaPart::unmarked_reply || part == JinjaPart::turn) {
      reply = true, format.trim_reply = trim;
    }
  }
  return user && reply && system ? std::optional(format) : std::nullopt;
}

}  // namespace detail

/// The known format that a template's source is of, with the template's own default system prompt; nothing if of none.
inline std::optional<ChatFormat> recognise_jinja(std::string_view source) {
  const std::optional<std::vector<std::string>> statements = JinjaSource::statements(source);
  if (!statements) return std::nullopt;
  if (auto format = detail::recognise(chatml_format(), detail::jinja_chatml, *statements)) return format;
  if (auto format = detail::recognise(llama2_format(), detail::jinja_llama2, *statements)) return format;
  return detail::recognise(alpaca_format(), detail::jinja_alpaca, *statements);
}

}  // namespace tfm::inline TFM_ABI
