// What does not fit is refused in words: the file, the tensor or key, what was found and what was expected.
#include <functional>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/formats/torch_zip.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

const std::string gate = "model.layers.1.mlp.gate_proj.weight";

/// The message of loading a changed model as a folder, without "tfm: FOLDER/".
template <class E>
std::string folder_error(const std::function<void(TinyLlama&)>& change) {
  const TemporaryFolder folder;
  TinyLlama tiny;
  change(tiny);
  tiny.write_folder(folder.path());
  const std::string found = error_of<E>([&] { load_llama(folder.path()); }),
                    begin = "tfm: " + folder.path().string() + "/";
  return found.starts_with(begin) ? found.substr(begin.size()) : found;
}
template <class E>
std::string gguf_error(const std::function<void(TinyLlama&)>& change,
                       const std::function<void(GgufWriter&)>& keys = {}) {
  TinyLlama tiny;
  change(tiny);
  GgufWriter file = tiny.gguf();
  if (keys) keys(file);
  const auto bytes = file.bytes();
  return error_of<E>([&] { load_llama(bytes, "tiny.gguf"); });
}
const auto nothing = [](TinyLlama&) {};

}  // namespace

TEST_CASE("a tiny model loads from a folder and from GGUF") {
  CHECK(folder_error<LoadError>(nothing) == "no error");
  CHECK(gguf_error<LoadError>(nothing) == "no error");
}

TEST_CASE("a missing tensor is named as the file calls it") {
  const auto without_gate = [](TinyLlama& tiny) { tiny.remove(gate); };
  CHECK(folder_error<LoadError>(without_gate) == "model.safetensors: tensor '" + gate + "' is missing");
  CHECK(gguf_error<LoadError>(without_gate) == "tfm: tiny.gguf: tensor 'blk.1.ffn_gate.weight' is missing");
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) { tiny.config["num_hidden_layers"] = "60000"; }) ==
        "model.safetensors: tensor 'model.layers.2.self_attn.o_proj.weight' is missing");
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) { tiny.config["tie_word_embeddings"] = "false"; }) ==
        "model.safetensors: tensor 'lm_head.weight' is missing");
  CHECK(gguf_error<LoadError>([](TinyLlama& tiny) { tiny.remove("model.embed_tokens.weight"); }) ==
        "tfm: tiny.gguf: tensor 'token_embd.weight' is missing");
}

TEST_CASE("a tensor of another shape is refused with both shapes") {
  const auto narrow = [](TinyLlama& tiny) {
    tiny.part(gate).shape = {60, 32};
    tiny.part(gate).values.resize(60 * 32);
  };
  CHECK(folder_error<ShapeError>(narrow) ==
        "model.safetensors: tensor '" + gate + "' has shape [60, 32], expected [64, 32]");
  CHECK(gguf_error<ShapeError>(narrow) ==
        "tfm: tiny.gguf: tensor 'blk.1.ffn_gate.weight' has shape [60, 32], expected [64, 32]");
  CHECK(folder_error<ShapeError>([](TinyLlama& tiny) { tiny.part("model.norm.weight").shape = {1, 32}; }) ==
        "model.safetensors: tensor 'model.norm.weight' has shape [1, 32], expected [32]");
}

TEST_CASE("a tensor that has no place is refused: it would change what the model computes") {
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) {
          tiny.add("model.layers.0.self_attn.q_proj.bias", {32}, std::vector<float>(32));
        }) ==
        "model.safetensors: tensor 'model.layers.0.self_attn.q_proj.bias' (F32 [32]) has no place in a llama model "
        "of this shape, expected none such");
  CHECK(gguf_error<LoadError>([](TinyLlama& tiny) {
          tiny.add("model.layers.1.self_attn.q_proj.bias", {32}, std::vector<float>(32));
        }) ==
        "tfm: tiny.gguf: tensor 'blk.1.attn_q.bias' (F32 [32]) has no place in a llama model of this shape, expected "
        "none such");
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) { tiny.config["num_hidden_layers"] = "1"; }) ==
        "model.safetensors: tensor 'model.layers.1.input_layernorm.weight' (F32 [32]) has no place in a llama model "
        "of this shape, expected none such");
}

TEST_CASE("tables that follow from the configuration are no strangers") {
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) {
          tiny.add("model.layers.0.self_attn.rotary_emb.inv_freq", {4}, {1, 2, 3, 4});
        }) == "no error");
}

