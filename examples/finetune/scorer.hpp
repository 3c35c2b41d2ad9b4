#pragma once
// Scorer: what a model thinks of the possible answers to many questions, and what it answers by itself.
#include <string>
#include <vector>

#include "tfm/core/context.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/generate/loaded.hpp"

namespace cli {

/// A prompt, and the prompt with each of the answers as one text: tokens at their seam may differ.
struct Question {
  std::vector<tfm::Token> prompt;
  std::vector<std::vector<tfm::Token>> answers;
};

struct Opinion {
  std::vector<double> log_likelihood;  ///< of each answer, after what all of them share, in nats
  std::vector<tfm::Token> said;        ///< the likeliest next tokens, one after the other
};

/// What all prompts begin with is evaluated once, the rest of each prompt once, and then each answer.
class Scorer {
  const tfm::AnyModel& model_;
  tfm::Context& context_;
  std::vector<tfm::Token> ends_;
  tfm::Format format_;

 public:
  /// `ends`: tokens that end an answer. Model and context outlive it.
  Scorer(const tfm::AnyModel& model, tfm::Context& context, std::vector<tfm::Token> ends);

  /// One opinion for each question, by the model as it is (null) or with an adapter. `most` tokens are said at most.
  /// Questions need at least one answer, and a token before it. Errors: ContextFull, Stopped, ShapeError.
  std::vector<Opinion> ask(const std::vector<Question>& questions, const tfm::Adapter* adapter, tfm::Index most,
                           const tfm::ProgressCallback& progress) const;
};

}  // namespace cli
