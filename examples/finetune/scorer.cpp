#include "scorer.hpp"

#include <algorithm>

#include "tfm/generate/largest_logit.hpp"
#include "tfm/train/losses.hpp"

namespace cli {

using tfm::Index, tfm::Token;

namespace {

using Tokens = std::vector<Token>;

Index common_beginning(const Tokens& a, const Tokens& b, Index most) {
  Index n = 0;
  while (n < most && n < std::ssize(a) && n < std::ssize(b) && a[tfm::to_size(n)] == b[tfm::to_size(n)]) ++n;
  return n;
}

/// Tokens that the prompt and every answer begin with.
Index shared(const Question& question) {
  Index n = std::ssize(question.prompt);
  for (const Tokens& answer : question.answers) n = common_beginning(question.prompt, answer, std::min(n, std::ssize(answer) - 1));
  return n;
}

/// Some sequences that a model reads side by side, each in a slot of its own.
class Reading {
  const tfm::AnyModel& model_;
  tfm::Context& context_;
  tfm::KvCache& cache_;
  const tfm::Adapter* adapter_;
  std::vector<Index> start_{0}, position_, slot_;
  std::vector<const tfm::Adapter*> worn_;
  Tokens ids_;

 public:
  Reading(const tfm::AnyModel& model, tfm::Context& context, tfm::KvCache& cache, const tfm::Adapter* adapter)
      : model_(model), context_(context), cache_(cache), adapter_(adapter) {}

  /// Slot goes on with these tokens, if there are any, after what it holds.
  void add(Index slot, std::span<const Token> tokens) {
    if (tokens.empty()) return;
    ids_.insert(ids_.end(), tokens.begin(), tokens.end());
    start_.push_back(std::ssize(ids_));
    position_.push_back(cache_.length(slot));
    slot_.push_back(slot);
    worn_.push_back(adapter_);
  }
  Index rows(tfm::Logits wanted) const { return wanted == tfm::Logits::none ? 0 : wanted == tfm::Logits::last ? std::ssize(slot_) : std::ssize(ids_); }
  void read(tfm::Logits wanted, tfm::MutableView logits) {
    if (ids_.empty()) return;
    model_.forward(context_, {.start = start_, .position = position_, .slot = slot_, .adapter = worn_}, ids_, cache_, wanted, logits);
  }
};

/// The questions from `first` on, a group that is read at once.
class Group {
  const tfm::AnyModel& model_;
  tfm::Context& context_;
  tfm::KvCache& cache_;
  const tfm::Adapter* adapter_;
  std::span<const Question> questions_;
  std::span<Opinion> opinions_;

  Reading reading() const { return {model_, context_, cache_, adapter_}; }
  static Index slot(std::size_t question) { return static_cast<Index>(question) + 1; }

 public:
  Group(const tfm::AnyModel& model, tfm::Context& context, tfm::KvCache& cache, const tfm::Adapter* adapter,
        std::span<const Question> questions, std::span<Opinion> opinions)
      : model_(model), context_(context), cache_(cache), adapter_(adapter), questions_(questions), opinions_(opinions) {}