TEST_CASE("a tensor of a type that is not computed with is refused by its name") {
  const TemporaryFolder folder;
  TinyLlama tiny;
  tiny.write_folder(folder.path());
  std::vector<Tensor> tensors = tiny.tensors();
  const std::vector<std::byte> bytes(64 * 32);
  for (Tensor& t : tensors)
    if (t.name == gate) t.type = DataType::f8_e4m3, t.bytes = bytes;
  write_safetensors(folder / "model.safetensors", tensors);
  CHECK(error_of<LoadError>([&] { load_llama(folder.path()); }) ==
        "tfm: " + (folder / "model.safetensors").string() + ": tensor '" + gate +
            "' is of type F8_E4M3, expected F32, BF16 or F16");
}

TEST_CASE("config.json is refused by its key") {
  const auto with = [](const char* key, const char* value) {
    return folder_error<LoadError>([&](TinyLlama& tiny) { tiny.config[key] = value; });
  };
  CHECK(with("model_type", "\"mixtral\"") ==
        "config.json: 'model_type': found the string 'mixtral', a mixture of experts, tfm opens: " + family_names());
  CHECK(with("hidden_act", "\"gelu\"") == "config.json: 'hidden_act': found the string 'gelu', expected 'silu'");
  CHECK(with("attention_bias", "true") == "model.safetensors: tensor 'model.layers.0.self_attn.q_proj.bias' is missing");
  CHECK(with("mlp_bias", "true") == "model.safetensors: tensor 'model.layers.0.mlp.gate_proj.bias' is missing");
  CHECK(with("rope_interleaved", "true") ==
        "config.json: 'rope_interleaved': found true, expected false: rotary pairs are halves");
  CHECK(with("partial_rotary_factor", "0.5") ==
        "config.json: 'partial_rotary_factor': found the number 0.5, expected 1: the whole head is turned");
  CHECK(with("rope_scaling", R"({"rope_type": "ntk", "factor": 2})") ==
        "config.json: 'rope_scaling.rope_type': found the string 'ntk', expected 'default', 'linear', 'llama3', 'yarn', 'longrope' or 'dynamic'");
  CHECK(with("rope_scaling", R"({"rope_type": "longrope", "short_factor": [1], "long_factor": [2]})") ==
        "config.json: 'rope_scaling.short_factor': found 1 factors, expected 4, one a pair, and 128 at most");
  CHECK(with("rope_scaling", R"({"type": "linear"})") == "config.json: 'rope_scaling': 'factor' is missing");
  CHECK(with("rope_scaling", R"({"type": "linear", "factor": 0})") ==
        "config.json: 'rope_scaling.factor': found the integer 0, expected a positive number");
  CHECK(with("rope_theta", "-1") == "config.json: 'rope_theta': found the integer -1, expected a positive number");
  CHECK(with("hidden_size", "0") == "config.json: 'hidden_size': found 0, expected at least 1");
  CHECK(with("hidden_size", "16777217") == "config.json: 'hidden_size': found 16777217, expected at most 16777216");
  CHECK(with("num_key_value_heads", "3") ==
        "config.json: the JSON's root: impossible shape: heads must be a multiple of kv_heads");
  CHECK(with("eos_token_id", "[1, \"x\"]") ==
        "config.json: 'eos_token_id[1]': found the string 'x', expected an integer");
  CHECK(with("rms_norm_eps", "-1") ==
        "config.json: 'rms_norm_eps': found the integer -1, expected a number from 0 to 1");
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) { tiny.config.erase("hidden_size"); }) ==
        "config.json: the JSON's root: 'hidden_size' is missing");
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) {
          tiny.config.erase("model_type"), tiny.config["architectures"] = "[\"GPT2LMHeadModel\"]";
        }) == "config.json: 'architectures': found 'GPT2LMHeadModel', tfm opens: " + family_names());
}

