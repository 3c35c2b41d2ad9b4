// LlamaAttention's training pass against finite differences: grouped queries, rotary positions, sequences of unequal length.
#include "tfm/layers/llama_attention.hpp"

#include <array>
#include <utility>

#include "support/catch.hpp"
#include "support/random.hpp"
#include "support/trainable.hpp"
#include "tfm/kernels/rope.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/train/check_gradients.hpp"

using namespace tfm;

TEST_CASE("LlamaAttention: dx and the gradients of its projections, biases and norms, with every option") {
  constexpr Index dim = 24, heads = 4, kv_heads = 2, head_dim = 8, tokens = 9;
  using Layer = LlamaAttention<EveryBiasedLinear<F32>>;
  const auto [options, weights] = GENERATE(std::pair(DecoderOptions{}, Index{4}), std::pair(DecoderOptions{.qkv_bias = true, .qk_norm = QkNorm::heads}, Index{9}),
                                           std::pair(DecoderOptions{.o_bias = true, .qk_norm = QkNorm::whole, .unturned_every = 1, .attention_scale = 0.2f}, Index{7}),
                                           std::pair(DecoderOptions{.attention_cap = 0.7f, .rotary_dim = 6, .window = 3}, Index{4}));
  Layer layer;
  layer.set_sizes(dim, heads, kv_heads, head_dim, options);
  layer.turns = options.turns(0), layer.window = options.window_of(0);
  const Index half = (options.rotary_dim != 0 ? options.rotary_dim : head_dim) / 2;
  visit_weights(layer, "", [](const std::string&, F32& weight, const WeightInfo& info) { weight = F32(info.rows, info.cols); });
  tfm_test::randomise(layer, 7, 0.3f);
  const std::array<Index, 4> start{0, 3, 4, 9};
  const std::array<Index, 3> position{0, 5, 0};
  std::array<float, head_dim / 2> frequencies{1, 0.3f, 0.1f, 0.03f};
  Buffer cosine(tokens, half), sine(tokens, half), x = tfm_test::random_matrix(1, tokens, dim);
  const bool padded = GENERATE(false, true);
  const std::array<unsigned char, tokens> valid{0, 1, 1, 1, 0, 0, 1, 1, 1};
  Batch batch{.start = start, .position = position};
  if (padded) batch.valid = valid;
  for (Index s = 0; s < 3; ++s)
    for (Index t = start[to_size(s)]; t < start[to_size(s) + 1]; ++t)
      rope_angles(position[to_size(s)] + t - start[to_size(s)], frequencies.data(), half, cosine.view().row(t), sine.view().row(t));
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  Parameters parameters;
  parameters.add_all(layer);
  CHECK(parameters.count() == weights);
  const auto forward = [&](View in, MutableView y) {
    Layer::Saved saved;
    layer.forward(context, batch, cosine, sine, in, y, saved);
  };
  const auto both = [&](View in, MutableView y, View dy, MutableView dx, const Gradients& gradients) {
    Layer::Saved saved;
    layer.forward(context, batch, cosine, sine, in, y, saved);
    layer.backward(context, batch, cosine, sine, dy, saved, dx, gradients);
  };
  CHECK(check_gradients(context, parameters, x.view(), tokens, dim, forward, both) == Faults{});
}
