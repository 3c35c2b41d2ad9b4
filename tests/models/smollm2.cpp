// SmolLM2-135M-Instruct (Q4_1): the numbers of transformers in exact arithmetic; and what faster arithmetics may cost.
#include <cmath>
#include <iostream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/run_llama.hpp"
#include "support/smollm2.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/generate/compare.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::Ids;

namespace {

// Of logits up to 29 after 30 layers: two orders of float32 rounding (with and without fused multiply-add) differ by
// 6e-5.
constexpr float logit_tolerance = 1e-4f;

// -log of the probability of `next` after `logits`.
double surprise(View logits, std::int32_t next) {
  const double largest = static_cast<double>(*std::max_element(logits.data, logits.data + logits.cols));
  double sum = 0;
  for (Index i = 0; i < logits.cols; ++i) sum += std::exp(static_cast<double>(logits.data[i]) - largest);
  return largest + std::log(sum) - static_cast<double>(logits.data[next]);
}

Context context_of(Arithmetic arithmetic) {
  Context context;
  context.arithmetic = arithmetic;
  return context;
}

}  // namespace

TEST_CASE("SmolLM2: logits, log-probabilities and perplexity") {
  const auto file = tfm_test::smollm2(), numbers = tfm_test::require(tfm_test::golden() / "smollm2.safetensors");
  if (!file || !numbers) return;
  const auto loaded = load_llama(*file);
  const Golden golden(*numbers);
  const auto json = tfm_test::read_json(tfm_test::golden() / "smollm2.json");
  const Ids ids = golden.int32s("ids"), top_ids = golden.int32s("top_ids");
  const auto top_logits = golden.floats("top_logits"), token_logp = golden.floats("token_logp");
  Context context = context_of(Arithmetic::exact);
  const Buffer logits = tfm_test::all_logits(loaded.model, context, ids, 1);
  const Index tokens = static_cast<Index>(ids.size());

  float worst = 0;
  double sum = 0, worst_logp = 0;
  for (Index t = 0; t < tokens; ++t) {
    const View row = logits.view().slice(t, 1);
    for (Index i = 20 * t; i < 20 * (t + 1); ++i)
      worst = std::max(worst, std::abs(row.data[top_ids[to_size(i)]] - top_logits[to_size(i)]));
    CHECK(tfm_test::argmax(row) == top_ids[to_size(20 * t)]);
    if (t + 1 == tokens) break;
    const double found = surprise(row, ids[to_size(t + 1)]);
    worst_logp = std::max(worst_logp, std::abs(found + static_cast<double>(token_logp[to_size(t)])));
    sum += found;
  }
  INFO("largest difference of a logit: " << worst << ", of a log-probability: " << worst_logp);
  CHECK(worst <= logit_tolerance);
  CHECK(worst_logp <= static_cast<double>(logit_tolerance));
  const double perplexity = std::exp(sum / static_cast<double>(tokens - 1)), expected = json.at("perplexity");
  CHECK(std::abs(perplexity - expected) <= expected * static_cast<double>(logit_tolerance) / 4);  // a mean of 44 such
}

TEST_CASE("SmolLM2: greedy replies to three chats") {
  const auto file = tfm_test::smollm2(), numbers = tfm_test::require(tfm_test::golden() / "smollm2.json");
  if (!file || !numbers) return;
  const auto loaded = load_llama(*file);
  Context context = context_of(Arithmetic::exact);
  const auto chats = tfm_test::read_json(*numbers).at("chats");
  REQUIRE(chats.size() == 3);
  for (const auto& chat : chats) {
    const Ids prompt = chat.at("prompt_ids"), reply = chat.at("greedy_ids");
    Ids expected = prompt;
    expected.insert(expected.end(), reply.begin(), reply.end());
    REQUIRE(loaded.tokenizer.eos().has_value());
    CHECK(tfm_test::greedy(loaded.model, context, prompt, 48, Format::f32, *loaded.tokenizer.eos()) == expected);
  }
}

namespace {

struct Agreement {
  double exact_perplexity = 0, perplexity = 0;
  Index tokens = 0, clear = 0, agreed = 0;  // clear: positions where exact's first choice leads by more than 0.1
  double kl = 0;                            // mean divergence from exact's predictions, in nats
  Index equal = 0;                          // positions with the same first choice, clear or not

