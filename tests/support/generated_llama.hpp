#pragma once
// A LLaMA of any shape and format whose weights come out of RandomKey: the same numbers on every machine.
#include <cmath>
#include <string>
#include <string_view>

#include "support/random.hpp"
#include "tfm/models/llama.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm_test {

inline std::uint64_t seed_of(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

/// Gives every weight its numbers; matrices whose format is known at run time get `format`.
template <class Model>
void generate_weights(Model& model, tfm::Format format, std::uint64_t seed = 1, int threads = 2) {
  tfm::Context context(threads);
  tfm::visit_weights(model, "", [&](const std::string& name, auto& weight, const tfm::WeightInfo& info) {
    using W = std::remove_reference_t<decltype(weight)>;
    const tfm::WeightRole role = info.role;
    const tfm::Index rows = info.rows, cols = info.cols;
    // Activations stay near 1 in size: an attention that looks at something, logits that differ.
    const float scale = role == tfm::WeightRole::norm        ? 0.125f
                        : role == tfm::WeightRole::embedding ? 1.f
                                                             : 2 / std::sqrt(static_cast<float>(cols));
    tfm::Buffer values = random_matrix(seed ^ seed_of(name), rows, cols, scale);
    if constexpr (std::is_same_v<W, tfm::F32>) {
      weight = tfm::F32(rows, cols);
      for (tfm::Index i = 0; i < values.view().size(); ++i)
        weight.values().data[i] = (role == tfm::WeightRole::norm ? 1.f : 0.f) + values.view().data[i];
    } else {
      tfm::Format target = format;
      if constexpr (requires { W::static_format; }) target = W::static_format;
      weight =
          W(tfm::pack(context, target,
                      {tfm::Format::f32, reinterpret_cast<const std::byte*>(values.view().data), rows, cols}, name));
    }
  });
}

using DynamicLlama = tfm::Llama<tfm::DynamicLlamaShape, tfm::EveryLinear<tfm::AnyWeight>>;

inline DynamicLlama generated_llama(const tfm::DynamicLlamaShape& shape, tfm::Format format, std::uint64_t seed = 1) {
  DynamicLlama model(shape);
  generate_weights(model, format, seed);
  return model;
}

/// Ids below `vocab`.
inline std::vector<std::int32_t> generated_ids(std::uint64_t seed, tfm::Index n, tfm::Index vocab) {
  std::vector<std::int32_t> ids;
  const tfm::RandomKey key = tfm::RandomKey{7}.with(seed);
  for (tfm::Index i = 0; i < n; ++i)
    ids.push_back(
        static_cast<std::int32_t>(key.bits(static_cast<std::uint64_t>(i)) % static_cast<std::uint64_t>(vocab)));
  return ids;
}

}  // namespace tfm_test
