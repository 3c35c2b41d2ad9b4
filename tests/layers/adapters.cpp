// Adapters over every number format, several in one batch, and mixed: each sequence has the bits that it has alone.
#include "tfm/layers/adapter.hpp"

#include <array>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/error_of.hpp"
#include "support/random.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/lora_linear.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/numeric/pack.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

constexpr Index in = 96, out = 37;

F32 values(std::uint64_t seed, Index rows, Index cols) {
  F32 w(rows, cols);
  copy(random_matrix(seed, rows, cols, 0.5f), w.values());
  return w;
}

template <class W>
W weight() {
  if constexpr (W::trainable) {
    return values(7, out, in);
  } else {
    Context context(1);
    const F32 w = values(7, out, in);
    return W(pack(context, W::static_format, {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), out, in}, "w"));
  }
}

// For the layer in slot 1; slot 0 stays as it is.
Adapter adapter(std::uint64_t seed, Index rank, float scaling) {
  std::vector<LoraPair> pairs(2);
  pairs[1] = {values(seed, rank, in), values(seed + 1, out, rank), scaling};
  return Adapter(std::move(pairs));
}

template <class W>
Buffer run(const LoraLinear<W>& layer, Arithmetic arithmetic, std::span<const Index> start, std::span<const Adapter* const> worn, View x) {
  Context context(2);
  context.arithmetic = arithmetic;
  Buffer y(x.rows, out);
  layer.forward(context, Batch{.start = start, .adapter = worn}, x, y);
  return y;
}

float difference(View a, View b) {
  float most = 0;
  for (Index i = 0; i < a.size(); ++i)
    if (const float off = std::abs(a.data[i] - b.data[i]); !(off <= most)) most = off;
  return most;
}

}  // namespace

TEMPLATE_TEST_CASE("one batch of five wears A, B, none, A and a mix of both: each has the bits that it has alone", "", F32, FrozenF32, BF16, F16, Int8,
                   Q8_0, Q4_0, Q4_1) {
  const LoraLinear<TestType> layer{{weight<TestType>()}, 1};
  const Adapter a = adapter(20, 4, 2.f), b = adapter(30, 7, 0.5f);
  const std::array<WeightedAdapter, 2> parts{{{&a, 0.75f}, {&b, -0.5f}}};
  const Adapter both = mix(parts);
  const std::array<Index, 6> start{0, 3, 5, 10, 11, 18};
  const std::array<const Adapter*, 5> worn{&a, &b, nullptr, &a, &both};
  Buffer x = random_matrix(1, start.back(), in);
  x.view().row(4)[9] = 11.f;  // an outlier, for Int8
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
    const Buffer y = run(layer, arithmetic, start, worn, x);
    const Buffer bare = run<TestType>(layer, arithmetic, start, {}, x);
    for (std::size_t s = 0; s < worn.size(); ++s) {
      INFO("sequence " << s);
      const Index first = start[s], n = start[s + 1] - first;
      const std::array<Index, 2> one{0, n};
      const Buffer alone = run<TestType>(layer, arithmetic, one, std::array<const Adapter*, 1>{worn[s]}, x.view().slice(first, n));
      CHECK(tfm_test::same_bits(alone, y.view().slice(first, n)));
      CHECK(tfm_test::same_bits(bare.view().slice(first, n), y.view().slice(first, n)) == (worn[s] == nullptr));
    }
  }
}

TEMPLATE_TEST_CASE("what rides on a product gives the bits of the products one after the other", "", F32, BF16, Int8, Q4_0) {
  constexpr Index wide = 203, tokens = 71;
  const F32 base = values(5, wide, in);
  LoraLinear<TestType> layer{{}, 0};
  Context context(3);
  if constexpr (TestType::trainable) {
    layer.base.weight = values(5, wide, in);
  } else {
    layer.base.weight = TestType(pack(context, TestType::static_format, {Format::f32, reinterpret_cast<const std::byte*>(base.view().data), wide, in}, "w"));
  }
  std::vector<LoraPair> pairs(1);
  pairs[0] = {values(20, 5, in), values(21, wide, 5), 0.75f};
  const Adapter a(std::move(pairs));
  const Buffer x = random_matrix(1, tokens, in);
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast, Arithmetic::bf16}) {
    context.arithmetic = arithmetic;
    Buffer rode(tokens, wide), apart(tokens, wide), down(tokens, 5);
    const Index start[] = {0, 13, tokens};
    const Adapter* const worn[] = {nullptr, &a};
    layer.forward(context, Batch{.start = start, .adapter = worn}, x, rode);
    matmul(context, layer.base.weight, x, apart);
    const View seen = x.view().slice(13, tokens - 13);
    const MutableView low = down.view().slice(13, tokens - 13);
    matmul(context, a[0].a, seen, low);
    for (Index i = 0; i < low.size(); ++i) low.data[i] *= 0.75f;
    matmul_add(context, a[0].b, low, apart.view().slice(13, tokens - 13));
    INFO(name(arithmetic));
    CHECK(tfm_test::same_bits(rode, apart));
  }
}

