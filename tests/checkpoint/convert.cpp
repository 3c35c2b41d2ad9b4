// Checkpoints that become other files: beside llama.cpp's converter, there and back, by type and in shards.
#include "tfm/checkpoint/convert.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/smollm2.hpp"
#include "support/stories.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> converted(const fs::path& from, const fs::path& to, const ConvertOptions& options = {}) {
  Context context(2);
  return convert(context, from, to, options);
}

/// Both have the same tensors: names, types, shapes, bytes.
void require_same_tensors(const TensorStore& found, const TensorStore& expected) {
  CHECK(found.tensors().size() == expected.tensors().size());
  for (const Tensor& tensor : expected.tensors()) {
    INFO(tensor.name);
    const Tensor* const other = found.find(tensor.name);
    REQUIRE(other != nullptr);
    CHECK(other->type_name == tensor.type_name);
    CHECK(other->shape == tensor.shape);
    CHECK(std::ranges::equal(other->bytes, tensor.bytes));
  }
}

/// Every key of `expected` that is not left out is there with the same value.
void require_same_keys(const GgufMetadata& found, const GgufMetadata& expected,
                       const std::vector<std::string_view>& without = {}) {
  for (Index i = 0; i < expected.size(); ++i) {
    const GgufValue value = expected[i];
    if (std::ranges::find(without, value.key()) != without.end()) continue;
    INFO(value.key() << ": " << value.found());
    const auto other = found.find(value.key());
    REQUIRE(other);
    CHECK(other->type() == value.type());
    CHECK(std::ranges::equal(other->stored(), value.stored()));
  }
}

std::map<std::string, std::string> types_of(const fs::path& gguf) {
  std::map<std::string, std::string> types;
  const Gguf file = read_gguf(gguf);
  for (const Tensor& tensor : file.tensors.tensors()) types[tensor.name] = tensor.type_name;
  return types;
}

}  // namespace

TEST_CASE("families: a folder becomes the GGUF file that llama.cpp's converter made of it, and that file the folder") {
  for (const std::string_view name : {"qwen2", "llama_bias", "qwen3", "smollm3", "granite", "olmo2"}) {
    INFO(name);
    const auto folder = tfm_test::golden_of(name);
    if (!folder) return;
    const TemporaryFolder out;
    const auto notes = converted(*folder / "safetensors", out / "model.gguf");
    CHECK(notes.size() == 1);  // there is no tokenizer
    const Gguf ours = read_gguf(out / "model.gguf"), theirs = read_gguf(*folder / "model.f32.gguf");
    require_same_tensors(ours.tensors, theirs.tensors);
    for (Index i = 0; i < theirs.metadata.size(); ++i) {
      const GgufValue value = theirs.metadata[i];
      INFO(value.key());
      if (value.key().starts_with("tokenizer.") || value.key() == "general.name" ||
          value.key() == "general.size_label" || value.key() == "general.quantization_version")
        continue;
      const auto own = ours.metadata.find(value.key());
      REQUIRE(own);
      if (value.type() == GgufType::text) CHECK(own->text() == value.text());
      else CHECK(own->number() == value.number());
    }
    converted(out / "model.gguf", out / "back");
    require_same_tensors(read_safetensors_folder(out / "back"), read_safetensors_folder(*folder / "safetensors"));
  }
}

TEST_CASE("a folder with llama3's or linear scaling becomes a GGUF file of the same bits") {
  const TemporaryFolder folder;
  TinyLlama tiny({264, 32, 2, 4, 2, 64, 64, 16, 1e-5f, 1234.5f, false, {}}, 3);
  tiny.config["rope_theta"] = "1234.5";
  for (
      const char* const scaling :
      {"null", R"({"type": "linear", "factor": 2.5})",
       R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192})"}) {
    INFO(scaling);
    tiny.config["rope_scaling"] = scaling;
    tiny.write_folder(folder / "hf");
    converted(folder / "hf", folder / "a.gguf");
    converted(folder / "a.gguf", folder / "again");
    const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
    Context context = tfm_test::exact();
    const auto from = load_llama(folder / "hf"), gguf = load_llama(folder / "a.gguf"),
               again = load_llama(folder / "again");
    const Buffer expected = tfm_test::all_logits(from.model, context, ids, 1);
    CHECK(tfm_test::same_bits(tfm_test::all_logits(again.model, context, ids, 1), expected));
    const Buffer divided = tfm_test::all_logits(gguf.model, context, ids,
                                                1);  // a quotient that is divided by again may be off by its last bit
    for (Index i = 0; i < expected.view().size(); ++i)
      CHECK(std::abs(divided.view().data[i] - expected.view().data[i]) < 1e-5f);
  }
}

