// Losses, optimizers, clipping and schedules against PyTorch's order of operations in double precision.
#include "tfm/train/optimizers.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/random.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/train/losses.hpp"
#include "tfm/train/schedules.hpp"

using namespace tfm;

namespace {

/// A matrix and a vector, gradients of three steps, and their plain double twins.
struct Problem {
  BiasedLinear<Linear<F32>> layer{7, 5};
  Parameters parameters{layer};
  std::vector<double> twin;

  Problem() {
    copy(tfm_test::random_matrix(1, 5, 7), layer.base.weight.values());
    copy(tfm_test::random_matrix(2, 1, 5), layer.bias.values());
    for (const Parameter& p : parameters)
      for (Index i = 0; i < p.size(); ++i) twin.push_back(static_cast<double>(p.weight->view().data[i]));
  }
  /// Three steps of both; step(i, matrix, g, update) changes twin[i].
  template <class O, class Step>
  void compare(const O& optimizer, float rate, float scale, Step step) {
    Context context(2);
    std::vector<Buffer> states;
    for (std::size_t i = 0; i < O::states.size(); ++i) states.push_back(parameters.flat());
    for (Index update = 1; update <= 3; ++update) {
      Buffer gradient = parameters.flat();
      for (const Parameter& p : parameters) copy(tfm_test::random_matrix(static_cast<std::uint64_t>(10 * update + p.offset), p.weight->rows(), p.weight->cols()), Parameters::part(p, gradient));
      optimizer.update(context, parameters, gradient, states, {rate, scale, update});
      std::size_t i = 0;
      for (const Parameter& p : parameters)
        for (Index k = 0; k < p.size(); ++k, ++i) {
          step(i, p.is_matrix(), static_cast<double>(gradient.view().data[p.offset + k]) * static_cast<double>(scale), static_cast<int>(update));
          REQUIRE(static_cast<double>(p.weight->view().data[k]) == Approx(twin[i]).margin(5e-7));
        }
    }
  }
};

}  // namespace

