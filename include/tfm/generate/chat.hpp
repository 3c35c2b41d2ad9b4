#pragma once
// Chat: a conversation with a model, which evaluates only what is new.
#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/generate/chat_rules.hpp"
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
  std::vector<Message> messages{};          ///< what was said before: see Chat::set_messages
  std::string chat_template{};              ///< "chatml", "llama2", "alpaca", "plain"; empty: the checkpoint's own
  std::string template_source{};            ///< or a template as Jinja source; empty: none is given
  TemplateInputs inputs{};                  ///< tools, variables and a time, for templates in Jinja
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

/// The checkpoint outlives it. When a call throws, whatever threw it (a callback or the clock too), the conversation is what it was
/// before, and goes on with the same tokens and the same chances as though the call had not been made.
/// Errors: TemplateError if the template is not known, or options.messages take no turns; OptionError where chat_template and
/// template_source are both given; TokenizerError without a tokenizer.
template <class Model>
class Chat {
  const Loaded<Model>& loaded_;
  ChatOptions options_;
  ChatTemplate template_;
  Session<Model> session_;
  Sampler sampler_;
  StopRules rules_;
  std::vector<Message> messages_;
  Index evaluated_ = 0;         // messages whose text is in the session, or in pending_; 0: the session holds what can be of use
  std::vector<Token> pending_;  // tokens behind the session's that are not evaluated yet
  ChatStatistics last_;

  double now() const { return options_.clock ? options_.clock() : 0; }

  /// Whether a prompt opens the model's thoughts itself.
  bool opens_thoughts(const Rendering& rendering) const {
    return !rendering.pieces.empty() && rendering.pieces.back().from_template && trimmed_right(rendering.pieces.back().text).ends_with(template_.thoughts().open);
  }
  /// The ids of the conversation's prompt; `thinking` says whether it opens the model's thoughts.
  std::vector<Token> prompt_ids(std::span<const Message> conversation, bool& thinking) const {
    std::vector<Token> ids;
    const Rendering rendering = template_.prompt(conversation);
    thinking = opens_thoughts(rendering);
    const auto bos = loaded_.tokenizer.bos();
    if (bos && loaded_.tokenizer.add_bos() && !template_.writes_bos()) ids.push_back(*bos);
    const std::vector<Token> rest = loaded_.tokenizer.encode(rendering.segments());
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
  }

  /// Drops the oldest whole turns of `conversation` until its prompt fits and leaves room for an answer.
  std::vector<Token> slide(std::vector<Message>& conversation, bool& thinking) const {
    const Index system = !conversation.empty() && conversation.front().role == Role::system ? 1 : 0;
    const Index reserve = std::min(options_.max_tokens, session_.capacity() / 4);
    while (true) {
      std::vector<Token> ids = prompt_ids(conversation, thinking);
      if (static_cast<Index>(ids.size()) + reserve <= session_.capacity()) return ids;
      const auto first = conversation.begin() + std::min<Index>(system + 1, static_cast<Index>(conversation.size()));
      const auto next = std::find_if(first, conversation.end(), [](const Message& message) { return message.role == Role::user; });
      if (next == conversation.end()) {
        if (static_cast<Index>(ids.size()) <= session_.capacity()) return ids;
        raise<ContextFull>({"tfm: the last message alone is a prompt of ", ids.size(), " tokens, the context is ", session_.capacity()});
      }
      conversation.erase(conversation.begin() + system, next);
    }
  }

  /// A turn under way. At its end the chat is as it was before, unless the turn was finished.
  class Turn {
    Chat& chat_;
    std::vector<Token> pending_;  // with the session's first kept_ tokens, what session and pending_ held before
    Index kept_;
    std::uint64_t draws_;
    bool finished_ = false;

   public:
    std::vector<Message> conversation;
    std::vector<Token> ids;  // to be evaluated
    bool thinking = false;   // the prompt opens the model's thoughts