TEST_CASE("the types that are asked for are those of llama.cpp's quantiser, and the bytes those of the rows") {
  const TemporaryFolder folder;
  for (const bool tied : {true, false}) {
    TinyLlama tiny({264, 32, 1, 4, 2, 48, 64, 0, 1e-5f, 10000.f, tied, {}});
    tiny.write_folder(folder / "hf");
    for (const auto& [type, named] : std::map<Format, std::string>{
             {Format::q4_0, "Q4_0"}, {Format::q4_1, "Q4_1"}, {Format::q8_0, "Q8_0"}, {Format::bf16, "BF16"}}) {
      INFO(named << " " << tied);
      converted(folder / "hf", folder / "a.gguf", {.type = type});
      auto types = types_of(folder / "a.gguf");
      const std::string output = is_quantised(type) ? "Q8_0" : named;
      CHECK(types.at("blk.0.attn_q.weight") == named);
      CHECK(types.at("blk.0.ffn_up.weight") == named);
      CHECK(types.at("blk.0.ffn_down.weight") ==
            (is_quantised(type) ? "F16" : named));  // rows of 48 are no whole blocks
      CHECK(types.at("blk.0.attn_norm.weight") == "F32");
      CHECK(types.at("token_embd.weight") == (tied ? output : named));
      if (!tied) CHECK(types.at("output.weight") == output);
    }
    converted(folder / "hf", folder / "q.gguf", {.type = Format::q8_0});
    const TinyLlama::Part& q = tiny.part("model.layers.0.self_attn.q_proj.weight");
    const Gguf written = read_gguf(folder / "q.gguf");
    CHECK(written.metadata.at("general.file_type").integer() == 7);
    CHECK(written.metadata.at("general.quantization_version").integer() == 2);
    for (Index r = 0; r < 32; ++r) {
      std::vector<std::byte> row(to_size(row_bytes(Format::q8_0, 32)));
      quantise_row(Format::q8_0, q.values.data() + TinyLlama::source_row(r, 8) * 32, 32, row.data());
      CHECK(std::ranges::equal(
          written.tensors.at("blk.0.attn_q.weight").bytes.subspan(to_size(r) * row.size(), row.size()), row));
    }
  }
  CHECK(error_of<OptionError>([&] { converted(folder / "hf", folder / "b.gguf", {.type = Format::int8}); }) ==
        "tfm: found Int8 for a GGUF file's matrices, expected " +
            format_names([](Format format) { return detail::gguf_file_type(format).has_value(); }));
  CHECK(error_of<OptionError>([&] { converted(folder / "hf", folder / "b", {.type = Format::q8_0}); }) ==
        "tfm: a Hugging Face folder's tensors are F32, BF16 or F16, found Q8_0");
  CHECK(error_of<OptionError>([&] { converted(folder / "hf", folder / "b.gguf", {.shard_bytes = 5}); }) ==
        "tfm: shards are of a folder's safetensors, found a size for those of " + (folder / "b.gguf").string());
  CHECK(!fs::exists(folder / "b.gguf"));
}