TEST_CASE("a mix is the weighted sum of its adapters") {
  const LoraLinear<Q8_0> layer{{weight<Q8_0>()}, 1};
  const Adapter a = adapter(20, 4, 2.f), b = adapter(30, 7, 0.5f);
  const std::array<Index, 2> start{0, 5};
  const Buffer x = random_matrix(1, 5, in);
  const auto with = [&](const Adapter& adapter) { return run<Q8_0>(layer, Arithmetic::exact, start, std::array{&adapter}, x); };
  const auto mixed = [](std::vector<WeightedAdapter> parts) { return mix(parts); };
  const Buffer none = run<Q8_0>(layer, Arithmetic::exact, start, {}, x), of_a = with(a), of_b = with(b);
  Buffer expected(5, out);
  for (Index i = 0; i < expected.view().size(); ++i) {
    const auto at = [&](const Buffer& y) { return y.view().data[i]; };
    expected.view().data[i] = at(none) + 0.75f * (at(of_a) - at(none)) - 0.5f * (at(of_b) - at(none));
  }
  // Sums of 96 and 11 products of numbers below 30, in another order.
  CHECK(difference(expected, with(mixed({{&a, 0.75f}, {&b, -0.5f}}))) < 2e-4f);
  CHECK(mixed({{&a}, {&b}}).rank() == 11);
  CHECK(tfm_test::same_bits(of_a, with(mixed({{&a}}))));
  CHECK(tfm_test::same_bits(none, with(mixed({{&a, 0}, {&b, 0}}))));
  CHECK(tfm_test::same_bits(of_b, with(mixed({{&a, 0}, {&b}}))));
  CHECK(difference(none, with(mixed({{&a}, {&a, -1}}))) < 2e-4f);
  CHECK(mixed({}).size() == 0);
  CHECK_FALSE(mixed({{&a}}).touches(0));
  const Adapter other(std::vector<LoraPair>(3));
  CHECK(tfm_test::error_of<ShapeError>([&] { mixed({{&a}, {&other}}); }) ==
        "tfm: adapters of 2 and 3 layers cannot be mixed, expected adapters of one model");
  Adapter narrow = adapter(20, 4, 2.f);
  narrow[1].a = F32(4, in - 1);
  CHECK(tfm_test::error_of<ShapeError>([&] { mixed({{&a}, {&narrow}}); }) == "tfm: adapters of different sizes cannot be mixed, in slot 1");
}

namespace {

/// Two projections with biases, as Qwen2's are, and one that carries no adapter.
struct Biased {
  struct Sizes {
  } shape;
  BiasedLinear<LoraLinear<F32>> q_proj{in, out}, v_proj{in, out};
  BiasedLinear<Linear<F32>> o_proj{in, out};

  void visit(auto&& f) { f("q_proj", q_proj), f("v_proj", v_proj), f("o_proj", o_proj); }
  void visit(auto&& f) const { f("q_proj", q_proj), f("v_proj", v_proj), f("o_proj", o_proj); }
};

}  // namespace

TEST_CASE("projections with biases carry adapters: slots, new pairs, and the product with its bias") {
  Biased layers;
  std::vector<std::string> names;
  CHECK(number_lora_slots(layers) == 2);
  visit_lora_layers(layers, "", [&](const std::string& name, const auto& layer) {
    CHECK(layer.adapter_slot() == static_cast<Index>(names.size()));
    names.push_back(name);
  });
  CHECK(names == std::vector<std::string>{"q_proj", "v_proj"});
  CHECK(tfm_test::error_of<OptionError>([&] { Adapter(layers, {.targets = {"o_proj"}}); }) != "");

  Adapter made(layers, {.rank = 3, .targets = {"v_proj"}});
  REQUIRE((made.size() == 2 && !made.touches(0) && made.touches(1)));
  REQUIRE(layers.v_proj.fits(made[1]));
  copy(random_matrix(5, out, 3), made[1].b.values());
  copy(random_matrix(6, 1, out), layers.v_proj.bias.values());
  layers.v_proj.base_weight() = values(7, out, in);

  constexpr std::array<Index, 2> start{0, 4};
  const std::array<const Adapter*, 1> worn{&made}, bare{nullptr};
  const Buffer x = random_matrix(1, 4, in);
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  const auto result = [&](const auto& layer, const auto& adapters) {
    Buffer y(4, out);
    layer.forward(context, Batch{.start = start, .adapter = adapters}, x, y);
    return y;
  };
  Buffer expected = result(layers.v_proj.base, worn);
  for (Index t = 0; t < 4; ++t)
    for (Index o = 0; o < out; ++o) expected.view().row(t)[o] += layers.v_proj.bias.view().data[o];
  CHECK(tfm_test::same_bits(result(layers.v_proj, worn), expected));
  CHECK_FALSE(tfm_test::same_bits(result(layers.v_proj, worn), result(layers.v_proj, bare)));
  CHECK(tfm_test::same_bits(result(layers.q_proj, worn), result(layers.q_proj, bare)));  // its slot is empty
}
