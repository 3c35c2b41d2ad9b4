// Backward passes of layers against finite differences, in exact arithmetic, through packed storage.
#include <array>

#include "support/catch.hpp"
#include "support/check_gradients.hpp"
#include "support/random.hpp"
#include "tfm/layers/rms_norm.hpp"
#include "tfm/layers/swiglu.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::check_gradient;
using tfm_test::random_matrix;
using tfm_test::weighted_sum;

namespace {

// A loss of some 400 outputs near 1, each wrong by a few 2^-24 at random, is wrong by about 20 x 2 x 2^-24; differences
// of fourth order multiply that by 1.5 / step = 48: 1e-4, of gradients near 1.
constexpr double tolerance = 2e-4;

void require_right(const char* what, const tfm_test::GradientDifference& found) {
  INFO(what << "[" << found.at << "]: computed " << found.computed << ", by differences " << found.differences
            << "; relative difference " << found.relative());
  REQUIRE(found.size > 0.1);
  REQUIRE(found.relative() < tolerance);
}

F32 trainable(std::uint64_t seed, Index rows, Index cols, Index parameter, float scale = 0.5f) {
  F32 w(rows, cols);
  copy(random_matrix(seed, rows, cols, scale), w.values());
  w.parameter = parameter;
  return w;
}

template <class W>
W weight(std::uint64_t seed, Index rows, Index cols) {
  if constexpr (W::trainable) {
    return trainable(seed, rows, cols, -1);
  } else {
    Context context(1);
    const Buffer w = random_matrix(seed, rows, cols, 0.5f);
    return W(pack(context, W::static_format,
                  {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), rows, cols}, "w"));
  }
}

Context exact() {
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  context.training = true;
  return context;
}

// Zeros of the shapes that are named, and the Gradients over them.
struct GradientStore {
  std::vector<Buffer> buffers;
  Gradients views;

  explicit GradientStore(std::initializer_list<const F32*> weights) {
    for (const F32* w : weights) buffers.emplace_back(w->rows(), w->cols());
    for (Buffer& buffer : buffers) views.of.push_back(buffer);
  }
  View operator[](const F32& w) const { return buffers[to_size(w.parameter)]; }
};

// What backward adds to dx does not depend on what was there, but for rounding.
void require_added(View once, View onto, View before) {
  for (Index i = 0; i < once.size(); ++i) REQUIRE(std::abs(onto.data[i] - before.data[i] - once.data[i]) < 1e-5f);
}

// Two adapters of different ranks for the layer in slot 1; slot 0 stays as it is.
Adapter adapter(std::uint64_t seed, Index rank, float scaling, Index in, Index out, Index first_parameter) {
  std::vector<LoraPair> pairs(2);
  pairs[1] = {trainable(seed, rank, in, first_parameter), trainable(seed + 1, out, rank, first_parameter + 1), scaling};
  return Adapter(std::move(pairs));
}

constexpr std::array<Index, 4> starts{0, 3, 5, 10};  // three sequences of 3, 2 and 5 tokens

template <class W>
void check_lora(float dropout) {
  constexpr Index in = 64, out = 37, tokens = starts.back();
  LoraLinear<W> layer{{weight<W>(7, out, in)}, 1};
  if constexpr (W::trainable) layer.base.weight.parameter = 4;
  Adapter a = adapter(20, 4, 2.f, in, out, 0), b = adapter(30, 7, 0.5f, in, out, 2);
  a.dropout = dropout;  // B keeps all
  const std::array<const Adapter*, 3> worn{&a, nullptr, &b};
  const Batch batch{.start = starts, .adapter = worn};
  Buffer x = random_matrix(1, tokens, in);
  const Buffer dy = random_matrix(2, tokens, out);

  Context context = exact();
  const auto loss = [&] {
    const Arena::Frame frame(context.kept);
    Buffer y(tokens, out);
    layer.forward(context, batch, x, y);
    return weighted_sum(y, dy);
  };
  const F32 nothing(1, 1);
  const F32* base = &nothing;
  if constexpr (W::trainable) base = &layer.base.weight;
  GradientStore gradients{&a[1].a, &a[1].b, &b[1].a, &b[1].b, base};
  Buffer y(tokens, out), dx(tokens, in);
  typename LoraLinear<W>::Saved saved;
  layer.forward(context, batch, x, y, &saved);
  layer.backward(context, batch, dy, saved, dx, gradients.views);

  require_right("dx", check_gradient(x, dx, loss));
  require_right("dA of A", check_gradient(a[1].a.values(), gradients[a[1].a], loss));
  require_right("dB of A", check_gradient(a[1].b.values(), gradients[a[1].b], loss));
  require_right("dA of B", check_gradient(b[1].a.values(), gradients[b[1].a], loss));
  require_right("dB of B", check_gradient(b[1].b.values(), gradients[b[1].b], loss));
  if constexpr (W::trainable)
    require_right("dW", check_gradient(layer.base.weight.values(), gradients[layer.base.weight], loss));

  const Buffer before = random_matrix(9, tokens, in);
  Buffer onto = random_matrix(9, tokens, in);
  layer.backward(context, batch, dy, saved, onto, gradients.views);
  require_added(dx, onto, before);

  // What is saved changes nothing; a sequence without an adapter is the base alone; a trained adapter of another slot
  // too.
  Buffer inference(tokens, out), bare(tokens, out);
  layer.forward(context, batch, x, inference);
  REQUIRE(tfm_test::same_bits(y, inference));
  layer.base.forward(context, batch, x, bare);
  REQUIRE(tfm_test::same_bits(y.view().slice(3, 2), bare.view().slice(3, 2)));
  REQUIRE_FALSE(tfm_test::same_bits(y.view().slice(0, 3), bare.view().slice(0, 3)));
  REQUIRE_FALSE(tfm_test::same_bits(y.view().slice(5, 5), bare.view().slice(5, 5)));
  layer.slot = 0;
  layer.forward(context, batch, x, inference);
  REQUIRE(tfm_test::same_bits(bare, inference));
}

}  // namespace