    Turn(Chat& chat, std::vector<Message> said) : chat_(chat), kept_(chat.session_.length()), draws_(chat.sampler_.draws()), conversation(chat.messages_) {
      conversation.insert(conversation.end(), std::make_move_iterator(said.begin()), std::make_move_iterator(said.end()));
      // Where the template writes what was said otherwise now, as when it drops thoughts, everything from the first difference on is new.
      const auto added = chat.evaluated_ == 0 ? std::nullopt : chat.template_.added(conversation, chat.evaluated_);
      bool anew = !added;
      if (!anew) {
        thinking = chat.opens_thoughts(*added);
        const std::vector<Token> fresh = chat.loaded_.tokenizer.encode(added->segments());
        ids = chat.pending_;
        ids.insert(ids.end(), fresh.begin(), fresh.end());
      } else {
        ids = chat.prompt_ids(conversation, thinking);
        kept_ = chat.begins_with(ids);
      }
      if (static_cast<Index>(ids.size()) > (anew ? chat.session_.capacity() : chat.session_.room())) {
        if (chat.options_.overflow == Overflow::error)
          raise<ContextFull>({"tfm: the prompt's ", ids.size(), " new tokens do not fit: the context holds ", anew ? 0 : kept_, " of ", chat.session_.capacity()});
        ids = chat.slide(conversation, thinking);
        kept_ = chat.begins_with(ids);
        anew = true;
      }
      if (anew) ids.erase(ids.begin(), ids.begin() + kept_);
      const std::span<const Token> held = chat.session_.tokens();
      if (chat.evaluated_ > 0) pending_.assign(held.begin() + kept_, held.end());
      pending_.insert(pending_.end(), chat.pending_.begin(), chat.pending_.end());
      chat.session_.truncate(kept_);
    }
    ~Turn() {
      if (finished_) return;
      chat_.session_.truncate(kept_);
      chat_.pending_.swap(pending_);
      chat_.sampler_.restart(draws_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    /// The reply belongs to the conversation. Session and pending_ are brought to the end of its text: ids beyond it (a stop string)
    /// are forgotten, a rest of the text that no id ends with is encoded anew, and ids that were not evaluated will be.
    void finish(const Generated& reply, const ChatStatistics& statistics) {
      std::size_t whole = 0;
      while (whole < reply.ids.size() && reply.bytes[whole] <= reply.text.size()) ++whole;
      const Index in_session = std::min(static_cast<Index>(whole), reply.evaluated);
      std::vector<Token> pending(reply.ids.begin() + in_session, reply.ids.begin() + static_cast<Index>(whole));
      const std::size_t covered = whole == 0 ? 0 : reply.bytes[whole - 1];
      if (covered < reply.text.size() && whole < reply.ids.size()) {
        const std::vector<Token> rest = chat_.loaded_.tokenizer.encode(UserText{std::string_view(reply.text).substr(covered)});
        pending.insert(pending.end(), rest.begin(), rest.end());
      }
      conversation.push_back({Role::assistant, reply.text});
      // From here on nothing throws.
      finished_ = true;
      chat_.session_.truncate(chat_.session_.length() - reply.evaluated + in_session);
      chat_.pending_.swap(pending);
      chat_.messages_.swap(conversation);
      chat_.evaluated_ = static_cast<Index>(chat_.messages_.size());
      chat_.last_ = statistics;
    }
  };

  /// How many of these ids the session holds; not the last, whose logits are wanted.
  Index begins_with(std::span<const Token> ids) const {
    if (ids.empty()) return 0;
    const std::span<const Token> held = session_.tokens();
    return std::mismatch(held.begin(), held.end(), ids.begin(), ids.end() - 1).first - held.begin();
  }

 public:
  explicit Chat(const Loaded<Model>& loaded, ChatOptions options = {})
      : loaded_(loaded), options_(std::move(options)), template_(chosen_template(loaded.tokenizer, loaded.chat_template, options_.chat_template, options_.template_source).with(options_.inputs)), session_(loaded.model, options_.session),
        sampler_(options_.sampler), rules_(reply_stops(loaded.tokenizer, template_, loaded.stop_tokens, options_.stop_strings)) {
    set_messages(std::move(options_.messages));
  }

  /// Everything said so far; a system turn first where there is one.
  std::span<const Message> messages() const noexcept { return messages_; }
  const ChatStatistics& last() const noexcept { return last_; }
  const ChatTemplate& chat_template() const noexcept { return template_; }
  Session<Model>& session() noexcept { return session_; }

  /// The conversation goes on with this adapter, which must outlive that, or with none (null): all that was said is evaluated
  /// again with the next message. Errors: ShapeError for an adapter of other sizes.
  void set_adapter(const Adapter* adapter) {
    session_.set_adapter(adapter);
    evaluated_ = 0;
    pending_.clear();
  }
  [[deprecated("call set_adapter")]] void wear(const Adapter* adapter) { set_adapter(adapter); }

  /// The conversation is this from now on: turns of the user's and the assistant's, a system turn first or none, and then the one of
  /// the options stands in front. The next say() evaluates what differs from what the session holds. From there on everything is as
  /// in a fresh chat that begins with these messages, but the sampler draws on. A reply is said anew by
  ///   chat.set_messages(those before the question), chat.say(the question);
  /// Errors: TemplateError for messages that take no turns, or end with the user's: say() has that. Nothing has changed then.
  void set_messages(std::vector<Message> messages) {
    template_.require_turns_of_user(messages);
    if (messages.empty() || messages.front().role != Role::system) {
      const std::string& system = options_.system ? *options_.system : template_.default_system();
      if (!system.empty()) messages.insert(messages.begin(), {Role::system, system});
    }
    messages_.swap(messages);
    evaluated_ = 0;
    pending_.clear();
  }

  /// Begins a new conversation: of the options' system turn, not of their messages.
  void reset() {
    set_messages({});
    session_.truncate(0);
  }

  /// Says `text` and returns the reply, each piece of which goes to `callback` as it comes (whole characters; returns void,
  /// or bool: false stops). A stop during the answer keeps what was said; before it, Stopped is thrown.
  /// Errors: ContextFull, Stopped, TemplateError, and what callback, clock or progress throw; the conversation has not changed then.
  template <class F>
  std::string say(std::string_view text, F&& callback) {
    return say(question(text), std::forward<F>(callback));
  }
  /// The same, but what the model thinks before its answer, between its family's marks or behind those that the template opens, goes to
  /// `thoughts`, without the marks. The reply that is returned and kept has both: what the template drops of earlier thoughts is its own.
  template <class F, class G>
  std::string say(std::string_view text, F&& callback, G&& thoughts) {
    return say(question(text), std::forward<F>(callback), std::forward<G>(thoughts));
  }
  std::string say(std::string_view text) {
    return say(text, [](std::string_view) {});
  }
  /// What is said next as messages, the user's or, behind a reply with calls (tool_calls_in), those of the tools that it called:
  ///   chat.say({{Role::tool, "19 degrees"}});
  /// They take turns with what was said (ChatTemplate::require_turns), and the last waits for a reply. Errors: TemplateError too where the template takes no tools.
  template <class F>
  std::string say(std::vector<Message> said, F&& callback) {
    return say_turn(std::move(said), [&](std::string_view piece, bool) { return detail::call_back(callback, piece); }, [](bool) {});
  }
  template <class F, class G>
  std::string say(std::vector<Message> said, F&& callback, G&& thoughts) {
    std::optional<ThoughtFilter> filter;
    const auto answer = [&](std::string_view piece) { return detail::call_back(callback, piece); };
    const auto thought = [&](std::string_view piece) { return detail::call_back(thoughts, piece); };
    return say_turn(
        std::move(said),
        [&](std::string_view piece, bool thinking) {
          if (!filter) filter.emplace(template_.thoughts(), thinking);
          return filter->push(piece, answer, thought);
        },
        [&](bool whole) {
          if (filter && whole) filter->flush(answer, thought);
        });
  }
  std::string say(std::vector<Message> said) {
    return say(std::move(said), [](std::string_view) {});
  }

 private:
  static std::vector<Message> question(std::string_view text) { return {{Role::user, std::string(text)}}; }

  template <class Piece, class End>
  std::string say_turn(std::vector<Message> said, Piece&& on_piece, End&& on_end) {
    const double begin = now();
    Turn turn(*this, std::move(said));
    session_.evaluate(turn.ids, options_.progress);
    double first = begin;
    bool began = false;
    Generated reply = generate(session_, loaded_.tokenizer, sampler_, rules_, options_.max_tokens, [&](std::string_view piece) {
      if (!std::exchange(began, true)) first = now();
      return on_piece(piece, turn.thinking);
    });
    on_end(reply.reason != StopReason::callback);
    const double total = now() - begin;
    turn.finish(reply, {static_cast<Index>(turn.ids.size()), static_cast<Index>(reply.ids.size()), first - begin, total, reply.reason});
    return std::move(reply.text);
  }
};

#if defined(TFM_EXTERN)
TFM_EXTERN template class Session<AnyLlama>;
TFM_EXTERN template class Chat<AnyLlama>;
TFM_EXTERN template class Session<AnyModel>;
TFM_EXTERN template class Chat<AnyModel>;
#endif

}  // namespace tfm::inline TFM_ABI
