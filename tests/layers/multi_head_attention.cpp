// Multi-head attention against d2l's numbers, masks at their edges included, and its gradients against finite
// differences.
#include "tfm/layers/multi_head_attention.hpp"

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/trainable.hpp"
#include "tfm/models/projections.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::GradientsOf;
using tfm_test::random_matrix;
using tfm_test::require_golden;

namespace {

using Attention = MultiHeadAttention<EveryLinear<F32>>;

// Ten times the differences of golden/README.md; here gradients and sums reach 10, not 0.4.
constexpr double tolerance = 1e-5;
constexpr Index sequences = 4, queries = 5, keys = 7;
const std::vector<Index> query_start{0, 5, 10, 15, 20}, key_start{0, 7, 14, 21, 28};
const Batch queries_of{.start = query_start}, keys_of{.start = key_start};

std::vector<Index> lengths(const Golden& golden, const std::string& name) {
  std::vector<Index> lens;
  for (const std::int64_t n : golden.int64s(name)) lens.push_back(static_cast<Index>(n));
  return lens;
}

void check_golden(const Golden& golden, const std::string& prefix, const AttentionSizes& sizes) {
  Attention layer(sizes);
  tfm_test::read_weights(layer, golden, prefix + ".");
  const GradientsOf gradients(layer);
  const std::vector<float> q = golden.floats(prefix + ".q"), k = golden.floats(prefix + ".k"),
                           v = golden.floats(prefix + ".v"), dy = golden.floats(prefix + ".dy");
  const View in_q{q.data(), sequences * queries, sizes.queries}, in_k{k.data(), sequences * keys, sizes.keys},
      in_v{v.data(), sequences * keys, sizes.values};
  const std::vector<Index> lens = lengths(golden, prefix + ".lens");
  Context context(2);
  Buffer y(in_q.rows, sizes.hidden), again(in_q.rows, sizes.hidden), dq(in_q.rows, in_q.cols), dk(in_k.rows, in_k.cols),
      dv(in_v.rows, in_v.cols);
  std::vector<float> weights(to_size(sequences * sizes.heads * queries * keys));
  std::vector<float*> places;
  for (Index s = 0; s < sequences; ++s) places.push_back(weights.data() + s * sizes.heads * queries * keys);
  Attention::Saved saved;
  layer.forward(context, queries_of, keys_of, {.valid_lens = lens}, in_q, in_k, in_v, y, &saved, places.data());
  require_golden(y, golden, prefix + ".y", tolerance);
  require_golden({weights.data(), 1, static_cast<Index>(weights.size())}, golden, prefix + ".weights", tolerance);
  layer.forward(context, queries_of, keys_of, {.valid_lens = lens}, in_q, in_k, in_v, again);
  REQUIRE(tfm_test::same_bits(y, again));
  layer.backward(context, queries_of, keys_of, {dy.data(), y.view().rows, sizes.hidden}, saved, dq, dk, dv, gradients);
  require_golden(dq, golden, prefix + ".dq", tolerance);
  require_golden(dk, golden, prefix + ".dk", tolerance);
  require_golden(dv, golden, prefix + ".dv", tolerance);
  for (const auto& [name, number] : gradients.names())
    require_golden(gradients[name], golden, prefix + ".grad." + name, tolerance);

  if (lens.size() != to_size(sequences)) return;
  std::vector<unsigned char> valid;  // the same as the keys' padding
  for (Index s = 0; s < sequences; ++s)
    for (Index t = 0; t < keys; ++t) valid.push_back(t < lens[to_size(s)]);
  layer.forward(context, queries_of, {.start = key_start, .valid = valid}, {}, in_q, in_k, in_v, again);
  REQUIRE(tfm_test::same_bits(y, again));
}

// Scores go through an attention whose keys and values are the identity: y is their masked softmax.
void check_softmax(const Golden& golden, const std::string& lens_name, const std::string& expected) {
  Attention layer({.queries = keys, .keys = keys, .values = keys, .hidden = keys, .heads = 1});
  for (Index i = 0; i < keys; ++i) {
    layer.W_q.base.weight.values().row(i)[i] = std::sqrt(static_cast<float>(keys));
    layer.W_k.base.weight.values().row(i)[i] = layer.W_v.base.weight.values().row(i)[i] =
        layer.W_o.base.weight.values().row(i)[i] = 1;
  }
  const std::vector<float> scores = golden.floats("softmax.scores");
  Buffer identity(sequences * keys, keys), y(sequences * queries, keys);
  for (Index i = 0; i < sequences * keys; ++i) identity.view().row(i)[i % keys] = 1;
  const std::vector<Index> lens = lens_name.empty() ? std::vector<Index>{} : lengths(golden, lens_name);
  Context context(2);
  layer.forward(context, queries_of, keys_of, {.valid_lens = lens}, {scores.data(), sequences * queries, keys},
                identity, identity, y);
  require_golden(y, golden, expected, tolerance);
}

// A layer whose heads, biases, dropout and masks all matter, against finite differences.
void check_differences(const AttentionMask& mask, float rate, bool self, const Batch& from, const Batch& to) {
  const AttentionSizes sizes{
      .queries = 10, .keys = self ? 10 : 9, .values = self ? 10 : 7, .hidden = 12, .heads = 3, .bias = true};
  Attention layer(sizes, rate);
  layer.dropout.stream = 3;
  tfm_test::randomise(layer, 7);
  const GradientsOf gradients(layer);
  Context context(2);
  context.training = true;
  context.random = RandomKey{5};
  Buffer q = random_matrix(1, from.tokens(), sizes.queries), k = random_matrix(2, to.tokens(), sizes.keys),
         v = random_matrix(3, to.tokens(), sizes.values);
  const Buffer dy = random_matrix(4, from.tokens(), sizes.hidden);
  Buffer y(from.tokens(), sizes.hidden), dq(from.tokens(), sizes.queries), dk(to.tokens(), sizes.keys),
      dv(to.tokens(), sizes.values);
  const auto loss = [&] {
    layer.forward(context, from, to, mask, q, self ? q.view() : k.view(), self ? q.view() : v.view(), y);
    return tfm_test::weighted_sum(y, dy);
  };
  Attention::Saved saved;
  layer.forward(context, from, to, mask, q, self ? q.view() : k.view(), self ? q.view() : v.view(), y, &saved);
  layer.backward(context, from, to, dy, saved, dq, self ? dq.view() : dk.view(), self ? dq.view() : dv.view(),
                 gradients);
  tfm_test::require_right("dqueries", tfm_test::check_gradient(q, dq, loss));
  if (!self) tfm_test::require_right("dkeys", tfm_test::check_gradient(k, dk, loss));
  if (!self) tfm_test::require_right("dvalues", tfm_test::check_gradient(v, dv, loss));
  visit_weights(layer, "", [&](const std::string& name, F32& weight, WeightRole) {
    // the same vector on all keys shifts all scores of a query alike: its gradient is 0 up to rounding
    if (name == "W_k.bias") CHECK(tfm_test::check_gradient(weight.values(), gradients[name], loss).largest < 1e-4);
    else tfm_test::require_right(name, tfm_test::check_gradient(weight.values(), gradients[name], loss));
  });
}

}  // namespace