TEST_CASE("shards hold at most what was asked for, their index names all tensors, and a file of before is gone") {
  const TemporaryFolder folder;
  TinyLlama().write_folder(folder / "hf");
  converted(folder / "hf", folder / "out");
  CHECK(fs::exists(folder / "out/model.safetensors"));
  converted(folder / "hf", folder / "out", {.shard_bytes = 20'000});
  CHECK(!fs::exists(folder / "out/model.safetensors"));
  require_same_tensors(read_safetensors_folder(folder / "out"), read_safetensors_folder(folder / "hf"));
  const auto index = read_json(folder / "out/model.safetensors.index.json");
  std::map<std::string, Index> bytes;
  Index total = 0;
  for (const Json entry : index.root().at("weight_map").members()) {
    const std::string file(entry.text());
    const TensorStore shard = read_safetensors(folder / "out" / file);
    const auto size = static_cast<Index>(shard.at(entry.key()).bytes.size());
    bytes[file] += size, total += size;
  }
  CHECK(bytes.size() > 3);
  CHECK(index.root().at("metadata").at("total_size").integer() == total);
  for (const auto& [file, size] : bytes)
    CHECK((size <= 20'000 || read_safetensors(folder / "out" / file).tensors().size() == 1));
}

TEST_CASE("stories260K goes from GGUF to a folder and back with all its bytes, and its metadata from GGUF to GGUF") {
  const fs::path gguf = tfm_test::source_folder() / "examples/stories260K/stories260K.F32.gguf";
  const TemporaryFolder folder;
  CHECK(converted(gguf, folder / "copy.gguf").empty());
  const Gguf original = read_gguf(gguf), copy = read_gguf(folder / "copy.gguf");
  require_same_tensors(copy.tensors, original.tensors);
  CHECK(copy.metadata.size() == original.metadata.size());
  require_same_keys(copy.metadata, original.metadata);
  CHECK(converted(gguf, folder / "hf").empty());
  const auto json = read_tokenizer_json(read_json(folder / "hf/tokenizer.json"));
  for (const std::string_view text : detail::telling_texts())
    CHECK(AnyTokenizer(json.tokenizer).encode(UserText{text}) == tfm_test::stories().tokenizer.encode(UserText{text}));
  CHECK(converted(folder / "hf", folder / "back.gguf").empty());
  fs::remove(folder / "hf/tokenizer.model");  // its merges become scores
  CHECK(converted(folder / "hf", folder / "merges.gguf").empty());
  for (const std::string_view text : detail::telling_texts())
    CHECK(load_tokenizer(folder / "merges.gguf").encode(UserText{text}) ==
          tfm_test::stories().tokenizer.encode(UserText{text}));
  const Gguf back = read_gguf(folder / "back.gguf");
  require_same_tensors(back.tensors, original.tensors);
  const auto& expected = tfm_test::stories();
  const auto loaded = load_llama(folder / "back.gguf");
  CHECK(loaded.stop_tokens == expected.stop_tokens);
  CHECK(loaded.tokenizer.bos() == expected.tokenizer.bos());
  CHECK(loaded.tokenizer.eos() == expected.tokenizer.eos());
  CHECK(loaded.tokenizer.add_bos() == expected.tokenizer.add_bos());
  for (const std::string_view text : detail::telling_texts()) {
    CHECK(loaded.tokenizer.encode(UserText{text}) == expected.tokenizer.encode(UserText{text}));
    CHECK(loaded.tokenizer.encode(TemplateText{text}) == expected.tokenizer.encode(TemplateText{text}));
  }
  for (Token token = 0; token < expected.tokenizer.size(); ++token) {
    CHECK(loaded.tokenizer.piece(token) == expected.tokenizer.piece(token));
    CHECK(loaded.tokenizer.is_control(token) == expected.tokenizer.is_control(token));
  }
}

TEST_CASE(
    "LLaMA's vocabulary out of a GGUF file has the merges of Hugging Face's tokenizer.json, those of other pieces in "
    "the same order") {
  const auto gguf = tfm_test::require(tfm_test::shared() / "data/vocab/ggml-vocab-llama-spm.gguf");
  const auto folder = tfm_test::require(tfm_test::shared() / "data/tokenizers/tinyllama/tokenizer.json");
  if (!gguf || !folder) return;
  const GgufMetadata metadata = read_gguf_metadata(*gguf);
  const std::string text = tokenizer_json_text(read_gguf_vocabulary(metadata), load_tokenizer(metadata));
  const JsonDocument ours(text, "ours"), theirs = read_json(*folder);
  const auto merges = [](const JsonDocument& document) {
    std::vector<std::pair<std::string, std::set<std::string>>> all;
    for (const Json merge : document.root().at("model").at("merges").elements()) {
      std::string left, piece;
      if (merge.is(JsonKind::text)) {
        const std::string both(merge.text());
        left = both.substr(0, both.find(' ')), piece = left + both.substr(left.size() + 1);
      } else {
        for (const Json part : merge.elements())
          left = piece.empty() ? std::string(part.text()) : left, piece += part.text();
      }
      if (piece.find_first_not_of("\xE2\x96\x81") == piece.npos) continue;  // runs of spaces score alike
      if (all.empty() || all.back().first != piece) all.push_back({piece, {}});
      all.back().second.insert(left);  // converters have had several orders of one piece's pairs
    }
    return all;
  };
  CHECK((merges(ours) == merges(theirs)));
}

TEST_CASE("metadata that nobody knows, alignment and models in several files go from GGUF to GGUF") {
  const auto traits = tfm_test::require(tfm_test::golden() / "gguf_traits");
  if (!traits) return;
  const TemporaryFolder folder;
  for (const char* const name : {"every-value.gguf", "arrays-of-arrays.gguf", "alignment-256.gguf", "rope-freqs.gguf",
                                 "rope-linear-old.gguf", "f16-norms.gguf"}) {
    INFO(name);
    converted(*traits / name, folder / name);
    const Gguf original = read_gguf(*traits / name), copy = read_gguf(folder / name);
    require_same_tensors(copy.tensors, original.tensors);
    require_same_keys(copy.metadata, original.metadata);
  }
  converted(*traits / "split/model-00002-of-00003.gguf", folder / "whole.gguf");
  const Gguf whole = read_gguf(folder / "whole.gguf");
  require_same_tensors(whole.tensors, read_gguf(*traits / "base.gguf").tensors);
  CHECK(!whole.metadata.find("split.count"));
}

TEST_CASE("SmolLM2 goes from GGUF to a folder in F32 and back to the bytes of every tensor", "[slow]") {
  const auto model = tfm_test::smollm2();
  if (!model) return;
  const TemporaryFolder folder;
  converted(*model, folder / "hf", {.type = Format::f32});
  converted(folder / "hf", folder / "back.gguf", {.type = Format::q4_1});
  const Gguf original = read_gguf(*model), back = read_gguf(folder / "back.gguf");
  require_same_tensors(back.tensors, original.tensors);
  require_same_keys(
      back.metadata, original.metadata,
      {"general.name", "general.organization", "general.finetune", "general.basename", "general.size_label",
       "general.license", "general.languages", "tokenizer.ggml.pre", "tokenizer.ggml.add_space_prefix"});
}
