#pragma once
// Beam search and greedy search over a batch of sentences, for anything that goes on with sequences step by step.
#include <algorithm>
#include <concepts>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
#include "tfm/generate/largest_logit.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// What is searched with. A step has rows, each a sequence under way: row i goes on with what was row parents[i] of the
/// step before, by tokens[i]. A row may have several successors (a fork) or none. At the first step parents[i] is the
/// number of a sentence. step() gives logits [rows, vocabulary], which are read before the next step.
template <class D>
concept StepDecoder = requires(D& decoder, std::span<const Index> parents, std::span<const Token> tokens) {
  { decoder.step(parents, tokens) } -> std::convertible_to<View>;
};

struct SearchOptions {
  Token bos{}, eos{};      ///< what a sequence begins with, and what ends it
  Index max_tokens = 0;    ///< of a sequence, <eos> among them
};

struct BeamOptions : SearchOptions {
  Index beam = 1;            ///< sequences under way for each sentence
  Index n_best = 1;          ///< how many of them are wanted, at most `beam`
  float length_penalty = 1;  ///< a: score = log p / tokens^a; 0 favours short ones, more than 0 makes up for length
};

/// A sequence that was found.
struct Hypothesis {
  std::vector<Token> tokens;   ///< without <bos> and <eos>
  double log_probability = 0;  ///< of all its tokens, <eos> among them
  double score = 0;            ///< what it is ranked by
  bool ended = false;          ///< by <eos>; otherwise by max_tokens
};

/// Refuses an option that makes no sense. \throws OptionError
void validate(const BeamOptions& options);

namespace detail {

/// The logits of one step, as many rows as were asked for.
template <StepDecoder D>
View logits_of_step(D& decoder, std::span<const Index> parents, std::span<const Token> tokens) {
  const View logits = decoder.step(parents, tokens);
  if (logits.rows != static_cast<Index>(parents.size()))
    raise(ShapeError("tfm: search: a step of " + std::to_string(parents.size()) + " sequences gave " +
                     std::to_string(logits.rows) + " rows of logits, expected one for each"));
  return logits;
}

void stop_if_asked(const Context& context);

/// A sequence under way: a row of the next step.
struct Ray {
  Index sentence, parent;
  Token token;
  double log_probability;
  std::vector<Token> tokens;  // before `token`
};

/// A way on for one row.
struct WayOn {
  double log_probability;
  Index row;
  Token token;
  /// Likelier first; of two as likely, the earlier row and the lower token.
  bool operator<(const WayOn& other) const noexcept;
};

/// The `most` likeliest ways on from a row of log probability `before`, likeliest first. statistics: the row's largest
/// logit and the sum of exp(logit - largest).
std::vector<WayOn> likeliest_ways(View logits, Index row, double before, const float* statistics, Index most);

/// What a sentence's likeliest ways on, best first, become: sequences that are found, or rows of the next step.
void follow(std::span<const WayOn> ways, const std::vector<Ray>& rays, const BeamOptions& options, Index step,
                   std::vector<Hypothesis>& found, std::vector<Ray>& next);

}  // namespace detail

/// The likeliest token at each step until <eos>, for each of the sentences 0 .. sentences - 1. Equal logits: the lowest
/// id. The tokens come without <bos> and <eos>. Throws Error for logits that leave no choice, Stopped.
template <StepDecoder D>
std::vector<std::vector<Token>> greedy_search(Context& context, D& decoder, Index sentences,
                                              const SearchOptions& options) {
  validate(BeamOptions{options});
  std::vector<std::vector<Token>> found(to_size(sentences));
  std::vector<Index> sentence_of(to_size(sentences)), parents;
  std::iota(sentence_of.begin(), sentence_of.end(), Index{0});
  parents = sentence_of;
  std::vector<Token> tokens(to_size(sentences), options.bos), next(tokens);
  for (Index step = 0; step < options.max_tokens && !tokens.empty(); ++step) {
    const View logits = detail::logits_of_step(decoder, parents, tokens);
    likeliest_tokens(context, logits, "greedy search", next);
    detail::stop_if_asked(context);
    std::size_t left = 0;
    for (std::size_t row = 0; row < tokens.size(); ++row) {
      const Token token = next[row];
      if (token == options.eos) continue;
      found[to_size(sentence_of[row])].push_back(token);
      sentence_of[left] = sentence_of[row];
      parents[left] = static_cast<Index>(row);
      tokens[left++] = token;
    }
    sentence_of.resize(left), parents.resize(left), tokens.resize(left);
  }
  return found;
}

/// The n_best sequences of each of the sentences 0 .. sentences - 1, best first; fewer where the vocabulary does not
/// give as many. At each step a sentence keeps its likeliest `beam` sequences; one that ends leaves the beam, which is then
/// narrower by one. So a beam of 1 is greedy search, and a beam as wide as all there is finds the best there is. Throws
/// Error for logits that leave no choice, OptionError, Stopped.    Wu et al. 2016, arXiv:1609.08144, section 7
template <StepDecoder D>
std::vector<std::vector<Hypothesis>> beam_search(Context& context, D& decoder, Index sentences,
                                                 const BeamOptions& options) {
  using detail::Ray, detail::WayOn;
  validate(options);
  std::vector<std::vector<Hypothesis>> found(to_size(sentences));
  std::vector<Ray> rays, next;
  for (Index s = 0; s < sentences; ++s) rays.push_back({s, s, options.bos, 0, {}});
  std::vector<Index> parents;
  std::vector<Token> tokens;
  std::vector<std::vector<WayOn>> ways;
  for (Index step = 1; step <= options.max_tokens && !rays.empty(); ++step) {
    const Index rows = static_cast<Index>(rays.size());
    parents.clear(), tokens.clear();
    for (const Ray& ray : rays) parents.push_back(ray.parent), tokens.push_back(ray.token);
    const View logits = detail::logits_of_step(decoder, parents, tokens);
    detail::stop_if_asked(context);
    for (Index row = 0; row < rows; ++row) largest_logit({logits.row(row), to_size(logits.cols)}, "beam search");
    const Arena::Frame frame(context.scratch);
    const MutableView probabilities = context.scratch.matrix(rows, logits.cols);
    const MutableView statistics = context.scratch.matrix(rows, 2);
    kernels::softmax(context, logits, probabilities, statistics.data);
    ways.assign(to_size(rows), {});
    context.run(rows, [&](Index row, int) {
      const double before = rays[to_size(row)].log_probability;
      ways[to_size(row)] = detail::likeliest_ways(logits, row, before, statistics.row(row), options.beam);
    });
    detail::stop_if_asked(context);
    next.clear();
    for (std::size_t first = 0, last = 0; first < rays.size(); first = last) {  // the rows of one sentence
      const Index sentence = rays[first].sentence;
      std::vector<WayOn> all;
      for (last = first; last < rays.size() && rays[last].sentence == sentence; ++last)
        all.insert(all.end(), ways[last].begin(), ways[last].end());
      std::sort(all.begin(), all.end());
      auto& ended = found[to_size(sentence)];
      const Index width = std::min(static_cast<Index>(all.size()), options.beam - static_cast<Index>(ended.size()));
      detail::follow(std::span(all).first(to_size(width)), rays, options, step, ended, next);
    }
    std::swap(rays, next);
  }
  for (auto& hypotheses : found) {
    std::stable_sort(hypotheses.begin(), hypotheses.end(),
                     [](const auto& a, const auto& b) { return a.score > b.score; });
    hypotheses.resize(std::min(hypotheses.size(), to_size(options.n_best)));
  }
  return found;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/beam_search.inl"
#endif
