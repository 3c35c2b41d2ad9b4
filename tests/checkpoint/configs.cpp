// config.json as people have them.
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "tfm/checkpoint/llama_config.hpp"
#include "tfm/checkpoint/tokenizer_config.hpp"

using namespace tfm;

namespace {

std::optional<LlamaConfig> read(const char* name) {
  const auto path = tfm_test::require(tfm_test::shared() / "data/configs" / name / "config.json");
  return path ? std::optional(read_llama_config(read_json(*path))) : std::nullopt;
}
template <Shape S>
void check_sizes(const DynamicLlamaShape& found, const S& expected) {
  CHECK(found.vocab == expected.vocab);
  CHECK(found.dim == expected.dim);
  CHECK(found.layers == expected.layers);
  CHECK(found.heads == expected.heads);
  CHECK(found.kv_heads == expected.kv_heads);
  CHECK(found.ffn == expected.ffn);
  CHECK(head_dim(found) == head_dim(expected));
  CHECK(found.rope_theta == expected.rope_theta);
  CHECK(found.tied == expected.tied);
  CHECK(found.rope_scaling.kind == RopeScaling::Kind::none);
}

}  // namespace

TEST_CASE("LLaMA 1: neither key/value heads nor rotary fields") {
  const auto config = read("llama-7b-hf");
  if (!config) return;
  check_sizes(config->shape, Llama7B());
  CHECK(config->shape.context == 2048);
  CHECK(config->shape.norm_eps == 1e-6f);
  CHECK(config->bos == 1);
  CHECK(config->eos == std::vector<std::int32_t>{2});
  CHECK(config->pad == 0);
}

TEST_CASE("Llama 2: a rope_scaling of null, and code that is not run") {
  const auto config = read("llama-2-7b-chat");
  if (!config) return;
  check_sizes(config->shape, Llama7B());
  CHECK(config->shape.context == 4096);
  CHECK(config->shape.norm_eps == 1e-5f);
  CHECK_FALSE(config->pad);
}

TEST_CASE("Llama 3 8B: no architectures, an extra key") {
  const auto config = read("llama-3-8b-instruct");
  if (!config) return;
  check_sizes(config->shape, Llama3_8B());
  CHECK(config->shape.context == 8192);
  CHECK(config->bos == 128000);
}

TEST_CASE("Llama 3.2 1B: head_dim and tied embeddings") {
  const auto config = read("llama-3.2-1b-instruct");
  if (!config) return;
  const DynamicLlamaShape& shape = config->shape;
  CHECK((shape.vocab == 128256 && shape.dim == 2048 && shape.layers == 16 && shape.heads == 32 &&
         shape.kv_heads == 8 && shape.ffn == 8192));
  CHECK((shape.head_dim == 64 && shape.context == 131072 && shape.tied && shape.rope_theta == 500000.f));
  const auto tokenizer = read_tokenizer_config(
      read_json(tfm_test::shared() / "data/configs/llama-3.2-1b-instruct/tokenizer_config.json"));
  CHECK(tokenizer.bos == "<|begin_of_text|>");
  CHECK(tokenizer.eos == "<|eot_id|>");
  CHECK(tokenizer.chat_template.value_or("").size() > 1000);
  CHECK_FALSE(tokenizer.add_bos);
}

TEST_CASE("TinyLlama and SmolLM2: head_dim, few key/value heads, the newest spelling") {
  const auto tiny = read("tinyllama-1.1b-chat"), smol = read("smollm2-135m");
  if (!tiny || !smol) return;
  check_sizes(tiny->shape, TinyLlama1_1B());
  CHECK(tiny->shape.context == 2048);
  check_sizes(smol->shape, SmolLM2_135M());
  CHECK(smol->shape.context == 8192);
  CHECK(smol->bos == 0);
  CHECK_FALSE(smol->pad);
}

TEST_CASE("the spelling of transformers before version 5, and that of the first conversions") {
  const auto goldens = tfm_test::require(tfm_test::golden() / "llama");
  if (!goldens) return;
  for (const char* const name : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto old = read_llama_config(read_json(*goldens / name / "torch_sharded/config.json")),
               now = read_llama_config(read_json(*goldens / name / "safetensors/config.json"));
    INFO(name);
    CHECK(old.shape.rope_theta == now.shape.rope_theta);
    CHECK(old.shape.rope_scaling.kind == now.shape.rope_scaling.kind);
    CHECK(old.shape.rope_scaling.factor == now.shape.rope_scaling.factor);
    CHECK(old.shape.rope_scaling.original_context == now.shape.rope_scaling.original_context);
    CHECK((old.shape.kv_heads == now.shape.kv_heads && head_dim(old.shape) == head_dim(now.shape) &&
           old.shape.tied == now.shape.tied));
    CHECK(old.shape.norm_eps == now.shape.norm_eps);
    if (std::string(name) == "linear_rope") CHECK(now.shape.rope_scaling.kind == RopeScaling::Kind::linear);
    if (std::string(name) == "llama3_rope") CHECK(now.shape.rope_scaling.kind == RopeScaling::Kind::llama3);
  }
  const auto legacy = read_llama_config(read_json(*goldens / "mha/legacy/config.json"));
  CHECK(legacy.shape.context == 128);  // under the key max_sequence_length
  CHECK(legacy.bos == 0);
  CHECK_FALSE(legacy.pad);
}

TEST_CASE("a checkpoint that bitsandbytes has made int8 says its threshold") {
  const auto path = tfm_test::require(tfm_test::golden() / "llama/mha/int8/config.json");
  if (!path) return;
  const LlamaConfig config = read_llama_config(read_json(*path));
  CHECK(config.int8_threshold == 6.f);
  CHECK(config.shape.dim == 64);
  const auto shape = std::string(R"("vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8)");
  const auto with = [&](const std::string& how) {
    return JsonDocument("{" + shape + R"(, "quantization_config": {"quant_method": "bitsandbytes", )" + how + "}}", "config.json");
  };
  CHECK(read_llama_config(with(R"("load_in_8bit": true, "llm_int8_threshold": 4.5)")).int8_threshold == 4.5f);
  CHECK(std::isinf(*read_llama_config(with(R"("load_in_8bit": true, "llm_int8_threshold": 0.0)")).int8_threshold));  // no outliers at all
  const std::string older = "{" + shape + R"(, "quantization_config": {"load_in_8bit": true}})";
  CHECK(read_llama_config(JsonDocument(older, "config.json")).int8_threshold == 6.f);
}

TEST_CASE("real tokenizer_config.json files") {
  const auto data = tfm_test::require(tfm_test::shared() / "data/tokenizers");
  if (!data) return;
  const auto tiny = read_tokenizer_config(read_json(*data / "tinyllama/tokenizer_config.json"));
  CHECK(tiny.add_bos == true);
  CHECK(tiny.add_eos == false);
  CHECK(tiny.pad == "</s>");
  CHECK(tiny.unknown == "<unk>");
  const auto objects = read_tokenizer_config(read_json(*data / "small-llama3-bpe/tokenizer_config.json"));
  CHECK(objects.bos == "<|begin_of_sentence|>");
  CHECK_FALSE(objects.chat_template);
}