TEST_CASE("Adam and AdamW, matrices and vectors") {
  std::vector<double> m(64), v(64);
  const auto adam = [&](std::vector<double>& p, std::size_t i, double g, int t, double lr) {
    m[i] += (1 - 0.9) * (g - m[i]);
    v[i] = 0.999 * v[i] + (1 - 0.999) * g * g;
    p[i] -= lr / (1 - std::pow(0.9, t)) * m[i] / (std::sqrt(v[i]) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
  };
  Problem a;
  a.compare(Adam{}, 0.01f, 0.3f, [&](std::size_t i, bool, double g, int t) { adam(a.twin, i, g, t, 0.01); });
  for (const bool vectors : {true, false}) {
    std::fill(m.begin(), m.end(), 0), std::fill(v.begin(), v.end(), 0);
    Problem w;
    w.compare(AdamW{.decay = 0.5f, .decay_vectors = vectors}, 0.01f, 1, [&](std::size_t i, bool matrix, double g, int t) {
      if (matrix || vectors) w.twin[i] *= 1 - 0.01 * 0.5;
      adam(w.twin, i, g, t, 0.01);
    });
  }
}

TEST_CASE("gradient descent, with momentum and Nesterov's") {
  for (const bool nesterov : {false, true}) {
    std::vector<double> m(64);
    Problem s;
    s.compare(Sgd{.momentum = 0.9f, .decay = 0.1f, .nesterov = nesterov}, 0.05f, 0.5f, [&](std::size_t i, bool, double g, int) {
      const double d = g + 0.1 * s.twin[i];
      m[i] = 0.9 * m[i] + d;
      s.twin[i] -= 0.05 * (nesterov ? d + 0.9 * m[i] : m[i]);
    });
  }
}

TEST_CASE("powers are right for any number of steps") {
  for (const Index n : {0, 1, 2, 3, 10, 1000, 123'457}) CHECK(detail::power(0.999, n) == Approx(std::pow(0.999, static_cast<double>(n))).epsilon(2e-15 + 2e-16 * static_cast<double>(n)));
}

TEST_CASE("clipping by the global norm is PyTorch's clip_grad_norm_") {
  Context context(1);
  const Buffer g = tfm_test::random_matrix(1, 1, 100);
  double squares = 0;
  for (Index i = 0; i < 100; ++i) squares += std::pow(static_cast<double>(View(g).data[i]), 2);
  CHECK(gradient_norm(context, g) == Approx(std::sqrt(squares)).epsilon(1e-6));
  CHECK(clipping(4, 1) == static_cast<float>(1 / (4 + 1e-6)));
  CHECK(clipping(0.5, 1) == 1.f);
  CHECK(clipping(0, 1) == 1.f);
  CHECK(clipping(1e9, 0) == 1.f);
}

TEST_CASE("schedules") {
  // transformers' get_linear_schedule_with_warmup, as in the LoRA goldens: 0, half, all of it
  const Schedule line = linear_schedule(3e-4f, 2, 6);
  const float expected[] = {0, 1.5e-4f, 3e-4f, 2.25e-4f, 1.5e-4f, 0.75e-4f, 0, 0};
  for (Index i = 0; i < 8; ++i) CHECK(line(i) == Approx(expected[i]).epsilon(1e-6).margin(1e-12));
  CHECK(linear_schedule(1, 0, 4)(0) == 1);
  const Schedule wave = cosine_schedule(2, 4, 12);
  CHECK(wave(0) == 0);
  CHECK(wave(1) == 0.5f);
  CHECK(wave(4) == 2);
  CHECK(wave(8) == Approx(1));
  CHECK(wave(6) == Approx(1 + std::sqrt(0.5)));
  CHECK(std::abs(wave(12)) < 1e-7f);
  CHECK(std::abs(wave(20)) < 1e-7f);
  const Schedule root = inverse_square_root_schedule(0.1f, 4);
  CHECK(root(0) == 0);
  CHECK(root(2) == Approx(0.05));
  CHECK(root(4) == Approx(0.1));
  CHECK(root(16) == Approx(0.05));
  CHECK(constant_schedule(0.25f)(1000) == 0.25f);
  CHECK(tfm_test::error_of<OptionError>([] { linear_schedule(1, 7, 6); }) == "tfm: a schedule's warm-up must be from 0 to its steps, found 7 of 6");
  CHECK(tfm_test::error_of<OptionError>([] { inverse_square_root_schedule(1, 0); }) == "tfm: the inverse square root needs a warm-up of at least 1 step, found 0");
}

TEST_CASE("cross-entropy under either reduction, with masks and smoothing") {
  // two sequences of four steps with 3 and 1 valid ones; a label that is ignored besides
  const Buffer logits = tfm_test::random_matrix(4, 8, 11, 3);
  const std::int32_t labels[] = {1, 2, ignored_label, 9, 10, 4, 5, 6};
  const unsigned char valid[] = {1, 1, 1, 0, 1, 0, 0, 0};
  double nats = 0, smoothed = 0;
  for (const Index t : {0, 1, 4}) {
    double sum = 0, mean = 0;
    for (Index k = 0; k < 11; ++k) sum += std::exp(static_cast<double>(logits.view().row(t)[k]));
    for (Index k = 0; k < 11; ++k) mean += (std::log(sum) - static_cast<double>(logits.view().row(t)[k])) / 11;
    const double own = std::log(sum) - static_cast<double>(logits.view().row(t)[labels[t]]);
    nats += own;
    smoothed += 0.9 * own + 0.1 * mean;
  }
  Loss first;
  Buffer dfirst(8, 11);
  for (const int threads : {1, 2, 3}) {
    Context context(threads);
    Buffer d(8, 11);
    const Loss d2l = cross_entropy(context, logits, labels, {.weight = token_weight(Reduction::d2l, 3, 4), .label_smoothing = 0.1f, .valid = valid}, d);
    CHECK(d2l.value == Approx(smoothed / 4).epsilon(1e-6));
    CHECK(d2l.nats == Approx(nats).epsilon(1e-6));
    CHECK(d2l.tokens == 3);
    CHECK(d2l.per_token() == Approx(nats / 3).epsilon(1e-6));
    const Loss tokens = cross_entropy(context, logits, labels, {.weight = token_weight(Reduction::tokens, 3, 4), .valid = valid});
    CHECK(tokens.value == Approx(nats / 3).epsilon(1e-6));
    if (threads == 1) first = d2l, copy(d, dfirst);
    CHECK(d2l.value == first.value);
    CHECK(tfm_test::same_bits(d, dfirst));
    for (const Index t : {2, 3, 5, 6, 7})
      for (Index k = 0; k < 11; ++k) REQUIRE(d.view().row(t)[k] == 0);
  }
  CHECK(token_weight(Reduction::tokens, 0, 4) == 0);
  Context context(1);
  const auto message = [&](auto call) { return tfm_test::error_of<ShapeError>(call); };
  const std::int32_t wrong[] = {1, 2, 3, 11, 0, 0, 0, 0};
  CHECK(message([&] { cross_entropy(context, logits, wrong, {}); }) == "tfm: label 11 of token 3 is none of 11 classes");
  CHECK(message([&] { cross_entropy(context, logits, std::span(labels, 7), {}); }) == "tfm: found 7 labels for 8 rows of logits");
  CHECK(message([&] { cross_entropy(context, logits, labels, {.valid = std::span(valid, 3)}); }) == "tfm: found 3 marks of validity for 8 labels");
  Buffer small(8, 10);
  CHECK(message([&] { cross_entropy(context, logits, labels, {}, small); }) == "tfm: the gradient of logits [8, 11] is [8, 10]");
  CHECK(tfm_test::error_of<OptionError>([&] { cross_entropy(context, logits, labels, {.label_smoothing = 1.5f}); }) == "tfm: label smoothing must be from 0 to 1, found 1.500000");
}
