// stories260K, a model of 1 MB, tells the story that transformers and llama2.c tell, from a Hugging Face folder and a
// GGUF.
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/run_llama.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;

TEST_CASE("stories260K tells the expected story") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/stories260K");
  if (!folder) return;
  const auto expected = tfm_test::read_json(*folder / "expected.json");
  const tfm_test::Ids story = expected.at("greedy_ids");
  for (const char* const file : {"hf", "stories260K.F32.gguf"}) {
    const auto loaded = load_llama(*folder / file);
    REQUIRE(loaded.tokenizer.bos() == story[0]);
    for (const Isa isa : tfm_test::isas())
      for (const Format cache : {Format::f32, Format::f16}) {
        INFO(file << " " << name(isa) << ", cache " << name(cache));
        Context context(1);
        context.isa = isa;
        context.arithmetic = Arithmetic::exact;
        const auto found =
            tfm_test::greedy(loaded.model, context, {story[0]}, static_cast<Index>(story.size()) - 1, cache);
        CHECK(found == story);
        CHECK(loaded.tokenizer.decode(found) == expected.at("greedy_text").get<std::string>());
      }
  }
}
