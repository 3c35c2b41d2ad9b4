#pragma once
// A conversation's messages, and what a chat template makes of them: text, and of each stretch who wrote it.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/index.hpp"
#include "tfm/text/jinja/value.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Of a tool: what a call of the assistant's gave.
enum class Role : unsigned char { system, user, assistant, tool };

constexpr std::string_view name(Role role) noexcept {
  constexpr std::array<std::string_view, 4> names{"system", "user", "assistant", "tool"};
  return names[static_cast<std::size_t>(role)];
}

/// The role that conversations in JSON name so, if there is one.
constexpr std::optional<Role> role_named(std::string_view text) noexcept {
  for (Role role : {Role::system, Role::user, Role::assistant, Role::tool}) {
    if (text == name(role)) return role;
  }
  return std::nullopt;
}

/// One contribution to a conversation.
struct Message {
  Role role;
  std::string content;
  /// What else a template may read of it, a dictionary: tool_calls, name, reasoning_content and so on. Undefined: nothing.
  jinja::Value more{};
};

/// A rendered conversation: stretches of the template's text and of messages' text, by turns. Owns them.
struct Rendering {
  struct Piece {
    std::string text;
    bool from_template;      ///< only such text may become special tokens
    Index message = -1;      ///< whose it is, from 0; -1: the template's, or a tool's description
    bool generated = false;  ///< the template marks it as what the model says: {% generation %}
  };
  std::vector<Piece> pieces{};

  /// What a tokenizer encodes; views into this.
  std::vector<TextSegment> segments() const {
    std::vector<TextSegment> out;
    out.reserve(pieces.size());
    for (const Piece& piece : pieces) {
      out.push_back(piece.from_template ? TextSegment(TemplateText{piece.text}) : TextSegment(UserText{piece.text}));
    }
    return out;
  }
  /// All of it, as one text.
  std::string text() const {
    std::string out;
    for (const Piece& piece : pieces) out += piece.text;
    return out;
  }
  /// Appends; what continues the same writer's text joins it.
  void add(std::string_view more, bool from_template, Index message = -1, bool generated = false) {
    if (more.empty()) return;
    const auto continues = [&](const Piece& last) {
      return last.from_template == from_template && last.message == message && last.generated == generated;
    };
    if (pieces.empty() || !continues(pieces.back())) pieces.push_back({{}, from_template, message, generated});
    pieces.back().text += more;
  }
};

/// How the vocabulary spells the tokens that begin and end a sequence; empty where it has none.
struct SequenceMarks {
  std::string bos = "<s>", eos = "</s>";
};

inline SequenceMarks marks_of(const AnyTokenizer& tokenizer) {
  SequenceMarks marks{"", ""};
  if (tokenizer && tokenizer.bos()) marks.bos = tokenizer.piece(*tokenizer.bos());
  if (tokenizer && tokenizer.eos()) marks.eos = tokenizer.piece(*tokenizer.eos());
  return marks;
}

}  // namespace tfm::inline TFM_ABI