TEST_CASE("sizes in config.json may be floating numbers, and what is not needed or none may be NaN or infinite") {
  const auto with = [](const char* key, const char* value) { return folder_error<LoadError>([&](TinyLlama& tiny) { tiny.config[key] = value; }); };
  CHECK(folder_error<LoadError>([](TinyLlama& tiny) {
          for (auto& [key, value] : tiny.config)
            if (value.find_first_not_of("0123456789") == value.npos) value += ".0";
          tiny.config["initializer_range"] = "NaN", tiny.config["time_step_limit"] = "[0.0, Infinity]", tiny.config["head_dim"] = "8.0";
          tiny.config["bos_token_id"] = "NaN", tiny.config["eos_token_id"] = "[2.0, Infinity]", tiny.config["pad_token_id"] = "-1.0";
        }) == "no error");
  CHECK(with("hidden_size", "32.5") == "config.json: 'hidden_size': found the number 32.5, expected an integer");
  CHECK(with("hidden_size", "Infinity") == "config.json: 'hidden_size': found Infinity, expected an integer");
  CHECK(with("max_position_embeddings", "Infinity") == "config.json: 'max_position_embeddings': found Infinity, expected an integer");
  CHECK(with("rms_norm_eps", "NaN") == "config.json: 'rms_norm_eps': found NaN, expected a finite number");
  CHECK(with("rope_theta", "-Infinity") == "config.json: 'rope_theta': found -Infinity, expected a finite number");
}

TEST_CASE("names without model. are a LlamaModel's own, and load; what else stands in front is named with who put it there") {
  const auto renamed = [](const std::string& prefix, bool with_model) {
    return [=](TinyLlama& tiny) {
      for (auto& part : tiny.parts) part.name = prefix + (with_model ? part.name : part.name.substr(part.name.starts_with("model.") ? 6 : 0));
    };
  };
  const TemporaryFolder folder;
  for (const bool tied : {true, false}) {
    TinyLlama tiny({264, 32, 2, 4, 2, 64, 64, 0, 1e-5f, 10000.f, tied, {}});
    tiny.write_folder(folder / "whole");
    renamed("", false)(tiny);
    tiny.write_folder(folder / "base");
    const auto whole = load_llama(folder / "whole"), base = load_llama(folder / "base");
    const tfm_test::Ids ids{1, 5, 9, 200};
    Context context(1);
    CHECK(tfm_test::same_bits(tfm_test::all_logits(base.model, context, ids, 1), tfm_test::all_logits(whole.model, context, ids, 1)));
  }
  CHECK(folder_error<LoadError>([&](TinyLlama& tiny) { renamed("", false)(tiny), tiny.remove("layers.1.mlp.up_proj.weight"); }) ==
        "model.safetensors: tensor 'layers.1.mlp.up_proj.weight' is missing");
  CHECK_THAT(folder_error<LoadError>([&](TinyLlama& tiny) { renamed("", false)(tiny), tiny.config["tie_word_embeddings"] = "false"; }),
             Catch::Matchers::Contains("model.safetensors: tensor 'lm_head.weight' is missing: these are the tensors of a model without its output"));
  for (const bool with_model : {true, false})
    for (const auto& [prefix, by] : {std::pair{"_orig_mod.", "torch.compile"}, {"module.", "DataParallel"}, {"base_model.model.", "PEFT"},
                                     {"module._orig_mod.", "and by torch.compile"}, {"language_model.", "holds a LLaMA as a part"}}) {
      const std::string first = std::string(prefix) + (with_model ? "model." : "") + "embed_tokens.weight";
      CHECK_THAT(folder_error<LoadError>(renamed(prefix, with_model)),
                 Catch::Matchers::StartsWith("model.safetensors: the tensors' names begin with '" + std::string(prefix) + "' ('" + first + "'), expected 'model.': ") &&
                     Catch::Matchers::Contains(by) && Catch::Matchers::EndsWith("take that off the names"));
    }
  CHECK_THAT(folder_error<LoadError>([](TinyLlama& tiny) { tiny.part("model.embed_tokens.weight").name = "tok_embeddings.weight", tiny.parts.resize(1); }),
             Catch::Matchers::Contains("Meta's own files"));
}

