#pragma once
// From conversations to what a model trains on: the chat template's text as ids, and labels on what the assistant says.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/text/chat_template.hpp"
#include "tfm/text/token_spans.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/data/conversations.hpp"
#include "tfm/train/losses.hpp"

namespace tfm::inline TFM_ABI {

/// How conversations become text, and what ends a reply.
struct ConversationFormat {
  const ChatTemplate& chat_template;
  std::vector<std::string> stops;  ///< texts of tokens that end a reply, and texts that do without one

  /// `stop_tokens`: what ends a text by the checkpoint's word (Loaded::stop_tokens).
  ConversationFormat(const ChatTemplate& of, const AnyTokenizer& tokenizer, std::span<const Token> stop_tokens)
      : chat_template(of) {
    for (const Token token : stop_tokens) stops.emplace_back(tokenizer.piece(token));
    stops.insert(stops.end(), of.stop_tokens().begin(), of.stop_tokens().end());
    stops.insert(stops.end(), of.stop_strings().begin(), of.stop_strings().end());
    std::erase(stops, std::string());
  }
};

/// A conversation's text, and which of its bytes a model learns to say.
struct LearntText {
  Rendering rendering;
  std::vector<TextSpan> learnt;  ///< in order, apart from one another
  Index unstopped = 0;           ///< replies behind which no token or text that ends them is learnt
  bool ends = false;             ///< the last reply is followed by nothing that ends it: an EOS has to
};

struct ConversationSample {
  CausalSample sample;
  bool cut = false;     ///< the end is missing
  Index unstopped = 0;  ///< LearntText's
};

namespace detail {

/// Where the first stop in a text ends; npos: there is none.
inline std::size_t stop_end(std::string_view text, std::span<const std::string> stops) {
  std::size_t first = text.npos, end = text.npos;
  for (const std::string& stop : stops) {
    const std::size_t at = text.find(stop);
    if (at == text.npos || at > first || (at == first && at + stop.size() <= end)) continue;
    first = at, end = at + stop.size();
  }
  return end;
}

/// A message that is more than a text, whose form is the template's: calls of tools, thoughts.
inline bool has_form(const Message& message) {
  constexpr std::array<std::string_view, 4> keys{"tool_calls", "reasoning_content", "thinking", "reasoning"};
  return message.more.is(jinja::Kind::dict) && std::any_of(keys.begin(), keys.end(), [&](std::string_view key) {
           return jinja::find(message.more, key) != nullptr;
         });
}

inline void learn_marked(LearntText& out, std::span<const std::string> stops) {
  std::size_t begin = 0;
  for (const Rendering::Piece& piece : out.rendering.pieces) {
    const std::size_t end = begin + piece.text.size();
    if (piece.generated) {
      if (!out.learnt.empty() && out.learnt.back().end == begin) out.learnt.back().end = end;
      else out.learnt.push_back({begin, end});
    }
    begin = end;
  }
  const std::string text = out.rendering.text();
  for (const TextSpan& span : out.learnt)
    out.unstopped +=
        stop_end(std::string_view(text).substr(span.begin, span.end - span.begin), stops) == text.npos ? 1 : 0;
}

inline void learn_own(LearntText& out, const ConversationRecord& record, const ChatTemplate& chat_template,
                      std::span<const std::string> stops) {
  const auto& pieces = out.rendering.pieces;
  const auto is_said = [&](const Rendering::Piece& piece) {
    return piece.message >= 0 && record.messages[to_size(piece.message)].role == Role::assistant;
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i < pieces.size();) {
    const std::size_t size = pieces[i].text.size();
    if (!is_said(pieces[i])) {
      begin += size, ++i;
      continue;
    }
    TextSpan span{begin, begin + size};
    const Index message = pieces[i].message;
    if (i > 0 && pieces[i - 1].from_template && has_form(record.messages[to_size(message)])) {
      const std::string opening = chat_template.reply_opening(record.messages);
      const std::size_t at = opening.empty() ? opening.npos : pieces[i - 1].text.rfind(opening);
      if (at != opening.npos) span.begin -= pieces[i - 1].text.size() - at - opening.size();
    }
    std::size_t next = i + 1,
                end = begin + size;  // what the template writes between two parts of a message is said, too
    for (std::size_t j = next; j < pieces.size() && (pieces[j].from_template || pieces[j].message == message); ++j) {
      end += pieces[j].text.size();
      if (pieces[j].message == message) span.end = end, next = j + 1;
    }
    begin = span.end, i = next;
    const bool followed = i < pieces.size() && pieces[i].from_template;
    const std::size_t stop = followed ? stop_end(pieces[i].text, stops) : std::string::npos;
    if (stop != std::string::npos) {
      span.end += stop;
    } else {
      ++out.unstopped;
      if (i + (followed ? 1 : 0) == pieces.size())
        out.ends = true, span.end = begin + (followed ? pieces[i].text.size() : 0);
    }
    out.learnt.push_back(span);
  }
  out.unstopped -= out.ends ? 1 : 0;
}

}  // namespace detail

/// Renders the whole conversation once, by the template's rules. Learnt is what stands in {% generation %}, where the
/// template has that; and otherwise the assistant's own characters, what the template writes between two parts of a
/// message, and behind it what leads to the first stop, with that stop; of a message with calls of tools or thoughts
/// all from the reply's opening on (docs/decisions/0023). Errors: TemplateError where the template refuses the
/// conversation.
inline LearntText learnt_text(const ConversationFormat& format, const ConversationRecord& record) {
  const bool tools = !record.tools.is(jinja::Kind::none);
  const ChatTemplate with_tools = tools ? format.chat_template.with({.tools = record.tools}) : format.chat_template;
  LearntText out{.rendering = with_tools.transcript(record.messages), .learnt = {}};
  if (with_tools.marks_generation()) detail::learn_marked(out, format.stops);
  else detail::learn_own(out, record, with_tools, format.stops);
  return out;
}

/// A conversation as a sample of at most `cutoff` tokens: a token with a learnt byte has a label, as transformers'
/// return_assistant_tokens_mask has it. BOS stands in front where the tokenizer adds one and the template writes none;
/// an EOS that is learnt at the end where the template ends the last reply with nothing. Errors: TemplateError,
/// TokenizerError, OptionError for a cutoff below 1.
inline ConversationSample conversation_sample(const AnyTokenizer& tokenizer, const ConversationFormat& format,
                                              const ConversationRecord& record, Index cutoff) {
  if (cutoff < 1) raise(OptionError("tfm: the cutoff must be at least 1 token, found " + std::to_string(cutoff)));
  const LearntText text = learnt_text(format, record);
  const std::vector<Token> ids = tokenizer.encode(text.rendering.segments());
  const std::vector<TextSpan> spans = token_spans(tokenizer, ids, text.rendering.text());
  ConversationSample out{.sample = {}, .unstopped = text.unstopped};
  auto& [all, labels] = out.sample;
  const auto bos = tokenizer.bos();
  if (bos && tokenizer.add_bos() && !format.chat_template.writes_bos() && (ids.empty() || ids.front() != *bos))
    all.push_back(*bos);
  labels.assign(all.size(), ignored_label);
  auto learnt = text.learnt.begin();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    while (learnt != text.learnt.end() && learnt->end <= spans[i].begin) ++learnt;
    all.push_back(ids[i]);
    labels.push_back(learnt != text.learnt.end() && learnt->begin < spans[i].end ? ids[i] : ignored_label);
  }
  if (text.ends && tokenizer.eos()) all.push_back(*tokenizer.eos()), labels.push_back(*tokenizer.eos());
  out.cut = all.size() > to_size(cutoff);
  if (out.cut) all.resize(to_size(cutoff)), labels.resize(to_size(cutoff));
  return out;
}

}  // namespace tfm::inline TFM_ABI