  /// All prompts but their last tokens, of which answers differ; slot 0 holds what they begin with.
  void read_prompts() {
    Reading all = reading();
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      cache_.fork(0, slot(q));
      all.add(slot(q), std::span(questions_[q].prompt).subspan(tfm::to_size(cache_.length(0)), tfm::to_size(shared(questions_[q]) - 1 - cache_.length(0))));
    }
    all.read(tfm::Logits::none, {});
  }
  void judge(std::size_t answer) {
    Reading all = reading();
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      const Tokens& text = questions_[q].answers[answer];
      cache_.truncate(slot(q), shared(questions_[q]) - 1);
      all.add(slot(q), std::span(text).first(text.size() - 1).subspan(tfm::to_size(cache_.length(slot(q)))));
    }
    tfm::Buffer logits(all.rows(tfm::Logits::all), model_.shape.vocab);
    all.read(tfm::Logits::all, logits);
    Index row = 0;
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      const auto next = std::span(questions_[q].answers[answer]).subspan(tfm::to_size(shared(questions_[q])));
      const auto loss = tfm::cross_entropy(context_, tfm::View(logits).slice(row, std::ssize(next)), next, {});
      opinions_[q].log_likelihood.push_back(-loss.nats);
      row += std::ssize(next);
    }
  }
  /// Every sequence goes on to the last of them, those that have ended too: what they say then is not kept.
  void say(Index most, const Tokens& ends) {
    std::vector<Tokens> next(questions_.size());
    std::vector<bool> ended(questions_.size());
    for (std::size_t q = 0; q < questions_.size(); ++q) {
      cache_.truncate(slot(q), shared(questions_[q]) - 1);
      next[q].assign(questions_[q].prompt.begin() + cache_.length(slot(q)), questions_[q].prompt.end());
    }
    tfm::Buffer logits(std::ssize(questions_), model_.shape.vocab);
    for (Index n = 0; n < most && std::find(ended.begin(), ended.end(), false) != ended.end(); ++n) {
      Reading all = reading();
      for (std::size_t q = 0; q < questions_.size(); ++q) all.add(slot(q), next[q]);
      all.read(tfm::Logits::last, logits);
      for (std::size_t q = 0; q < questions_.size(); ++q) {
        const std::span row(logits.view().row(static_cast<Index>(q)), tfm::to_size(model_.shape.vocab));
        const auto token = static_cast<Token>(std::find(row.begin(), row.end(), tfm::largest_logit(row, "finetune")) - row.begin());
        ended[q] = ended[q] || std::find(ends.begin(), ends.end(), token) != ends.end();
        if (!ended[q]) opinions_[q].said.push_back(token);
        next[q] = {token};
      }
    }
  }
};

}  // namespace

Scorer::Scorer(const tfm::AnyModel& model, tfm::Context& context, std::vector<Token> ends)
    : model_(model), context_(context), ends_(std::move(ends)),
      format_(context.arithmetic == tfm::Arithmetic::exact ? tfm::Format::f32 : tfm::Format::f16) {}

std::vector<Opinion> Scorer::ask(const std::vector<Question>& questions, const tfm::Adapter* adapter, Index most,
                                 const tfm::ProgressCallback& progress) const {
  std::vector<Opinion> opinions(questions.size());
  if (questions.empty()) return opinions;
  constexpr Index at_once = 8;
  Index longest = 0, head = PTRDIFF_MAX;
  for (const Question& question : questions) {
    if (question.answers.empty() || shared(question) < 1) tfm::raise(tfm::ShapeError("tfm: a question needs an answer, and a token before it"));
    head = std::min(common_beginning(questions[0].prompt, question.prompt, head), shared(question) - 1);
    longest = std::max(longest, std::ssize(question.prompt) + most);
    for (const Tokens& answer : question.answers) longest = std::max(longest, std::ssize(answer));
  }
  if (longest > model_.shape.context)
    tfm::raise(tfm::ContextFull("tfm: the longest prompt with its answer has " + std::to_string(longest) +
                                " tokens, the model was made for " + std::to_string(model_.shape.context)));
  tfm::KvCache cache = model_.make_cache(at_once + 1, longest, format_);
  Reading beginning(model_, context_, cache, adapter);
  beginning.add(0, std::span(questions[0].prompt).first(tfm::to_size(head)));
  beginning.read(tfm::Logits::none, {});
  for (Index first = 0; first < std::ssize(questions); first += at_once) {
    const auto n = std::min(at_once, std::ssize(questions) - first);
    Group group(model_, context_, cache, adapter, std::span(questions).subspan(tfm::to_size(first), tfm::to_size(n)),
                std::span(opinions).subspan(tfm::to_size(first), tfm::to_size(n)));
    group.read_prompts();
    for (std::size_t answer = 0; answer < questions[0].answers.size(); ++answer) group.judge(answer);
    group.say(most, ends_);
    progress({"judging", first + n, std::ssize(questions)});
  }
  return opinions;
}

}  // namespace cli
