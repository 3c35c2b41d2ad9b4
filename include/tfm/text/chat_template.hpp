#pragma once
// ChatTemplate: renders a conversation as the text that a chat model knows, what people wrote apart from the marks.
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/chat_format.hpp"
#include "tfm/text/own_template.hpp"
#include "tfm/text/rendering.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI {

/// Either a format with marks around each message, or a template of a file's own in Jinja.
class ChatTemplate {
  ChatFormat format_;
  bool writes_bos_ = false;
  std::shared_ptr<const OwnTemplate> own_;  // null: no Jinja at all
  bool runs_own_ = false;                   // it writes what no known format does, or is asked for more than a format can

 public:
  /// A format of one's own.
  explicit ChatTemplate(ChatFormat format, const SequenceMarks& marks = {});

  /// "plain", "chatml", "llama2" or "alpaca". \throws TemplateError with the names that are known
  static ChatTemplate named(std::string_view name, const SequenceMarks& marks = {});

  /// The template that a file carries as Jinja source (GGUF's tokenizer.chat_template, chat_template in tokenizer_config.json); plain
  /// where the source is empty; nothing where it cannot be used, and `why` says why. One that writes what a known format writes
  /// is that format, with its own default system prompt.
  static std::optional<ChatTemplate> detect(std::string_view jinja, const SequenceMarks& marks = {}, std::string* why = nullptr);
  /// The same template with tools, variables and a time of the caller's. Errors: TemplateError where there is no Jinja that could read them.
  ChatTemplate with(TemplateInputs inputs) const;

  const std::string& name() const noexcept { return format_.name; }
  /// What it writes around each message, {bos} and {eos} filled in.
  const ChatFormat& format() const noexcept { return format_; }
  /// The system prompt of conversations that have none of their own; empty: none.
  const std::string& default_system() const noexcept { return format_.default_system; }
  /// Special tokens that end the assistant's turn, besides the vocabulary's own end of text. One that is no token of
  /// the vocabulary is to be taken as a stop string.
  std::span<const std::string> stop_tokens() const noexcept { return format_.stop_tokens; }
  std::span<const std::string> stop_strings() const noexcept { return format_.stop_strings; }
  /// What stands around a model's thoughts: as the template spells it, or <think> and </think>.
  ThoughtMarks thoughts() const noexcept { return own_ ? own_->thoughts() : known_thought_marks[0]; }
  /// The rendered text itself holds BOS where it belongs: another one in front would be one too many.
  bool writes_bos() const noexcept { return writes_bos_; }

  /// The prompt for the next reply: the conversation, which ends with the user's message or a tool's, and the opening of the
  /// assistant's turn. The first `evaluated` messages are left out: those of an earlier prompt and the reply to it, as
  /// far as its last word; the closing of that turn is part of what is new.
  /// \throws TemplateError where the roles take no turns: see require_turns
  Rendering prompt(std::span<const Message> conversation, Index evaluated = 0) const;
  /// prompt() of what is behind the first `evaluated` messages; nothing where the template writes those otherwise, now that there are more.
  std::optional<Rendering> added(std::span<const Message> conversation, Index evaluated) const;

  /// Refuses messages whose roles are not system (may be missing), user, assistant, user, …; none at all are fine, too. Where there is a file's own
  /// template, which takes them or not, tools may answer the assistant, one or several, and then it goes on.
  /// \throws TemplateError with the number and the role of the first that is out of turn
  void require_turns(std::span<const Message> conversation) const;
  /// The same, and the last must be a reply, or the system prompt alone, so that the user's turn comes next.
  void require_turns_of_user(std::span<const Message> conversation) const;

  /// The whole conversation with every turn closed, as text to train on: by the file's own template where there is one, which decides
  /// what may follow what; otherwise a system prompt may come first, and no tool says anything.
  /// \throws TemplateError for a conversation that cannot be written so
  Rendering transcript(std::span<const Message> conversation) const;
  /// What prompt() writes behind such a transcript: the opening of the assistant's turn.
  std::string reply_opening(std::span<const Message> conversation) const;
  /// Whether the template says itself what a model learns, by {% generation %}.
  bool marks_generation() const { return own_ && own_->marks_generation(); }

 private:
  static void fill_in(std::string& text, const SequenceMarks& marks);

  [[noreturn, gnu::cold]] void refuse(std::span<const Message> conversation, Index i, const char* expected) const;

  void check(std::span<const Message> conversation) const;
  /// Whether the file's own template is run for it: always, or as a format cannot write it.
  bool runs_own(std::span<const Message> conversation) const noexcept;

  /// Appends the messages from `from` on.
  void render(Rendering& out, std::span<const Message> conversation, Index from) const;

  /// Appends the system prompt, if there is one; says whether.
  bool system(Rendering& out, std::span<const Message> conversation) const;

  static void write(Rendering& out, std::string_view text) { out.add(text, true); }

  /// The formats that files' templates spell out, in the ways that they differ: BOS, what ends an unmarked turn, white space dropped.
  static std::vector<ChatFormat> family_candidates();
  /// This format, where it writes the probes as the template does. A template may leave out the opening of the reply.
  static std::optional<ChatTemplate> of_family(ChatFormat format, const SequenceMarks& marks, const OwnTemplate& own);
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/chat_template.inl"
#endif
