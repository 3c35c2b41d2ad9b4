#pragma once
// AnyModel: a value that holds the model of any family; which, the file said.
#include <type_traits>
#include <utility>
#include <variant>

#include "tfm/models/causal_model.hpp"
#include "tfm/models/llama.hpp"

namespace tfm::inline TFM_ABI {

/// A model of any of checkpoint/families.hpp: its shape, options and each weight's number format are values; every
/// projection can carry adapters, and biases.
using AnyLlama = Llama<DynamicLlamaShape, EveryBiasedLoraLinear<AnyWeight>>;

/// A CausalModel, StoredCausalModel and TrainableCausalModel. All families so far are options of one block, so that it
/// holds one type; a model whose block is another becomes a further one of Held, and nothing that takes an AnyModel
/// changes.
class AnyModel {
 public:
  using Held = std::variant<AnyLlama>;

 private:
  Held held_;

 public:
  DynamicLlamaShape shape;

  template <class Model>
    requires(std::is_constructible_v<Held, Model &&> && !std::is_same_v<std::remove_cvref_t<Model>, AnyModel>)
  explicit AnyModel(Model&& model)
      : held_(std::forward<Model>(model)), shape(with([](const auto& m) { return dynamic_shape(m.shape); })) {}

  /// Without weights. Errors: ShapeError for sizes that cannot be.
  explicit AnyModel(const DynamicLlamaShape& sizes) : AnyModel(AnyLlama(sizes)) {}

  /// f(model) with the model that is held, in its own type.
  template <class F>
  decltype(auto) with(F&& f) const {
    return std::visit(std::forward<F>(f), held_);
  }
  template <class F>
  decltype(auto) with(F&& f) {
    return std::visit(std::forward<F>(f), held_);
  }

  auto make_cache(Index sequences = 1, Index context = 0, Format format = Format::f16) const {
    return with([&](const auto& m) { return m.make_cache(sequences, context, format); });
  }
  template <class State>
  void forward(Context& context, const Batch& batch, std::span<const std::int32_t> ids, State& state, Logits wanted,
               MutableView logits, const Watch* watch = nullptr) const {
    with([&](const auto& m) { m.forward(context, batch, ids, state, wanted, logits, watch); });
  }
  template <class State>
  Index forward_bytes(Index tokens, Index sequences, Index threads, Index rank, const State& state) const {
    return with([&](const auto& m) { return m.forward_bytes(tokens, sequences, threads, rank, state); });
  }
  Memory memory(const MemoryOptions& options) const {
    return with([&](const auto& m) { return m.memory(options); });
  }
  Index weight_bytes() const {
    return with([](const auto& m) { return m.weight_bytes(); });
  }
  void require_fit(const Adapter& adapter) const {
    with([&](const auto& m) { m.require_fit(adapter); });
  }
  AnyModel blank() const {
    return with([](const auto& m) { return AnyModel(m.blank()); });
  }
  const AnyWeight& output() const {
    return with([](const auto& m) -> const AnyWeight& { return m.output(); });
  }
  void head(Context& context, View hidden, MutableView logits) const {
    with([&](const auto& m) { m.head(context, hidden, logits); });
  }
  bool caps_logits() const {
    return with([](const auto& m) { return m.caps_logits(); });
  }
  void head_backward(Context& context, View logits, MutableView dlogits, MutableView hidden, const Gradients& gradients) const {
    with([&](const auto& m) { m.head_backward(context, logits, dlogits, hidden, gradients); });
  }
  void visit(auto&& f) {
    with([&](auto& m) { m.visit(f); });
  }
  void visit(auto&& f) const {
    with([&](const auto& m) { m.visit(f); });
  }
};

// The functions of a TrainableCausalModel, those of the model that is held (models/llama_training.hpp and
// llama_training_memory.hpp).

template <std::same_as<AnyModel> Model>
auto kept_for_training(const Model& model) {
  return model.with([](const auto& m) { return kept_for_training(m); });
}
template <std::same_as<AnyModel> Model, class Kept>
View forward_for_training(Context& context, const Model& model, const Batch& batch, std::span<const std::int32_t> ids,
                          Recompute recompute, Kept& kept) {
  return model.with([&](const auto& m) { return forward_for_training(context, m, batch, ids, recompute, kept); });
}
template <std::same_as<AnyModel> Model, class Kept>
void backward_for_training(Context& context, const Model& model, const Batch& batch, std::span<const std::int32_t> ids,
                           View dhidden, const Kept& kept, const Gradients& gradients) {
  model.with([&](const auto& m) { backward_for_training(context, m, batch, ids, dhidden, kept, gradients); });
}
template <std::same_as<AnyModel> Model>
PassMemory training_memory(const Context& context, const Model& model, const TrainingPass& pass, Index logits) {
  return model.with([&](const auto& m) { return training_memory(context, m, pass, logits); });
}

}  // namespace tfm::inline TFM_ABI