  double perplexity_change() const { return perplexity / exact_perplexity - 1; }
  double agreement() const { return static_cast<double>(agreed) / static_cast<double>(clear); }
  double equal_choices() const { return static_cast<double>(equal) / static_cast<double>(tokens); }
};

std::ostream& operator<<(std::ostream& out, const Agreement& a) {
  return out << "perplexity " << a.exact_perplexity << " -> " << a.perplexity << " (" << 100 * a.perplexity_change()
             << " %), first choice agrees at " << a.agreed << " of " << a.clear << " clear positions ("
             << 100 * a.agreement() << " %) of " << a.tokens << " tokens, at " << 100 * a.equal_choices() << " % of all; KL " << a.kl;
}

struct Way {
  Arithmetic arithmetic = Arithmetic::exact;
  Format cache = Format::f16;
};

// wikitext in windows of 512 tokens, `windows` of them, in exact arithmetic and in another, on the same packed weights.
template <class Model>
Agreement compare(const Model& model, const std::vector<Ids>& windows, const Way& way, const Way& from = {}) {
  Agreement result;
  double exact_sum = 0, sum = 0;
  Index predicted = 0;
  Context exact = context_of(from.arithmetic), other = context_of(way.arithmetic);
  for (const Ids& ids : windows) {
    const Buffer expected = tfm_test::all_logits(model, exact, ids, 1, from.cache),
                 found = tfm_test::all_logits(model, other, ids, 1, way.cache);
    for (Index t = 0; t < static_cast<Index>(ids.size()); ++t) {
      const View row = expected.view().slice(t, 1), other_row = found.view().slice(t, 1);
      const std::int32_t first = tfm_test::argmax(row);
      float second = -INFINITY;
      for (Index i = 0; i < row.cols; ++i)
        if (i != first) second = std::max(second, row.data[i]);
      ++result.tokens;
      result.kl += detail::divergence(row.data, other_row.data, row.cols);
      if (tfm_test::argmax(other_row) == first) ++result.equal;
      if (row.data[first] - second > 0.1f) {
        ++result.clear;
        if (tfm_test::argmax(other_row) == first) ++result.agreed;
      }
      if (t + 1 == static_cast<Index>(ids.size())) continue;
      exact_sum += surprise(row, ids[to_size(t + 1)]);
      sum += surprise(other_row, ids[to_size(t + 1)]);
      ++predicted;
    }
  }
  result.exact_perplexity = std::exp(exact_sum / static_cast<double>(predicted));
  result.perplexity = std::exp(sum / static_cast<double>(predicted));
  result.kl /= static_cast<double>(result.tokens);
  return result;
}

std::vector<Ids> wikitext(const AnyTokenizer& tokenizer, const std::filesystem::path& file, std::size_t count) {
  const std::string text = tfm_test::read_file(file).substr(0, 60'000);
  const auto ids = tokenizer.encode(UserText{text});
  std::vector<Ids> windows;
  for (std::size_t w = 0; w < count; ++w)
    windows.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(512 * w),
                         ids.begin() + static_cast<std::ptrdiff_t>(512 * (w + 1)));
  return windows;
}

}  // namespace

// KL and equal first choices: no worse than what llama.cpp's arithmetic of the same file and tokens gave against its F32 twin, 0.0029 and 96.1 %
// (benchmarks/README.md).
TEST_CASE("SmolLM2: fast arithmetic keeps perplexity within 0.5 %, and 98 % of the clear first choices", "[slow]") {
  const auto file = tfm_test::smollm2(),
             text = tfm_test::require(tfm_test::shared() / "data/text/wikitext-2-raw-test.txt");
  if (!file || !text) return;
  const auto loaded = load_llama(*file);
  REQUIRE(loaded.model.layers[0].mlp.up_proj.base_weight().format() == Format::q4_1);
  const Agreement found = compare(loaded.model, wikitext(loaded.tokenizer, *text, 8), {.arithmetic = Arithmetic::fast});
  std::cout << "SmolLM2 Q4_1, fast against exact on wikitext: " << found << '\n';
  CHECK(found.tokens == 4096);
  CHECK(found.clear > 3000);
  CHECK(std::abs(found.perplexity_change()) <= 0.005);
  CHECK(found.agreement() >= 0.98);
  CHECK(found.kl <= 0.0029);
  CHECK(found.equal_choices() >= 0.961);
}

// Rounding what k_proj and v_proj multiply to such blocks of 8 bits cost 0.04 % and 0.24 % (docs/decisions/0007-digits.md). Rounding what
// they give has the same noise relative to it, so it may cost the sum; with 7 bits it would be four times that.
TEST_CASE("SmolLM2: keys and values in Q8_0 keep perplexity within 0.28 % of F32, and 99 % of the clear first choices", "[slow]") {
  const auto file = tfm_test::smollm2(),
             text = tfm_test::require(tfm_test::shared() / "data/text/wikitext-2-raw-test.txt");
  if (!file || !text) return;
  const auto loaded = load_llama(*file);
  const Agreement found = compare(loaded.model, wikitext(loaded.tokenizer, *text, 4), {.cache = Format::q8_0}, {.cache = Format::f32});
  std::cout << "SmolLM2 Q4_1, cache Q8_0 against F32 on wikitext: " << found << '\n';
  CHECK(found.tokens == 2048);
  CHECK(found.clear > 1500);
  CHECK(std::abs(found.perplexity_change()) <= 0.0028);
  CHECK(found.agreement() >= 0.99);
  CHECK(found.perplexity != found.exact_perplexity);  // it was rounded at all
}

TEST_CASE("SmolLM2: bf16 arithmetic over bfloat16 weights makes every clear first choice that exact makes", "[slow]") {
  const auto file = tfm_test::smollm2(),
             text = tfm_test::require(tfm_test::shared() / "data/text/wikitext-2-raw-test.txt");
  if (!file || !text) return;
  const auto loaded = load_llama(*file, {.format = Format::bf16});
  REQUIRE(loaded.model.layers[0].mlp.up_proj.base_weight().format() == Format::bf16);
  const Agreement found = compare(loaded.model, wikitext(loaded.tokenizer, *text, 8), {.arithmetic = Arithmetic::bf16});
  std::cout << "SmolLM2 BF16, bf16 against exact on wikitext (" << name(best_isa()) << "): " << found << '\n';
  CHECK(found.tokens == 4096);
  CHECK(found.clear > 3000);
  CHECK(found.agreed == found.clear);
}
