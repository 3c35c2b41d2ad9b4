#pragma once
// A small model with dropout, and a task of classes for it: what the tests of training train.
#include <cstdint>
#include <vector>

#include "support/random.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/swiglu.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/train/trainer.hpp"

namespace tfm_test {

inline constexpr tfm::Index features = 6, width = 16, ffn = 20, classes = 5, tokens_of_sample = 3;

/// logits = head(mlp(dropout(embed(x)))), each row for itself.
struct TinyModel {
  tfm::Linear<tfm::F32> embed, head;
  tfm::SwiGLU<tfm::EveryLinear<tfm::F32>> mlp;

  explicit TinyModel(std::uint64_t seed = 1, tfm::Index inner = ffn) {
    mlp.gate_proj.weight = tfm::F32(inner, width);
    mlp.up_proj.weight = tfm::F32(inner, width);
    mlp.down_proj.weight = tfm::F32(width, inner);
    embed.weight = tfm::F32(width, features);
    head.weight = tfm::F32(classes, width);
    tfm::visit_weights(*this, "", [&](const std::string&, tfm::F32& w, tfm::WeightRole) { copy(random_matrix(seed++, w.rows(), w.cols(), 0.4f), w.values()); });
  }
  void visit(auto&& f) { f("embed", embed), f("mlp", mlp), f("head", head); }
};

/// Samples of three tokens, of which every fourth sample's last one has no label. The class of a token is where its first five features
/// are largest, so that it can be learnt.
struct TinyTask {
  TinyModel& model;
  tfm::Index count = 50;
  std::uint64_t data_seed = 7;
  float dropout = 0.2f;
  tfm::Reduction reduction = tfm::Reduction::tokens;
  tfm::Index poisoned = -1;  ///< this sample's features are NaN

  tfm::Index samples() const noexcept { return count; }
  static bool labelled(tfm::Index sample, tfm::Index token) noexcept { return token + 1 < tokens_of_sample || sample % 4 != 0; }

  struct Rows {
    tfm::Buffer x;
    std::vector<std::int32_t> labels;
  };
  Rows rows(std::span<const tfm::Index> which) const {
    Rows r{tfm::Buffer(static_cast<tfm::Index>(which.size()) * tokens_of_sample, features), {}};
    for (tfm::Index s = 0; s < static_cast<tfm::Index>(which.size()); ++s)
      for (tfm::Index t = 0; t < tokens_of_sample; ++t) {
        const tfm::Index sample = which[tfm::to_size(s)];
        const tfm::RandomKey key = tfm::RandomKey{data_seed}.with(static_cast<std::uint64_t>(sample)).with(static_cast<std::uint64_t>(t));
        float* const row = r.x.view().row(s * tokens_of_sample + t);
        for (tfm::Index k = 0; k < features; ++k) row[k] = sample == poisoned ? __builtin_nanf("") : 4 * key.uniform(static_cast<std::uint64_t>(k)) - 2;
        const auto label = static_cast<std::int32_t>(std::max_element(row, row + classes) - row);
        r.labels.push_back(labelled(sample, t) ? label : tfm::ignored_label);
      }
    return r;
  }
  static tfm::Index labels_of(std::span<const tfm::Index> which) {
    tfm::Index n = 0;
    for (const tfm::Index sample : which)
      for (tfm::Index t = 0; t < tokens_of_sample; ++t) n += labelled(sample, t) ? 1 : 0;
    return n;
  }

  struct Saved {
    tfm::Linear<tfm::F32>::Saved embed, head;
    tfm::SwiGLU<tfm::EveryLinear<tfm::F32>>::Saved mlp;
    const std::uint64_t* keys = nullptr;
  };
  void forward(tfm::Context& context, const tfm::Batch& batch, std::span<const tfm::Index> numbers, tfm::View x, tfm::MutableView logits, Saved* saved) const {
    tfm::Arena& home = context.kept;
    const tfm::MutableView embedded = home.matrix(x.rows, width), dropped = home.matrix(x.rows, width), inner = home.matrix(x.rows, width);
    model.embed.forward(context, batch, x, embedded, saved != nullptr ? &saved->embed : nullptr);
    auto* const keys = home.take<std::uint64_t>(x.rows);
    for (tfm::Index t = 0; t < x.rows && context.training; ++t)
      keys[t] = context.random.with(static_cast<std::uint64_t>(numbers[tfm::to_size(t / tokens_of_sample)])).with(static_cast<std::uint64_t>(t % tokens_of_sample)).seed;
    if (context.training) tfm::kernels::dropout(context, embedded, keys, dropout, dropped);
    else copy(embedded, dropped);
    model.mlp.forward(context, batch, dropped, inner, saved != nullptr ? &saved->mlp : nullptr);
    model.head.forward(context, batch, inner, logits, saved != nullptr ? &saved->head : nullptr);
    if (saved != nullptr) saved->keys = keys;
  }

  tfm::Loss train(tfm::Context& context, const tfm::MicroBatch& part, const tfm::Gradients& gradients) const {
    const Rows r = rows(part.samples);
    const tfm::Index n = r.x.view().rows, start[] = {0, n};
    const tfm::Batch batch{start};
    Saved saved;
    const tfm::MutableView logits = context.kept.matrix(n, classes);
    forward(context, batch, part.numbers, r.x, logits, &saved);
    const float weight = token_weight(reduction, labels_of(part.step), tokens_of_sample);
    const tfm::Loss loss = cross_entropy(context, logits, r.labels, {.weight = weight, .label_smoothing = 0.1f}, logits);
    const tfm::MutableView dx = context.kept.matrix(n, features), a = context.kept.matrix(n, width), b = context.kept.matrix(n, width);
    for (const tfm::MutableView d : {dx, a, b}) fill(d, 0);
    model.head.backward(context, batch, logits, saved.head, a, gradients);
    model.mlp.backward(context, batch, a, saved.mlp, b, gradients);
    tfm::kernels::dropout(context, b, saved.keys, dropout, b);
    model.embed.backward(context, batch, b, saved.embed, dx, gradients);
    return loss;
  }

  /// The loss per token of 20 other samples.
  tfm::Evaluation evaluate(tfm::Context& context) const {
    std::vector<tfm::Index> held_out(20);
    std::iota(held_out.begin(), held_out.end(), count + 1000);
    const Rows r = rows(held_out);
    const tfm::Index start[] = {0, r.x.view().rows};
    const tfm::Arena::Frame frame(context.kept);
    const tfm::MutableView logits = context.kept.matrix(r.x.view().rows, classes);
    forward(context, tfm::Batch{start}, held_out, r.x, logits, nullptr);
    tfm::Index right = 0;
    const tfm::Loss loss = cross_entropy(context, logits, r.labels, {});
    for (tfm::Index t = 0; t < logits.rows; ++t)
      right += std::max_element(logits.row(t), logits.row(t) + classes) - logits.row(t) == r.labels[tfm::to_size(t)] ? 1 : 0;
    return {loss.per_token(), {{"accuracy", static_cast<double>(right) / static_cast<double>(loss.tokens)}}};
  }
};

/// A hash of all weights' bits.
inline std::uint64_t weights_hash(TinyModel& model) {
  std::uint64_t h = 1;
  tfm::visit_weights(model, "", [&](const std::string&, tfm::F32& w, tfm::WeightRole) { h = hash(w.view(), h); });
  return h;
}

}  // namespace tfm_test
