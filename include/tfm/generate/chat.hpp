#pragma once
// Chat: a conversation with a model, which evaluates only what is new.
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/generate/generate.hpp"
#include "tfm/generate/loaded.hpp"

namespace tfm::inline TFM_ABI {

/// What happens when the next prompt does not fit into the context.
enum class Overflow : unsigned char {
  error,  ///< ContextFull, before anything changes
  slide,  ///< the system turn stays, the oldest whole turns are dropped, and the rest is evaluated again
};

struct ChatOptions {
  SamplerOptions sampler{};
  Index max_tokens = 1024;                  ///< of one answer
  std::optional<std::string> system{};      ///< none: the template's own
  std::string chat_template{};              ///< "chatml", "llama2", "alpaca", "plain"; empty: the checkpoint's own
  std::vector<std::string> stop_strings{};  ///< besides the template's
  Overflow overflow = Overflow::error;
  SessionOptions session{};
  std::function<double()> clock{};  ///< seconds, from any beginning; tfm reads no clock itself: without one, times are 0
  ProgressCallback progress{};      ///< while a prompt is read
};

/// Of one answer.
struct ChatStatistics {
  Index prompt_tokens{};    ///< evaluated for it: what was new
  Index answer_tokens{};
  double first_token_seconds{}, total_seconds{};
  StopReason reason{};
};

/// The checkpoint outlives it. Errors: TemplateError if the template is not known, TokenizerError without a tokenizer.
template <class Model>
class Chat {
  const Loaded<Model>& loaded_;
  ChatOptions options_;
  ChatTemplate template_;
  Session<Model> session_;
  Sampler sampler_;
  StopRules rules_;
  std::vector<Message> messages_;
  Index evaluated_ = 0;         // messages whose text is in the session, or in pending_
  std::vector<Token> pending_;  // tokens of the last reply that are not evaluated yet
  ChatStatistics last_;

  static ChatTemplate template_of(const Loaded<Model>& loaded, const ChatOptions& options) {
    if (!loaded.tokenizer) raise(TokenizerError("tfm: this checkpoint has no tokenizer: nobody can chat with it"));
    SequenceMarks marks{"", ""};
    if (const auto bos = loaded.tokenizer.bos()) marks.bos = loaded.tokenizer.piece(*bos);
    if (const auto eos = loaded.tokenizer.eos()) marks.eos = loaded.tokenizer.piece(*eos);
    if (!options.chat_template.empty()) return ChatTemplate::named(options.chat_template, marks);
    if (!loaded.chat_template) raise(TemplateError("tfm: the checkpoint's chat template is of no known family; name one of: plain, chatml, llama2, alpaca"));
    return *loaded.chat_template;
  }
  StopRules rules_of() const {
    std::vector<Token> tokens = loaded_.stop_tokens;
    std::vector<std::string> strings = options_.stop_strings;
    for (const std::string& text : template_.stop_tokens()) {
      if (const auto id = loaded_.tokenizer.find(text)) tokens.push_back(*id);
      else strings.push_back(text);
    }
    strings.insert(strings.end(), template_.stop_strings().begin(), template_.stop_strings().end());
    return StopRules(std::move(tokens), std::move(strings));
  }
  double now() const { return options_.clock ? options_.clock() : 0; }

  /// The ids of what `conversation` adds to its first `evaluated` messages.
  std::vector<Token> prompt_ids(std::span<const Message> conversation, Index evaluated) const {
    std::vector<Token> ids;
    const Rendering rendering = template_.prompt(conversation, evaluated);
    const auto bos = loaded_.tokenizer.bos();
    if (evaluated == 0 && bos && loaded_.tokenizer.add_bos() && !template_.writes_bos()) ids.push_back(*bos);
    const std::vector<Token> rest = loaded_.tokenizer.encode(rendering.segments());
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
  }

  /// Drops the oldest whole turns of `conversation` until its prompt fits and leaves room for an answer.
  std::vector<Token> slide(std::vector<Message>& conversation) const {
    const Index system = !conversation.empty() && conversation.front().role == Role::system ? 1 : 0;
    const Index reserve = std::min(options_.max_tokens, session_.capacity() / 4);
    while (true) {
      std::vector<Token> ids = prompt_ids(conversation, 0);
      if (static_cast<Index>(ids.size()) + reserve <= session_.capacity()) return ids;
      if (static_cast<Index>(conversation.size()) < system + 3) {
        if (static_cast<Index>(ids.size()) <= session_.capacity()) return ids;
        raise<ContextFull>({"tfm: the last message alone is a prompt of ", ids.size(), " tokens, the context is ", session_.capacity()});
      }
      conversation.erase(conversation.begin() + system, conversation.begin() + system + 2);
    }
  }

