// The same model through every way of storing it gives the same bits: folders, shards, GGUF of both versions, memory.
#include <fstream>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

const tfm_test::Ids some_ids{1, 5, 9, 263, 100, 7, 31, 64, 200, 2, 17, 18};

template <class Model>
Buffer logits(const Model& model) {
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  return tfm_test::all_logits(model, context, some_ids, 1);
}

std::vector<std::byte> read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<std::byte> bytes(std::filesystem::file_size(path));
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}
std::string read_text(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A folder's model as something that GGUF can be written of.
TinyLlama taken_from(const std::filesystem::path& folder) {
  const LlamaConfig config = read_llama_config(read_json(folder / "config.json"));
  TinyLlama tiny(config.shape);
  const tfm_test::Golden file(folder / "model.safetensors");
  for (TinyLlama::Part& part : tiny.parts) part.values = file.floats(part.name);
  return tiny;
}

}  // namespace

TEST_CASE("a golden model written as GGUF reloads with the same bits") {
  for (const char* const name : {"mha", "gqa_tied"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name / "safetensors");
    if (!folder) return;
    const Buffer expected = logits(load_llama(*folder).model);
    const TinyLlama tiny = taken_from(*folder);
    const auto bytes = tiny.gguf().bytes();
    CHECK(tfm_test::same_bits(logits(load_llama(bytes).model), expected));
    const TemporaryFolder out;
    tiny.gguf().write(out / "model.gguf");
    const auto from_file = load_llama(out / "model.gguf");
    CHECK(tfm_test::same_bits(logits(from_file.model), expected));
    CHECK(from_file.model.shape.tied == tiny.shape.tied);
    CHECK(from_file.notes == std::vector<std::string>{"the file holds no tokenizer"});
  }
}

TEST_CASE("linear scaling in GGUF, under the new key and the old one") {
  const auto folder = tfm_test::require(tfm_test::golden() / "llama/linear_rope/safetensors");
  if (!folder) return;
  const Buffer expected = logits(load_llama(*folder).model);
  const TinyLlama tiny = taken_from(*folder);
  REQUIRE(tiny.shape.rope_scaling.factor != 1);
  GgufWriter newer = tiny.gguf(), older = tiny.gguf(), off = tiny.gguf();
  newer.set("llama.rope.scaling.type", "linear");
  newer.set("llama.rope.scaling.factor", tiny.shape.rope_scaling.factor);
  older.set("llama.rope.scale_linear", tiny.shape.rope_scaling.factor);
  off.set("llama.rope.scaling.type", "none");
  off.set("llama.rope.scaling.factor", tiny.shape.rope_scaling.factor);
  CHECK(tfm_test::same_bits(logits(load_llama(newer.bytes()).model), expected));
  CHECK(tfm_test::same_bits(logits(load_llama(older.bytes()).model), expected));
  CHECK_FALSE(tfm_test::same_bits(logits(load_llama(off.bytes()).model), expected));
}

TEST_CASE("shards are the single file") {
  for (const char* const name : {"mha", "gqa_tied", "linear_rope", "llama3_rope"}) {
    const auto folder = tfm_test::require(tfm_test::golden() / "llama" / name);
    if (!folder) return;
    CHECK(tfm_test::same_bits(logits(load_llama(*folder / "sharded").model),
                              logits(load_llama(*folder / "safetensors").model)));
  }
}

TEST_CASE("stories260K: the pairs of q and k are sorted, so that GGUF and Hugging Face's folder give the same bits") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/stories260K");
  if (!folder) return;
  const auto gguf = load_llama(*folder / "stories260K.F32.gguf"), hf = load_llama(*folder / "hf"),
             one = load_llama(*folder / "hf/model.safetensors");
  CHECK(tfm_test::same_bits(logits(gguf.model), logits(hf.model)));
  CHECK(tfm_test::same_bits(logits(one.model), logits(hf.model)));
  CHECK(hf.notes.size() == 1);  // that there is no chat template
  CHECK(gguf.notes == hf.notes);
  const std::string text = "Once upon a time, there was caf\xC3\xA9.";
  CHECK(hf.tokenizer.encode(UserText{text}) == gguf.tokenizer.encode(UserText{text}));
  CHECK(one.tokenizer.encode(UserText{text}) == hf.tokenizer.encode(UserText{text}));
  CHECK(hf.stop_tokens == std::vector<Token>{2});
  CHECK(hf.chat_template->name() == "plain");
}

TEST_CASE("GGUF version 2 is version 3") {
  GgufWriter file = TinyLlama().gguf();
  tfm_test::add_tokenizer(file);
  auto bytes = file.bytes();
  const Buffer expected = logits(load_llama(bytes).model);
  REQUIRE(bytes[4] == std::byte{3});
  bytes[4] = std::byte{2};
  CHECK(tfm_test::same_bits(logits(load_llama(bytes).model), expected));
}

TEST_CASE("bytes in memory may be given back as soon as the model is loaded") {
  GgufWriter file = TinyLlama().gguf();
  tfm_test::add_tokenizer(file);
  file.set("tokenizer.chat_template",
           "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
           "'<|im_end|>' + '\n'}}{% endfor %}");
  const auto kept = file.bytes();
  const auto expected = load_llama(kept);
  auto bytes = kept;
  const auto loaded = load_llama(bytes, "given back");
  std::fill(bytes.begin(), bytes.end(), std::byte{0xee});
  bytes = {};
  CHECK(tfm_test::same_bits(logits(loaded.model), logits(expected.model)));
  CHECK(loaded.tokenizer.encode(UserText{"ab a b"}) == expected.tokenizer.encode(UserText{"ab a b"}));
  REQUIRE(loaded.chat_template);
  CHECK(loaded.chat_template->name() == "chatml");
}

TEST_CASE("a folder's files in memory are the folder") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/stories260K/hf");
  if (!folder) return;
  const auto safetensors = read_bytes(*folder / "model.safetensors"),
             tokenizer = read_bytes(*folder / "tokenizer.model");
  const std::string config = read_text(*folder / "config.json"),
                    generation = read_text(*folder / "generation_config.json");
  const auto loaded = load_llama(CheckpointBytes{.safetensors = safetensors,
                                                 .config_json = config,
                                                 .tokenizer_model = tokenizer,
                                                 .generation_config_json = generation});
  const auto expected = load_llama(*folder);
  CHECK(tfm_test::same_bits(logits(loaded.model), logits(expected.model)));
  CHECK(loaded.tokenizer.encode(UserText{"Once upon a time"}) ==
        expected.tokenizer.encode(UserText{"Once upon a time"}));
  CHECK(loaded.notes == expected.notes);
  CHECK(loaded.stop_tokens == expected.stop_tokens);
  const auto bare = load_llama(CheckpointBytes{.safetensors = safetensors, .config_json = config});
  CHECK_FALSE(bare.tokenizer);
  CHECK(bare.notes == std::vector<std::string>{"no tokenizer.model was given: the model has no tokenizer"});
}

TEST_CASE("a tied model's own output is not used, as in transformers") {
  TinyLlama tiny;
  const TemporaryFolder folder;
  tiny.write_folder(folder.path());
  const Buffer expected = logits(load_llama(folder.path()).model);
  tiny.add("lm_head.weight", {264, 32}, std::vector<float>(264 * 32, 0.5f));
  tiny.write_folder(folder.path());
  CHECK(tfm_test::same_bits(logits(load_llama(folder.path()).model), expected));
  // whereas a GGUF file is tied where it has none
  CHECK_FALSE(load_llama(tiny.gguf().bytes()).model.shape.tied);
}
