#pragma once
// compare_models: how far apart two models' predictions of a text are.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tfm/generate/log_sum_exp.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/numeric/half.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// A model, its adapter, or none, and how it is run.
template <CausalModel Model>
struct ComparedModel {
  const Model& model;
  const Adapter* adapter = nullptr;
  std::optional<Arithmetic> arithmetic{};  ///< none: the context's
  std::optional<Format> cache{};           ///< none: CompareOptions::cache
};
template <CausalModel Model>
ComparedModel(const Model&) -> ComparedModel<Model>;
template <CausalModel Model>
ComparedModel(const Model&, const Adapter*) -> ComparedModel<Model>;
template <CausalModel Model>
ComparedModel(const Model&, const Adapter*, Arithmetic, Format) -> ComparedModel<Model>;

struct ModelDifference {
  double kl = 0;         ///< mean KL divergence from the first model's predictions to the second's, in nats
  double agreement = 0;  ///< share of tokens after which both find the same token the likeliest, 0 to 1
  Index tokens = 0;      ///< after which both were asked for the next
};

struct CompareOptions {
  Index window = 512;           ///< tokens that are read at once; each window stands alone
  Format cache = Format::f32;   ///< what keys and values are kept in
};

namespace detail {

/// Σ p (log p - log q).
double divergence(const float* p, const float* q, Index n) noexcept;

/// A context's arithmetic is another until the end of the scope.
class ArithmeticOf {
  Context& context_;
  Arithmetic before_;

 public:
  ArithmeticOf(Context& context, std::optional<Arithmetic> arithmetic);
  ArithmeticOf(const ArithmeticOf&) = delete;
  ArithmeticOf& operator=(const ArithmeticOf&) = delete;
  ~ArithmeticOf() { context_.arithmetic = before_; }
};

}  // namespace detail

/// What two models of one vocabulary say of the text `ids`, token by token. What merging an adapter changed:
///   auto merged = clone(model);
///   merge(context, merged, adapter);
///   compare_models(context, ComparedModel{model, &adapter}, ComparedModel{merged}, ids);
/// and what fast arithmetic changes:
///   compare_models(context, ComparedModel{model, nullptr, Arithmetic::exact, Format::f32},
///                  ComparedModel{model, nullptr, Arithmetic::fast, Format::f16}, ids);
/// Errors: ShapeError for different vocabularies, an id outside them, or a text without tokens; OptionError for a window below 1;
/// Stopped.
template <CausalModel First, CausalModel Second>
ModelDifference compare_models(Context& context, const ComparedModel<First>& first, const ComparedModel<Second>& second,
                               std::span<const Token> ids, const CompareOptions& options = {}) {
  const Index vocab = first.model.shape.vocab, total = static_cast<Index>(ids.size());
  if (vocab != second.model.shape.vocab)
    raise(ShapeError("tfm: models of " + std::to_string(vocab) + " and " + std::to_string(second.model.shape.vocab) + " tokens cannot be compared"));
  if (total == 0) raise(ShapeError("tfm: models are compared on a text of at least 1 token, found 0"));
  if (options.window < 1) raise(OptionError("tfm: window must be at least 1, found " + std::to_string(options.window)));
  const Index window = std::min(options.window, total);
  auto one = first.model.make_cache(1, window, first.cache.value_or(options.cache));
  auto other = second.model.make_cache(1, window, second.cache.value_or(options.cache));
  Buffer p(window, vocab), q(window, vocab);
  std::vector<double> divergences(to_size(window));
  std::vector<unsigned char> equal(to_size(window));
  ModelDifference found{.tokens = total};
  Index agreed = 0;
  for (Index at = 0; at < total; at += window) {
    const Index n = std::min(window, total - at), start[] = {0, n};
    const auto text = ids.subspan(to_size(at), to_size(n));
    const auto read = [&](const auto& side, auto& cache, Buffer& logits) {
      const Adapter* const adapters[] = {side.adapter};
      cache.truncate(0, 0);
      const detail::ArithmeticOf scope(context, side.arithmetic);
      side.model.forward(context, Batch{.start = start, .adapter = adapters}, text, cache, Logits::all, logits.view().slice(0, n));
    };
    read(first, one, p), read(second, other, q);
    context.run(n, [&](Index t, int) {
      const float *const a = p.view().row(t), *const b = q.view().row(t);
      divergences[to_size(t)] = detail::divergence(a, b, vocab);
      equal[to_size(t)] = std::max_element(a, a + vocab) - a == std::max_element(b, b + vocab) - b;
    });
    context.raise_if_ended();
    for (Index t = 0; t < n; ++t) found.kl += divergences[to_size(t)], agreed += equal[to_size(t)];
  }
  found.kl /= static_cast<double>(total);
  found.agreement = static_cast<double>(agreed) / static_cast<double>(total);
  return found;
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/generate/compare.inl"
#endif