TEST_CASE("attention with key, query and value sizes of their own, biases and valid lengths is d2l's") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer_layers.safetensors");
  if (!file) return;
  const Golden golden(*file);
  check_golden(golden, "attention", {.queries = 40, .keys = 24, .values = 16, .hidden = 32, .heads = 4});
  check_golden(golden, "attention_bias",
               {.queries = 40, .keys = 24, .values = 16, .hidden = 32, .heads = 4, .bias = true});
  check_softmax(golden, "", "softmax.none");
  check_softmax(golden, "softmax.lens1", "softmax.by_batch");
  check_softmax(golden, "softmax.lens2", "softmax.by_query");
}

TEST_CASE("a query without a valid key attends to all alike, and one length per query is d2l's") {
  const auto file = tfm_test::require(tfm_test::golden() / "transformer_masks.safetensors");
  if (!file) return;
  const Golden golden(*file);
  check_golden(golden, "by_batch", {.queries = 32, .keys = 32, .values = 32, .hidden = 32, .heads = 4});
  check_golden(golden, "by_query", {.queries = 32, .keys = 32, .values = 32, .hidden = 32, .heads = 4});
  check_softmax(golden, "softmax.lens1", "softmax.by_batch");
  check_softmax(golden, "softmax.lens2", "softmax.by_query");
}