 public:
  explicit Chat(const Loaded<Model>& loaded, ChatOptions options = {})
      : loaded_(loaded), options_(std::move(options)), template_(template_of(loaded, options_)), session_(loaded.model, options_.session),
        sampler_(options_.sampler), rules_(rules_of()) {
    reset();
  }

  /// Everything said so far; a system turn first where there is one.
  std::span<const Message> messages() const noexcept { return messages_; }
  const ChatStatistics& last() const noexcept { return last_; }
  const ChatTemplate& chat_template() const noexcept { return template_; }
  Session<Model>& session() noexcept { return session_; }

  /// The conversation goes on with this adapter, which must outlive that, or with none (null): all that was said is evaluated
  /// again with the next message. Errors: ShapeError for an adapter of other sizes.
  void wear(const Adapter* adapter) {
    session_.wear(adapter);
    evaluated_ = 0;
    pending_.clear();
  }

  /// Begins a new conversation.
  void reset() {
    messages_.clear();
    const std::string system = options_.system.value_or(template_.default_system());
    if (!system.empty()) messages_.push_back({Role::system, system});
    session_.truncate(0);
    evaluated_ = 0;
    pending_.clear();
  }

  /// Says `text` and returns the reply, each piece of which goes to `callback` as it comes (whole characters; returns void,
  /// or bool: false stops). A stop during the answer keeps what was said; before it, Stopped is thrown.
  /// Errors: ContextFull, Stopped, TemplateError; the conversation has not changed then.
  template <class F>
  std::string say(std::string_view text, F&& callback) {
    const double begin = now();
    std::vector<Message> conversation = messages_;
    conversation.push_back({Role::user, std::string(text)});
    std::vector<Token> ids = pending_;
    const std::vector<Token> fresh = prompt_ids(conversation, evaluated_);
    ids.insert(ids.end(), fresh.begin(), fresh.end());
    const Index before = session_.length();
    if (static_cast<Index>(ids.size()) > session_.room()) {
      if (options_.overflow == Overflow::error)
        raise<ContextFull>({"tfm: the prompt's ", ids.size(), " new tokens do not fit: the context holds ", before, " of ",
                            session_.capacity()});
      ids = slide(conversation);
      session_.truncate(0);
      evaluated_ = 0;
      pending_.clear();
    }
    session_.evaluate(ids, options_.progress);

    double first = 0;
    bool began = false;
    Generated reply = generate(session_, loaded_.tokenizer, sampler_, rules_, options_.max_tokens, [&](std::string_view piece) {
      if (!std::exchange(began, true)) first = now();
      return detail::call_back(callback, piece);
    });
    last_ = {static_cast<Index>(ids.size()), static_cast<Index>(reply.ids.size()), began ? first - begin : 0, now() - begin, reply.reason};
    keep(reply);
    messages_ = std::move(conversation);
    messages_.push_back({Role::assistant, reply.text});
    evaluated_ = static_cast<Index>(messages_.size());
    return std::move(reply.text);
  }
  std::string say(std::string_view text) {
    return say(text, [](std::string_view) {});
  }

 private:
  /// Brings session and pending_ to the end of the reply's text: ids beyond it (a stop string) are forgotten, a rest of
  /// the text that no id ends with is encoded anew, and ids that were not evaluated will be.
  void keep(const Generated& reply) {
    std::size_t whole = 0;
    while (whole < reply.ids.size() && reply.bytes[whole] <= reply.text.size()) ++whole;
    const Index first = session_.length() - reply.evaluated;  // where the reply begins
    session_.truncate(first + std::min(static_cast<Index>(whole), reply.evaluated));
    pending_.assign(reply.ids.begin() + (session_.length() - first), reply.ids.begin() + static_cast<Index>(whole));
    const std::size_t covered = whole == 0 ? 0 : reply.bytes[whole - 1];
    if (covered < reply.text.size() && whole < reply.ids.size()) {
      const std::vector<Token> rest = loaded_.tokenizer.encode(UserText{std::string_view(reply.text).substr(covered)});
      pending_.insert(pending_.end(), rest.begin(), rest.end());
    }
  }
};

#if defined(TFM_COMPILED) && !defined(TFM_COMPILED_LLAMA)
extern template class Session<AnyLlama>;
extern template class Chat<AnyLlama>;
#endif

}  // namespace tfm::inline TFM_ABI
