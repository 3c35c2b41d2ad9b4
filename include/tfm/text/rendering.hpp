#pragma once
// A conversation's messages, and what a chat template makes of them: text, what people wrote apart from the marks.
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

enum class Role : unsigned char { system, user, assistant };

constexpr std::string_view name(Role role) noexcept {
  constexpr std::array<std::string_view, 3> names{"system", "user", "assistant"};
  return names[static_cast<std::size_t>(role)];
}

/// The role that conversations in JSON name so, if there is one.
constexpr std::optional<Role> role_named(std::string_view text) noexcept {
  for (Role role : {Role::system, Role::user, Role::assistant}) {
    if (text == name(role)) return role;
  }
  return std::nullopt;
}

/// One contribution to a conversation.
struct Message {
  Role role;
  std::string content;
};

/// A rendered conversation: stretches of the template's text and of messages' text, by turns. Owns them.
struct Rendering {
  struct Piece {
    std::string text;
    bool from_template;  ///< only such text may become special tokens
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
  /// Appends; what continues the same kind of text joins it.
  void add(std::string_view more, bool from_template) {
    if (more.empty()) return;
    if (pieces.empty() || pieces.back().from_template != from_template) pieces.push_back({{}, from_template});
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
