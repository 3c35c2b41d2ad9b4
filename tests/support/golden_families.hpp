#pragma once
// Families' goldens: where they are, how close is close, and what their files hold.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/checkpoint/save_llama.hpp"

namespace tfm_test {

using namespace tfm;

/// golden/README.md, "How close is close": four times what float32 differs from float64 by.
struct Tolerances {
  float logits = 4 * 8e-6f, hidden = 4 * 1e-5f, gradients = 4 * 4e-6f;
};
inline Tolerances tolerances_of(std::string_view golden) {
  const Tolerances wide{4 * 2e-5f, 4 * 3e-5f, 4 * 4e-6f};
  if (golden == "smollm3") return {wide.logits, wide.hidden, 4 * 1.5e-5f};
  return golden == "phi3_longrope" || golden == "gemma3" ? wide : Tolerances{};
}

/// A folder among the goldens, of which family its model is, and of which its GGUF file; "" where it has none.
struct GoldenFamily {
  std::string_view golden, family = golden, in_gguf = family;
};
inline constexpr GoldenFamily golden_families[] = {{"qwen2"},
                                                   {"llama_bias", "llama"},
                                                   {"qwen3"},
                                                   {"smollm3"},
                                                   {"granite"},
                                                   {"olmo2"},
                                                   {"mistral", "mistral", "llama"},
                                                   {"qwen2_window", "qwen2"},
                                                   {"phi3"},
                                                   {"phi3_longrope", "phi3"},
                                                   {"gemma2"},
                                                   {"gemma3"},
                                                   {"gemma3_linear", "gemma3"},
                                                   {"llama_yarn", "llama"},
                                                   {"llama_dynamic", "llama", ""}};

/// The largest difference to so many of the expected values, from `first` on; infinite where these are too few.
inline float largest(View found, const std::vector<float>& expected, Index first = 0) {
  float most = found.size() + first <= static_cast<Index>(expected.size()) ? 0.f : INFINITY;
  for (Index i = 0; i < found.size() && most < INFINITY; ++i) {
    const float difference = std::abs(found.data[i] - expected[to_size(first + i)]);
    if (difference > most || difference != difference) most = difference;  // a NaN stays
  }
  return most;
}

/// The family's folder among the goldens.
inline std::optional<std::filesystem::path> golden_of(std::string_view family) { return require(golden() / "families" / family); }

/// A file's model without its tokenizer, which may be of a kind that is not known.
template <class Model>
Model model_of(const std::filesystem::path& path) {
  if (std::filesystem::is_directory(path)) return load<Model>(path).model;
  const Gguf gguf = read_gguf(path);
  Model model(read_llama_shape(gguf));
  WeightSource source(gguf.tensors, Convention::gguf, family_of_gguf(gguf.metadata));
  load_weights(model, source, {});
  return model;
}

/// The folder's model, saved and read again, in `out`: equal logits.
inline void require_saved_same(const AnyLlama& model, const std::filesystem::path& out) {
  Context context = exact();
  save_llama(context, model, out);
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  const auto again = load_llama(out);
  CHECK(again.model.shape.options == model.shape.options);
  CHECK(again.model.shape.family == model.shape.family);
  CHECK(same_bits(all_logits(model, context, ids, 1), all_logits(again.model, context, ids, 1)));
}

}  // namespace tfm_test