TEST_CASE("MultiHeadAttention: gradients of queries, keys, values, weights and biases") {
  const std::vector<Index> from{0, 3, 4, 9}, to{0, 2, 8, 11}, by_batch{1, 0, 3}, by_query{1, 2, 0, 5, 1, 3, 2, 0, 9};
  const Batch queries_of_three{.start = from}, keys_of_three{.start = to};
  SECTION("cross, all keys, dropout") { check_differences({}, 0.3f, false, queries_of_three, keys_of_three); }
  SECTION("cross, lengths by batch") {
    check_differences({.valid_lens = by_batch}, 0, false, queries_of_three, keys_of_three);
  }
  SECTION("cross, lengths by query, dropout") {
    check_differences({.valid_lens = by_query}, 0.2f, false, queries_of_three, keys_of_three);
  }
  SECTION("self, causal, dropout") {
    check_differences({.causal = true}, 0.3f, true, queries_of_three, queries_of_three);
  }
  SECTION("self, causal and lengths") {
    check_differences({.causal = true, .valid_lens = by_query}, 0, true, queries_of_three, queries_of_three);
  }
}

TEST_CASE("attention from a cache has the bits of attention over rows") {
  constexpr Index hidden = 24, heads = 3, tokens = 70;
  Attention layer(
      {.queries = hidden, .keys = hidden, .values = hidden, .hidden = hidden, .heads = heads, .bias = true});
  tfm_test::randomise(layer, 7);
  const Buffer x = random_matrix(1, 2 * tokens, hidden);
  const std::vector<Index> start{0, tokens, 2 * tokens}, one{0, 1, 2}, slots{1, 0};
  Context context(2);
  Buffer all(2 * tokens, hidden), cross(2 * tokens, hidden), step(2, hidden), in(2, hidden), looked(2, hidden);
  layer.forward(context, {.start = start}, {.start = start}, {.causal = true}, x, x, x, all);
  layer.forward(context, {.start = start}, {.start = start}, {}, x, x, x, cross);
  KvCache own({1, heads, hidden / heads, tokens, 2, Format::f32}),
      memory({1, heads, hidden / heads, tokens, 2, Format::f32});
  layer.remember(context, {.start = start, .slot = slots}, x, x, 0, memory);
  for (Index t = 0; t < tokens; ++t) {
    const std::vector<Index> position{t, t}, last{tokens - 1, tokens - 1};
    for (Index s = 0; s < 2; ++s) copy(x.view().slice(s * tokens + t, 1), in.view().slice(s, 1));
    layer.forward_cached(context, {.start = one, .position = position, .slot = slots}, in, 0, own, step);
    layer.look_up(context, {.start = one, .position = last, .slot = slots}, in, 0, memory, looked);
    for (Index s = 0; s < 2; ++s) {
      REQUIRE(tfm_test::same_bits(step.view().slice(s, 1), all.view().slice(s * tokens + t, 1)));
      REQUIRE(tfm_test::same_bits(looked.view().slice(s, 1), cross.view().slice(s * tokens + t, 1)));
    }
  }
}

TEST_CASE("attention of an impossible size is refused in words") {
  REQUIRE(tfm_test::error_of<ShapeError>([] {
            Attention({.queries = 8, .keys = 8, .values = 8, .hidden = 10, .heads = 4});
          }) == "tfm: attention's width must be a multiple of its heads, found 10 and 4");
}