TEST_CASE("LoraLinear: dx, dA and dB of three sequences that wear A, nothing and B") {
  SECTION("over F32") { check_lora<F32>(0); }
  SECTION("over Q8_0") { check_lora<Q8_0>(0); }
  SECTION("over Int8") { check_lora<Int8>(0); }
  SECTION("with dropout") { check_lora<Int8>(0.3f); }
}

TEST_CASE("an adapter's dropout is on while training, by sample, position and layer alone") {
  constexpr Index in = 64, out = 37;
  LoraLinear<Q8_0> layer{{weight<Q8_0>(7, out, in)}, 1};
  Adapter a = adapter(20, 4, 2.f, in, out, 0);
  const Buffer x = random_matrix(1, 5, in);
  const std::array<Index, 2> one{0, 5};
  const std::array<const Adapter*, 2> worn{&a, &a};
  Context context = exact();
  const auto run = [&](std::span<const Index> start, std::span<const Index> sample) {
    Buffer y(5, out);
    layer.forward(context, Batch{.start = start, .adapter = std::span(worn).first(start.size() - 1), .sample = sample}, x, y);
    return y;
  };
  const std::array<Index, 1> third{3};
  const Buffer plain = run(one, third);
  a.dropout = 0.5f;
  const Buffer dropped = run(one, third);
  CHECK_FALSE(tfm_test::same_bits(plain, dropped));
  CHECK(tfm_test::same_bits(dropped, run(one, third)));
  const std::array<Index, 1> fourth{4};
  CHECK_FALSE(tfm_test::same_bits(dropped, run(one, fourth)));
  const std::array<Index, 3> two{0, 3, 5};
  const std::array<Index, 2> other_second{3, 9};
  CHECK(tfm_test::same_bits(dropped.view().slice(0, 3), run(two, other_second).view().slice(0, 3)));
  context.random = context.random.with(1);
  CHECK_FALSE(tfm_test::same_bits(dropped, run(one, third)));
  context.training = false;
  CHECK(tfm_test::same_bits(plain, run(one, third)));
}

TEST_CASE("a sequence has the bits that it has alone, whatever its neighbours wear") {
  constexpr Index in = 64, out = 37;
  const LoraLinear<Q8_0> layer{{weight<Q8_0>(7, out, in)}, 1};
  const Adapter a = adapter(20, 4, 2.f, in, out, 0), b = adapter(30, 7, 0.5f, in, out, 2);
  const std::array<const Adapter*, 3> worn{&a, nullptr, &b};
  const Buffer x = random_matrix(1, starts.back(), in);
  Context context = exact();
  Buffer y(starts.back(), out);
  layer.forward(context, Batch{.start = starts, .adapter = worn}, x, y);
  for (Index s = 0; s < 3; ++s) {
    const Index first = starts[to_size(s)], n = starts[to_size(s) + 1] - first;
    const std::array<Index, 2> start{0, n};
    const std::array<const Adapter*, 1> own{worn[to_size(s)]};
    Buffer alone(n, out);
    layer.forward(context, Batch{.start = start, .adapter = own}, x.view().slice(first, n), alone);
    CHECK(tfm_test::same_bits(alone, y.view().slice(first, n)));
  }
}

TEST_CASE("Linear over F32: dx and dW") {
  constexpr Index in = 45, out = 33, tokens = starts.back();
  Linear<F32> layer{trainable(7, out, in, 0)};
  Buffer x = random_matrix(1, tokens, in);
  const Buffer dy = random_matrix(2, tokens, out);
  Context context = exact();
  const Batch batch{.start = starts};
  const auto loss = [&] {
    Buffer y(tokens, out);
    layer.forward(context, batch, x, y);
    return weighted_sum(y, dy);
  };
  GradientStore gradients{&layer.weight};
  Buffer y(tokens, out), dx(tokens, in);
  Linear<F32>::Saved saved;
  layer.forward(context, batch, x, y, &saved);
  layer.backward(context, batch, dy, saved, dx, gradients.views);
  require_right("dx", check_gradient(x, dx, loss));
  require_right("dW", check_gradient(layer.weight.values(), gradients[layer.weight], loss));
}

