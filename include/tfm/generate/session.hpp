#pragma once
// Session: one sequence that is being read or written by a model: its context, its cache, and the logits of its end.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/core/progress.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

struct SessionOptions {
  Index context = 0;                   ///< positions; 0: the model's
  Index chunk = 512;                   ///< tokens of one forward pass, at most
  int threads = 0;                     ///< 0: one for each core
  std::shared_ptr<Threads> pool{};     ///< shared with others, instead of threads of its own
  Arithmetic arithmetic = Arithmetic::fast;
  Format cache = Format::f16;          ///< F32, F16 or Q8_0
  Isa isa = best_isa();
  StopToken stop{};
};

/// Takes all its memory when it is made. The model outlives it. When a call throws, whatever threw it, the session is as it was
/// before: its tokens, and its logits.
/// Errors: OptionError for options that make no sense.
template <CausalModel Model>
class Session {
  const Model& model_;
  Context context_;
  StateOf<Model> state_;
  Buffer logits_, next_logits_;  // a forward pass that does not come to its end leaves the first alone
  std::vector<Token> tokens_;
  const Adapter* adapter_ = nullptr;
  Index chunk_;
  bool has_logits_ = false;

  static std::shared_ptr<Threads> threads_of(const SessionOptions& options) {
    if (options.pool) return options.pool;
    if (options.threads < 0) raise<OptionError>({"tfm: threads is ", options.threads, ", expected at least 1, or 0 for one a core"});
    return std::make_shared<Threads>(options.threads == 0 ? Threads::hardware() : options.threads);
  }

 public:
  explicit Session(const Model& model, const SessionOptions& options = {})
      : model_(model), context_(threads_of(options)), state_(model.make_cache(1, options.context, options.cache)), logits_(1, model.shape.vocab), next_logits_(1, model.shape.vocab), chunk_(options.chunk) {
    if (chunk_ < 1) raise<OptionError>({"tfm: chunk is ", chunk_, ", expected at least 1"});
    if (!supported(options.isa)) raise<OptionError>({"tfm: isa is ", name(options.isa), ", which this CPU does not have"});
    chunk_ = std::min(chunk_, state_.context());
    context_.isa = options.isa;
    context_.arithmetic = options.arithmetic;
    context_.stop = options.stop;
    reserve(0);
    tokens_.reserve(to_size(state_.context()));
  }

  const Model& model() const noexcept { return model_; }
  Context& context() noexcept { return context_; }
  /// The tokens that have been evaluated.
  std::span<const Token> tokens() const noexcept { return tokens_; }
  Index length() const noexcept { return static_cast<Index>(tokens_.size()); }
  Index capacity() const noexcept { return state_.context(); }
  Index room() const noexcept { return capacity() - length(); }
  void set_stop(StopToken stop) noexcept { context_.stop = std::move(stop); }

  /// From now on every token is evaluated with this adapter, which must outlive that, or with none (null). What has been
  /// evaluated is forgotten: keys and values were another model's. Errors: ShapeError for an adapter of other sizes.
  void set_adapter(const Adapter* adapter) {
    if (adapter != nullptr) model_.require_fit(*adapter);
    reserve(adapter == nullptr ? 0 : adapter->rank());
    truncate(0);
    adapter_ = adapter;
  }
  [[deprecated("call set_adapter")]] void wear(const Adapter* adapter) { set_adapter(adapter); }

  /// Evaluates the first of these tokens (and before them, in chunks, what a State that cannot truncate has forgotten too much of), at most one chunk, and says how many: for hosts without a spare thread, which
  /// call it from their loop with a small chunk until nothing is left. logits() are then those of the last token.
  /// Errors: ContextFull, Stopped, ShapeError for an id outside the vocabulary; nothing has changed then.
  Index step(std::span<const Token> tokens) {
    const Index n = std::min(chunk_, static_cast<Index>(tokens.size()));
    if (n == 0) return 0;
    const bool last = n == static_cast<Index>(tokens.size());
    catch_up();
    forward(tokens.first(to_size(n)), last ? Logits::last : Logits::none);
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.begin() + n);
    if (last) std::swap(logits_, next_logits_);
    has_logits_ = last;
    return n;
  }

  /// Evaluates all of these tokens, in chunks. Errors as step(), and what progress throws; nothing has changed then.
  void evaluate(std::span<const Token> tokens, const ProgressCallback& progress = {}) {
    const Index before = length(), total = static_cast<Index>(tokens.size());
    const bool had_logits = has_logits_;
    if (total > room())
      raise<ContextFull>({"tfm: ", total, " tokens do not fit: the context holds ", before, " of ", capacity()});
#if defined(__cpp_exceptions)
    try {
#endif
      while (!tokens.empty()) {
        tokens = tokens.subspan(to_size(step(tokens)));
        if (progress) progress({"reading", total - static_cast<Index>(tokens.size()), total});
      }
#if defined(__cpp_exceptions)
    } catch (...) {
      if (has_logits_ && length() != before) std::swap(logits_, next_logits_);  // those of before are in the other row
      truncate(before);
      has_logits_ = had_logits;
      throw;
    }
#endif
  }

  /// Whether logits() may be asked for.
  bool has_logits() const noexcept { return has_logits_; }
  /// Of the last token evaluated: [vocab]. Errors: Error if nothing has been evaluated since the beginning or a truncation.
  std::span<const float> logits() const {
    if (!has_logits_) raise(Error("tfm: there are no logits: evaluate at least one token first"));
    const View view = logits_;
    return {view.data, to_size(view.cols)};
  }

  /// Forgets the tokens from n on. Of those before them a State that cannot go back to any place forgets some, too: these are
  /// evaluated again before the next token is.
  void truncate(Index n) noexcept {
    if (n >= length()) return;
    state_.truncate(0, n);
    tokens_.resize(to_size(std::max<Index>(n, 0)));
    has_logits_ = false;
  }

  /// The end of what has been evaluated, to return to: its length and its logits.
  class Mark {
    friend class Session;
    Index length_ = 0;
    std::vector<float> logits_;  // empty: there were none
  };
  Mark mark() const {
    Mark mark;
    mark.length_ = length();
    if (has_logits_) mark.logits_.assign(logits().begin(), logits().end());
    return mark;
  }
  /// Forgets what was evaluated since; nothing of what was there before may have been forgotten meanwhile.
  void return_to(const Mark& mark) noexcept {
    truncate(mark.length_);
    has_logits_ = !mark.logits_.empty();
    if (has_logits_) std::copy(mark.logits_.begin(), mark.logits_.end(), logits_.view().data);
  }

 private:
  // Appends tokens at the state's end.
  void forward(std::span<const Token> tokens, Logits wanted) {
    const Index start[] = {0, static_cast<Index>(tokens.size())}, position[] = {state_.length(0)};
    const Adapter* const adapters[] = {adapter_};
    model_.forward(context_, Batch{.start = start, .position = position, .adapter = adapters}, tokens, state_, wanted, next_logits_);
  }
  void catch_up() {
    while (state_.length(0) < length()) {
      const Index from = state_.length(0);
      forward(std::span<const Token>(tokens_).subspan(to_size(from), to_size(std::min(chunk_, length() - from))), Logits::none);
    }
  }
  void reserve(Index rank) { context_.scratch.reserve(model_.forward_bytes(chunk_, 1, context_.threads->count(), rank, state_)); }
};

}  // namespace tfm::inline TFM_ABI