TEST_CASE("folders that are quantised otherwise than to bitsandbytes' int8 are refused by the method's name") {
  const auto with = [](const std::string& how) {
    return folder_error<LoadError>([&](TinyLlama& tiny) { tiny.config["quantization_config"] = "{" + how + "}"; });
  };
  const std::string begin = "config.json: 'quantization_config': the weights are ", instead =
      ", which is not read: take the model that it was made from, in F32, F16 or BF16, or in bitsandbytes' int8 (load_in_8bit), or a GGUF file of it "
      "in Q8_0, Q6_K or Q4_K_M";
  CHECK(with(R"("quant_method": "bitsandbytes", "load_in_4bit": true, "bnb_4bit_quant_type": "nf4")") == begin + "in 4 bits by bitsandbytes (nf4)" + instead);
  CHECK(with(R"("load_in_8bit": true, "load_in_4bit": true)") == begin + "in 4 bits by bitsandbytes (load_in_4bit)" + instead);
  CHECK(with(R"("quant_method": "bitsandbytes")") == begin + "quantised by bitsandbytes, without load_in_8bit" + instead);
  CHECK(with("") == begin + "quantised, and no quant_method says how" + instead);
  for (const auto& [method, name] : {std::pair{"gptq", "GPTQ"}, {"awq", "AWQ"}, {"fp8", "FP8"}, {"hqq", "HQQ"}, {"compressed-tensors", "compressed-tensors"},
                                     {"mxfp4", "MXFP4"}, {"nobody", "'nobody'"}})
    CHECK(with("\"quant_method\": \"" + std::string(method) + "\", \"bits\": 4") ==
          "config.json: 'quantization_config.quant_method': the weights are quantised by " + std::string(name) + instead);
  CHECK(with(R"("quant_method": 4)") == "config.json: 'quantization_config.quant_method': found the integer 4, expected a string");
  // Where config.json says nothing, the tensors do.
  for (const auto& [end, name] : {std::pair{"qweight", "GPTQ or AWQ"}, {"weight.absmax", "bitsandbytes in 4 bits"}, {"weight_scale_inv", "FP8"},
                                  {"weight_packed", "compressed-tensors"}, {"W_q", "HQQ"}}) {
    const std::string tensor = "model.layers.0.mlp.up_proj." + std::string(end);
    CHECK(folder_error<LoadError>([&](TinyLlama& tiny) { tiny.add(tensor, {4}, {1, 2, 3, 4}); }) ==
          "model.safetensors: tensor '" + tensor + "' is of a model that is quantised by " + name + instead);
  }
}

TEST_CASE("files and folders that are no model are refused as what they are") {
  const auto with = [](const std::function<void(GgufWriter&)>& change) { return gguf_error<LoadError>(nothing, change); };
  const auto is = [](const std::string& what) { return Catch::Matchers::StartsWith("tfm: tiny.gguf: this is " + what); };
  CHECK_THAT(with([](GgufWriter& file) { file.set("general.architecture", "clip"); }), is("the projector of a multimodal model"));
  CHECK_THAT(with([](GgufWriter& file) { file.set("general.type", "mmproj"); }), is("the projector of a multimodal model"));
  CHECK_THAT(with([](GgufWriter& file) { file.set("general.type", "adapter"); }), is("an adapter in GGUF"));
  CHECK_THAT(with([](GgufWriter& file) { file.set("general.type", "imatrix"); }), is("an importance matrix"));
  CHECK_THAT(with([](GgufWriter& file) { file.set("general.architecture", "controlvector"); }), is("a control vector"));
  CHECK(with([](GgufWriter& file) { file.set("general.type", "model"); }) == "no error");
  CHECK_THAT(gguf_error<LoadError>([](TinyLlama& tiny) { tiny.parts.clear(); }), is("a vocabulary alone"));
  const TemporaryFolder folder;
  TinyLlama().write_folder(folder.path());
  std::filesystem::rename(folder / "config.json", folder / "adapter_config.json");
  CHECK_THAT(error_of<LoadError>([&] { load_llama(folder.path()); }), Catch::Matchers::StartsWith("tfm: " + folder.path().string() + ": this is an adapter's folder"));
}

TEST_CASE("a Git LFS pointer among a folder's files is called one") {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 10\n", said = ": this is a Git LFS pointer, not the file";
  for (const char* const name : {"config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json", "generation_config.json", "chat_template.jinja"}) {
    const TemporaryFolder folder;
    TinyLlama tiny;
    tiny.write_folder(folder.path());
    tfm_test::write_text(folder / name, pointer);
    CHECK_THAT(error_of<LoadError>([&] { load_llama(folder.path()); }), Catch::Matchers::Contains((folder / name).string() + said));
  }
  const TemporaryFolder folder;
  TinyLlama().write_folder(folder.path());
  std::filesystem::remove(folder / "model.safetensors");
  tfm_test::write_text(folder / "model.safetensors.index.json", pointer);
  CHECK_THAT(error_of<LoadError>([&] { load_llama(folder.path()); }), Catch::Matchers::Contains("index.json" + said));
  std::filesystem::remove(folder / "model.safetensors.index.json");
  tfm_test::write_text(folder / "pytorch_model.bin", pointer);
  CHECK_THAT(error_of<LoadError>([&] { load_llama(folder.path(), {.read_bin = read_torch}); }), Catch::Matchers::Contains("pytorch_model.bin" + said));
}

