// Alpaca records as samples: token for token the recipe's, and the batch that transformers' collator makes of them.
#include "tfm/train/data/alpaca_samples.hpp"

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/vocabularies.hpp"
#include "tfm/text/sentencepiece.hpp"
#include "tfm/train/data/padded_batch.hpp"

namespace {

using tfm::AlpacaOptions, tfm::AlpacaPrompt, tfm::AlpacaRecord, tfm::AnyTokenizer, tfm::CausalSample, tfm::Index, tfm::Token;
using Ids = std::vector<Token>;

TEST_CASE("golden Alpaca samples: cutoff, EOS, labels, and the batch padded on the left", "[alpaca]") {
  const auto file = tfm_test::require(tfm_test::golden() / "alpaca/cases.json");
  const auto model = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!file || !model) return;
  const AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(*model);
  const AlpacaPrompt prompt;
  std::map<Index, std::vector<CausalSample>> by_cutoff;
  int cut = 0, unlabelled = 0;
  for (const auto& expected : tfm_test::read_json(*file)) {
    const auto& fields = expected.at("sample");
    const AlpacaRecord record{fields.at("instruction"), fields.at("input"), fields.at("output")};
    const Index cutoff = expected.at("cutoff");
    CAPTURE(cutoff, record.input);
    CHECK(prompt(record) + record.output == expected.at("prompt").get<std::string>());
    const CausalSample whole = tfm::alpaca_sample(tokenizer, prompt, record, {.cutoff = cutoff});
    CHECK(whole.ids == expected.at("ids").get<Ids>());
    CHECK(whole.labels == expected.at("labels").get<Ids>());
    const CausalSample response = tfm::alpaca_sample(tokenizer, prompt, record, {.cutoff = cutoff, .response_only = true});
    CHECK(response.ids == whole.ids);
    CHECK(response.labels == expected.at("labels_response_only").get<Ids>());
    cut += whole.ids.back() != tokenizer.eos() ? 1 : 0;
    unlabelled += std::count(response.labels.begin(), response.labels.end(), tfm::ignored_label) == static_cast<std::ptrdiff_t>(response.labels.size()) ? 1 : 0;
    by_cutoff[cutoff].push_back(whole);
  }
  CHECK(cut > 0);
  CHECK(unlabelled > 0);
  CHECK(by_cutoff.size() == 5);
  for (const auto& [cutoff, samples] : by_cutoff) {
    CAPTURE(cutoff);
    const tfm_test::Golden golden(tfm_test::golden() / ("alpaca/batch_" + std::to_string(cutoff) + ".safetensors"));
    const auto batch = tfm::padded_batch(samples, 0);
    CHECK(golden.shape("input_ids") == std::vector<Index>{batch.samples, batch.width});
    CHECK(batch.ids == golden.int32s("input_ids"));
    CHECK(batch.labels == golden.int32s("labels"));
    CHECK(batch.attention_mask == golden.int32s("attention_mask"));
  }
}

TEST_CASE("a batch padded on the right, and to another multiple", "[alpaca]") {
  const std::vector<CausalSample> samples{{{5, 6, 7}, {-100, 6, 7}}, {{8}, {8}}};
  const auto right = tfm::padded_batch(samples, 9, tfm::PaddingSide::right, 4);
  CHECK(right.samples == 2);
  CHECK(right.width == 4);
  CHECK(right.ids == Ids{5, 6, 7, 9, 8, 9, 9, 9});
  CHECK(right.labels == Ids{-100, 6, 7, -100, 8, -100, -100, -100});
  CHECK(right.attention_mask == Ids{1, 1, 1, 0, 1, 0, 0, 0});
  CHECK(tfm::padded_batch(samples, 9, tfm::PaddingSide::left, 1).ids == Ids{5, 6, 7, 9, 9, 8});
  CHECK(tfm::padded_batch({}, 9).width == 0);
  CHECK(tfm_test::error_of<tfm::OptionError>([&] { tfm::padded_batch(samples, 9, tfm::PaddingSide::left, 0); }) == "tfm: multiple must be at least 1, found 0");
}

TEST_CASE("a record's texts never become control tokens, a template's may, and BOS and EOS stand there once", "[alpaca]") {
  const auto model = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!model) return;
  const AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(*model);
  const Token bos = *tokenizer.bos(), eos = *tokenizer.eos();
  const auto count = [](const Ids& ids, Token id) { return std::count(ids.begin(), ids.end(), id); };
  const AlpacaRecord record{"a </s> b", "<s>", "</s>"};
  const Ids plain = tfm::alpaca_sample(tokenizer, {}, record).ids;
  CHECK(count(plain, bos) == 1);
  CHECK(count(plain, eos) == 1);
  CHECK(plain.front() == bos);
  CHECK(plain.back() == eos);
  const AlpacaPrompt marked{.prompt_input = "<s>{instruction}</s>{input} ", .prompt_no_input = "{instruction}"};
  const Ids ids = tfm::alpaca_sample(tokenizer, marked, {"a", "b", "c"}).ids;
  CHECK(count(ids, bos) == 1);
  CHECK(count(ids, eos) == 2);

  const Ids prompt = tfm::alpaca_prompt_ids(tokenizer, {}, record);
  CHECK(prompt.front() == bos);
  CHECK(std::equal(prompt.begin(), prompt.end(), plain.begin()));

  // A tokenizer that adds no BOS, as SmolLM2's.
  auto special = tokenizer.special();
  special.add_bos = false;
  const Ids without = tfm::alpaca_sample(tokenizer.with_special(special), {}, record).ids;
  CHECK(without == Ids(plain.begin() + 1, plain.end()));
  special.eos.reset();
  CHECK(tfm_test::error_of<tfm::TokenizerError>([&] { tfm::alpaca_sample(tokenizer.with_special(special), {}, record); }) ==
        "tfm: the tokenizer has no token for the end of a text, which fine-tuning needs");
  CHECK(tfm_test::error_of<tfm::OptionError>([&] { tfm::alpaca_sample(tokenizer, {}, record, {.cutoff = 0}); }) == "tfm: the cutoff must be at least 1 token, found 0");
  CHECK(tfm::alpaca_sample(tokenizer, {}, record, {.cutoff = 1}).ids == Ids{bos});
}

TEST_CASE("samples are those of the records that are asked for", "[alpaca]") {
  const auto model = tfm_test::require(tfm_test::golden() / "tokenizers/sp.model");
  if (!model) return;
  const AnyTokenizer tokenizer = tfm::SentencePieceTokenizer(*model);
  const std::vector<AlpacaRecord> records{{"a", "", "x"}, {"b", "", "y"}, {"c", "", "z"}};
  const std::vector<Index> which{2, 0};
  const auto samples = tfm::alpaca_samples(tokenizer, {}, records, which, {.response_only = true});
  REQUIRE(samples.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const CausalSample one = tfm::alpaca_sample(tokenizer, {}, records[tfm::to_size(which[i])], {.response_only = true});
    CHECK(samples[i].ids == one.ids);
    CHECK(samples[i].labels == one.labels);
  }
}

}  // namespace
