// Real files in Q4_K_M, which `./run test --models` fetches and names by TFM_MODELS: what their tensors hold, what transformers gives for
// their weights in float32, and what fast arithmetic costs.
#include <cmath>
#include <cstdlib>
#include <iostream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/run_llama.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/numeric/rows.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::Ids;

namespace {

// golden/README.md: logits of real models in float32 differ by 2.5e-5, log-probabilities by 7e-5; four times that is allowed.
constexpr float logit_tolerance = 4 * 2.5e-5f, logp_tolerance = 4 * 7e-5f;

/// A file of the folder that TFM_MODELS names; without it the test is skipped, as such files are large.
std::optional<std::filesystem::path> model_file(const char* name) {
  return tfm_test::require(tfm_test::environment_or("TFM_MODELS", "(TFM_MODELS is not set; ./run test --models sets it)") / name);
}

void require_sums(const char* file, const char* recorded_as) {
  const auto path = model_file(file), facts = tfm_test::require(tfm_test::golden() / "real_quants.json");
  if (!path || !facts) return;
  const auto recorded = tfm_test::read_json(*facts).at(recorded_as);
  const Gguf gguf = read_gguf(*path);
  REQUIRE(static_cast<Index>(gguf.tensors.tensors().size()) == recorded.at("tensors").get<Index>());
  for (const auto& [name, expected] : recorded.at("some").items()) {
    INFO(name);
    const Tensor& tensor = gguf.tensors.at(name);
    REQUIRE(tensor.type_name == expected.at("type").get<std::string>());
    const auto first = expected.at("first").get<std::vector<float>>();
    const Index cols = tensor.shape.back(), rows = tensor.size() / cols;
    std::vector<float> row(to_size(cols));
    double sum = 0, squares = 0, magnitudes = 0;
    for (Index r = 0; r < rows; ++r) {
      dequantise_row(*format_of(tensor.type), tensor.bytes.data() + r * row_bytes(tensor.type, cols), cols, 1, row.data());
      for (std::size_t i = 0; r == 0 && i < first.size(); ++i) REQUIRE(row[i] == first[i]);
      double own = 0, own_squares = 0;  // of a row: one sum over 168 million values would lose more than it shows
      for (const float x : row) {
        const double value = static_cast<double>(x);
        own += value, own_squares += value * value, magnitudes += std::abs(value);
      }
      sum += own, squares += own_squares;
    }
    CHECK(std::abs(sum - expected.at("sum").get<double>()) <= 1e-11 * magnitudes);  // of sums in another order
    CHECK(std::abs(squares - expected.at("sum_of_squares").get<double>()) <= 1e-11 * squares);
  }
}

double log_probability(View logits, std::int32_t next) {
  const double largest = static_cast<double>(*std::max_element(logits.data, logits.data + logits.cols));
  double sum = 0;
  for (Index i = 0; i < logits.cols; ++i) sum += std::exp(static_cast<double>(logits.data[i]) - largest);
  return static_cast<double>(logits.data[next]) - largest - std::log(sum);
}

}  // namespace

TEST_CASE("Qwen2.5-Coder Q4_K_M: what the file's tensors hold") {
  require_sums("Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf", "qwen2.5-coder-1.5b.gguf");
}
TEST_CASE("Gemma 3 Q4_K_M: what the file's tensors hold") { require_sums("gemma-3-270m.Q4_K_M.gguf", "gemma-3-270m-q4_k_m.gguf"); }

TEST_CASE("Qwen2.5-Coder Q4_K_M: ids, logits and greedy replies are those of transformers, and fast arithmetic is near them") {
  const auto path = model_file("Qwen2.5-Coder-1.5B-Instruct.Q4_K_M.gguf"), numbers = tfm_test::require(tfm_test::golden() / "real/qwen2.safetensors");
  if (!path || !numbers) return;
  const auto loaded = load_llama(*path);
  const Golden golden(*numbers);
  const auto json = tfm_test::read_json(tfm_test::golden() / "real/qwen2.json");
  const Ids ids = golden.int32s("ids"), top_ids = golden.int32s("top_ids"), play = golden.int32s("play.ids");
  const auto top_logits = golden.floats("top_logits"), token_logp = golden.floats("token_logp");
  CHECK(loaded.tokenizer.encode(UserText{json.at("text").get<std::string>()}) == ids);

  Context context = tfm_test::exact();
  const Index tokens = static_cast<Index>(ids.size());
  {
    const Buffer logits = tfm_test::all_logits(loaded.model, context, ids, 1);
    float worst = 0;
    double worst_logp = 0;
    for (Index t = 0; t < tokens; ++t) {
      const View row = logits.view().slice(t, 1);
      for (Index i = 20 * t; i < 20 * (t + 1); ++i) worst = std::max(worst, std::abs(row.data[top_ids[to_size(i)]] - top_logits[to_size(i)]));
      CHECK(tfm_test::argmax(row) == top_ids[to_size(20 * t)]);
      if (t + 1 < tokens)
        worst_logp = std::max(worst_logp, std::abs(log_probability(row, ids[to_size(t + 1)]) - static_cast<double>(token_logp[to_size(t)])));
    }
    INFO("largest difference of a logit: " << worst << ", of a log-probability: " << worst_logp);
    CHECK(worst <= logit_tolerance);
    CHECK(worst_logp <= static_cast<double>(logp_tolerance));
  }
  for (const auto& reply : json.at("replies")) {
    const Ids prompt = reply.at("prompt_ids"), greedy = reply.at("greedy_ids");
    CHECK(loaded.tokenizer.encode(TemplateText{reply.at("prompt").get<std::string>()}) == prompt);
    Ids expected = prompt;
    expected.insert(expected.end(), greedy.begin(), greedy.end());
    CHECK(tfm_test::greedy(loaded.model, context, prompt, static_cast<Index>(greedy.size()), Format::f32, json.at("stop")) == expected);
  }
  const auto difference = compare_models(context, ComparedModel{loaded.model, nullptr, Arithmetic::exact, Format::f32},
                                         ComparedModel{loaded.model, nullptr, Arithmetic::fast, Format::f16}, std::span(play).first(256), {.window = 256});
  std::cout << "Qwen2.5-Coder Q4_K_M, fast against exact over " << difference.tokens << " tokens of a play: KL " << difference.kl
            << ", equal first choices " << 100 * difference.agreement << " %\n";
  // What llama.cpp's activations of 8 bits cost SmolLM2 (benchmarks/README.md).
  CHECK(difference.kl <= 0.0029);
  CHECK(difference.agreement >= 0.961);
}