TEST_CASE("a file of which part is missing, or which is another kind") {
  const TemporaryFolder folder;
  TinyLlama().write_folder(folder.path());
  std::filesystem::remove(folder / "model.safetensors");
  CHECK(error_of<LoadError>([&] { load_llama(folder.path()); }) ==
        "tfm: cannot open " + (folder / "model.safetensors").string() + ": No such file or directory");
  CHECK(error_of<LoadError>([&] { load_llama(folder / "nobody.gguf"); }) ==
        "tfm: cannot open " + (folder / "nobody.gguf").string() + ": No such file or directory");
}

TEST_CASE("GGUF metadata is refused by its key") {
  const auto with = [](const char* key, auto value) {
    const std::string found = gguf_error<LoadError>(nothing, [&](GgufWriter&file) { file.set(key, value); }),
                      begin = "tfm: tiny.gguf: key '" + std::string(key) + "': ";
    return found.starts_with(begin) ? found.substr(begin.size()) : found;
  };
  CHECK(with("general.architecture", "bert") == "found the string 'bert', an encoder, which writes no text, tfm opens: " + family_names());
  CHECK(with("llama.expert_count", std::uint32_t{8}) ==
        "found u32 8, expected 0: mixtures of experts are not supported");
  CHECK(with("split.count", std::uint16_t{9}) ==
        "found u16 9, expected 1 of bytes in memory: a model in several GGUF files is opened by the path of one of them");
  CHECK(with("llama.rope.scaling.type", "ntk") == "found the string 'ntk', expected 'none', 'linear', 'yarn' or 'longrope'");
  CHECK(with("llama.rope.dimension_count", std::uint32_t{4}) == "found u32 4, expected 8, the head size");
  CHECK(with("llama.block_count", std::uint32_t{0}) == "found u32 0, expected an integer from 1 to 65536");
  CHECK(with("llama.context_length", UINT32_MAX) == "found u32 4294967295, expected an integer from 1 to 1073741824");
  CHECK(with("llama.rope.freq_base", 0.f) == "found f32 0, expected a number of at least 1e-06");
  CHECK(with("tokenizer.ggml.model", 7) == "found i32 7, expected a string");
}

TEST_CASE("a tokenizer that is not the model's is refused") {
  const auto error = gguf_error<TokenizerError>(
      [](TinyLlama& tiny) {
        tiny = TinyLlama({280, 32, 1, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}});
      },
      tfm_test::add_tokenizer);
  CHECK(error == "tfm: tiny.gguf: the tokenizer has 264 pieces, expected the model's vocabulary of 280");
  const auto unknown = gguf_error<TokenizerError>(
      nothing, [](GgufWriter& file) { tfm_test::add_tokenizer(file), file.set("tokenizer.ggml.model", "bert"); });
  CHECK(unknown == "tfm: tiny.gguf: the tokenizer is 'bert', expected 'llama' or 'gpt2'");
  const auto part = gguf_error<LoadError>(
      nothing, [](GgufWriter& file) { file.set("tokenizer.ggml.tokens", std::vector<std::string>{"a"}); });
  CHECK(part == "tfm: tiny.gguf: key 'tokenizer.ggml.model' is missing");
}

TEST_CASE("columns that a block format cannot hold are refused by name") {
  const TemporaryFolder folder;
  TinyLlama({40, 24, 1, 2, 1, 40, 16, 0, 1e-5f, 10000.f, true, {}}).write_folder(folder.path());
  CHECK(error_of<ShapeError>([&] { load_llama(folder.path(), {.format = Format::q8_0}); }) ==
        "tfm: " + (folder / "model.safetensors").string() +
            ": tensor 'model.embed_tokens.weight': Q8_0 stores blocks of 32 columns, found 24 columns");
}

TEST_CASE("matrices of few long rows, which packing would blow up, are refused before room is made") {
  const TemporaryFolder folder;
  TinyLlama({1, 1 << 18, 1, 1, 1, 1, 16, 2, 1e-5f, 10000.f, true, {}}).write_folder(folder.path());
  const auto error = error_of<ShapeError>([&] { load_llama(folder.path()); });
  CHECK(error.ends_with(": the matrices have too few rows"));
}