TEST_CASE("SwiGLU and GeGLU: dx and the gradients of trainable weights") {
  constexpr Index dim = 20, ffn = 37, tokens = 5;
  constexpr std::array<Index, 3> start{0, 2, 5};
  SwiGLU<EveryLinear<F32>> layer{{trainable(7, ffn, dim, 0)}, {trainable(8, ffn, dim, 1)}, {trainable(9, dim, ffn, 2)}};
  layer.activation = GENERATE(Activation::silu, Activation::gelu);
  Buffer x = random_matrix(1, tokens, dim);
  const Buffer dy = random_matrix(2, tokens, dim);
  Context context = exact();
  const Batch batch{.start = start};
  const auto loss = [&] {
    Buffer y(tokens, dim);
    layer.forward(context, batch, x, y);
    return weighted_sum(y, dy);
  };
  GradientStore gradients{&layer.gate_proj.weight, &layer.up_proj.weight, &layer.down_proj.weight};
  Buffer y(tokens, dim), inference(tokens, dim), dx(tokens, dim);
  SwiGLU<EveryLinear<F32>>::Saved saved;
  layer.forward(context, batch, x, y, &saved);
  layer.forward(context, batch, x, inference);
  REQUIRE(tfm_test::same_bits(y, inference));
  layer.backward(context, batch, dy, saved, dx, gradients.views);
  require_right("dx", check_gradient(x, dx, loss));
  require_right("dW of gate", check_gradient(layer.gate_proj.weight.values(), gradients[layer.gate_proj.weight], loss));
  require_right("dW of up", check_gradient(layer.up_proj.weight.values(), gradients[layer.up_proj.weight], loss));
  require_right("dW of down", check_gradient(layer.down_proj.weight.values(), gradients[layer.down_proj.weight], loss));
}

TEST_CASE("SwiGLU over frozen weights with an adapter on each projection") {
  constexpr Index dim = 32, ffn = 64, tokens = starts.back();
  using Layer = SwiGLU<EveryLoraLinear<Q8_0>>;
  const Layer layer{
      {{weight<Q8_0>(7, ffn, dim)}, 0}, {{weight<Q8_0>(8, ffn, dim)}, 1}, {{weight<Q8_0>(9, dim, ffn)}, 2}};
  std::vector<LoraPair> pairs;
  for (Index i = 0; i < 3; ++i) {
    const Index in = i < 2 ? dim : ffn, out = i < 2 ? ffn : dim, rank = 3 + i;
    pairs.push_back({trainable(20 + static_cast<std::uint64_t>(i), rank, in, 2 * i),
                     trainable(30 + static_cast<std::uint64_t>(i), out, rank, 2 * i + 1), 0.5f});
  }
  Adapter adapter(std::move(pairs));
  const std::array<const Adapter*, 3> worn{&adapter, nullptr, &adapter};
  const Batch batch{.start = starts, .adapter = worn};
  Buffer x = random_matrix(1, tokens, dim);
  const Buffer dy = random_matrix(2, tokens, dim);
  Context context = exact();
  const auto loss = [&] {
    Buffer y(tokens, dim);
    layer.forward(context, batch, x, y);
    return weighted_sum(y, dy);
  };
  GradientStore gradients{&adapter[0].a, &adapter[0].b, &adapter[1].a, &adapter[1].b, &adapter[2].a, &adapter[2].b};
  Buffer y(tokens, dim), dx(tokens, dim);
  Layer::Saved saved;
  layer.forward(context, batch, x, y, &saved);
  layer.backward(context, batch, dy, saved, dx, gradients.views);
  require_right("dx", check_gradient(x, dx, loss));
  for (Index i = 0; i < 3; ++i) {
    require_right("dA", check_gradient(adapter[i].a.values(), gradients[adapter[i].a], loss));
    require_right("dB", check_gradient(adapter[i].b.values(), gradients[adapter[i].b], loss));
  }
}

TEST_CASE("RmsNorm: dx and dw") {
  constexpr Index dim = 45, tokens = 4;
  RmsNorm layer{trainable(7, 1, dim, 0, 1.f)};
  Buffer x = random_matrix(1, tokens, dim);
  const Buffer dy = random_matrix(2, tokens, dim);
  Context context = exact();
  const auto loss = [&] {
    Buffer y(tokens, dim);
    layer.forward(context, x, 1e-2f, y);
    return weighted_sum(y, dy);
  };
  GradientStore gradients{&layer.weight};
  Buffer y(tokens, dim), dx(tokens, dim);
  RmsNorm::Saved saved;
  layer.forward(context, x, 1e-2f, y, &saved);
  layer.backward(context, dy, saved, dx, gradients.views);
  require_right("dx", check_gradient(x, dx, loss));
  require_right("dw", check_gradient(layer.weight.values(), gradients[layer.weight], loss));

  layer.weight.parameter = -1;  // a frozen norm has no place among the gradients
  Buffer again(tokens, dim);
  layer.backward(context, dy, saved, again, Gradients{});
  CHECK(tfm_test::same_bits(dx, again));
}
