#pragma once
// Tool calls in a reply, as Qwen's models write them (Hermes' form): <tool_call>{"name": ..., "arguments":
// {...}}</tool_call>.
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/text/jinja/conversation.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

struct ToolCall {
  std::string name;
  jinja::Value arguments;  ///< a dictionary
};
struct ToolCalls {
  std::vector<ToolCall> calls{};
  std::string text{};  ///< the reply without them
  std::string
      unknown{};  ///< a mark of a form that is not known, or why a call of the known form is none; empty: neither
};

namespace detail {
/// The call that the JSON is. Errors: TemplateError.
inline ToolCall tool_call_of(std::string_view json) {
  const jinja::Value call = jinja::from_json(json, jinja::by_caller, "tool call");
  const jinja::Value *const name = jinja::find(call, "name"), *const given = jinja::find(call, "arguments");
  if (name == nullptr || !name->is(jinja::Kind::text))
    raise<TemplateError>({"tfm: tool call: expected an object with a name"});
  jinja::Value arguments = given == nullptr ? jinja::make_dict({}) : *given;
  if (arguments.is(jinja::Kind::text))
    arguments = jinja::from_json(arguments.bytes(), jinja::by_caller, "tool call's arguments");
  if (!arguments.is(jinja::Kind::dict)) raise<TemplateError>({"tfm: tool call: expected arguments by their names"});
  return {std::string(name->bytes()), std::move(arguments)};
}
}  // namespace detail

/// The calls of a reply, in their order. One without its end mark counts as far as the reply's end.
inline ToolCalls tool_calls_in(std::string_view reply) {
  constexpr std::string_view open = "<tool_call>", close = "</tool_call>";
  constexpr std::array<std::string_view, 7> others{
      "[TOOL_CALLS]",  "<|python_tag|>",   "<function=", "<｜tool▁calls▁begin｜>",
      "<|tool_call|>", "<|START_ACTION|>", "functools["};
  ToolCalls out;
  std::size_t at = 0;
  for (std::size_t begin = reply.find(open); begin != reply.npos; begin = reply.find(open, at)) {
    const std::size_t from = begin + open.size(), end = std::min(reply.find(close, from), reply.size());
    try {
      out.calls.push_back(detail::tool_call_of(reply.substr(from, end - from)));
      out.text += reply.substr(at, begin - at);
    } catch (const TemplateError& error) {
      out.unknown = error.what();
      out.text += reply.substr(at, end + close.size() - at);
    }
    at = std::min(end + close.size(), reply.size());
  }
  out.text += reply.substr(at);
  if (!out.calls.empty()) out.text = trimmed(out.text);
  for (const std::string_view mark : others)
    if (out.calls.empty() && out.unknown.empty() && reply.find(mark) != reply.npos) out.unknown = mark;
  return out;
}

}  // namespace tfm::inline TFM_ABI
