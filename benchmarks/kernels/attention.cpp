// Attention of one token over a long cache: each with the next layer of 1 GiB, which comes from memory.
#include <cmath>

#include <tfm/layers/kv_cache.hpp>

#include "work.hpp"

namespace work {

void add_attention(Setup& setup) {
  struct Heads {
    const char* model;
    Index heads, kv_heads, head_dim;
  };
  constexpr Index positions = 4000;  // whole panels
  Context& context = setup.fast;
  for (const auto& [model, heads, kv_heads, head_dim] : {Heads{"SmolLM2", 9, 3, 64}, {"1.1B", 32, 4, 64}, {"7B", 32, 32, 128}})
    for (const Format format : {Format::f16, Format::q8_0}) {
      const CacheShape layer{1, kv_heads, head_dim, positions, 1, format};
      const auto q = std::make_shared<Buffer>(random_buffer(1, heads * head_dim, 3)), out = std::make_shared<Buffer>(1, heads * head_dim);
      const kernels::AttentionShape shape{heads, kv_heads, head_dim, format, layer.key_head_bytes(), layer.value_head_bytes(),
                                          1.f / std::sqrt(static_cast<float>(head_dim))};
      add("attention/one token over " + std::to_string(positions) + ", " + model + "'s heads, " + std::string(name(format)), "reading",
          4 * heads * head_dim * positions, layer.bytes(), [=, &context, next = setup.pool.cycle(layer.bytes())]() mutable {
            const std::byte* const keys = next();
            const kernels::AttentionSequence one{*q, *out, keys, keys + shape.kv_heads * shape.key_head_bytes, positions - 1};
            kernels::attention(context, shape, {&one, 1});
          });
    }
}

}  // namespace work
