// What save_llama.hpp declares.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE RopeScaling scaling_of(const DynamicLlamaShape& shape, const std::vector<float>& frequencies) {
  using Kind = RopeScaling::Kind;
  const RopeScaling stated = shape.rope_scaling;
  const auto half = static_cast<Index>(frequencies.size());
  for (const RopeScaling& scaling : {stated, RopeScaling{.kind = Kind::llama3, .factor = 8}, RopeScaling{.kind = Kind::llama3, .factor = 32}}) {
    bool same = true;
    for (Index i = 0; same && i < half; ++i) {
      const float frequency = rope_frequency(i, 2 * half, shape.rope_theta, scaling, shape.context);
      same = std::abs(frequencies[to_size(i)] - frequency) <= 1e-4f * frequency;
    }
    if (same) return scaling;
  }
  raise(LoadError("tfm: the model's rotary frequencies are those of no scaling that config.json can say, expected those of the shape's, or one of Llama 3's"));
}

TFM_INLINE std::string config_text(const DynamicLlamaShape& s, const RopeScaling& scaling, Format format, const SpecialTokens& special) {
  const Family& family = family_named(s.family);
  JsonWriter json;
  json.begin_object(JsonLayout::lines).key("architectures").begin_array().value(family.architectures.front()).end();
  for (const auto& [key, value] : family.option_keys(s.options)) json.key(key).json(value);
  json.key("attention_dropout").json("0.0");
  json.member("bos_token_id", special.bos).member("eos_token_id", special.eos).member("pad_token_id", special.pad);
  json.member("head_dim", head_dim(s)).member("hidden_act", s.options.activation == Activation::silu ? "silu" : "gelu_pytorch_tanh").member("hidden_size", s.dim);
  json.member("intermediate_size", s.ffn).member("max_position_embeddings", s.context);
  json.member("model_type", family.model_type).member("num_attention_heads", s.heads).member("num_hidden_layers", s.layers);
  json.member("num_key_value_heads", s.kv_heads).member("rms_norm_eps", s.norm_eps);
  using Kind = RopeScaling::Kind;
  constexpr const char* original = "original_max_position_embeddings";
  if (scaling.kind == Kind::longrope) json.member(original, static_cast<Index>(scaling.original_context));  // where Phi-3 has it
  if (rotary_dim(s) != head_dim(s)) json.member("partial_rotary_factor", static_cast<double>(rotary_dim(s)) / static_cast<double>(head_dim(s)));
  json.key("rope_scaling");
  if (scaling.kind == Kind::none) {
    json.null();
  } else {
    json.begin_object().member("rope_type", name(scaling.kind)).member("factor", scaling.factor);
    if (scaling.kind == Kind::llama3) json.member("low_freq_factor", scaling.low_freq_factor).member("high_freq_factor", scaling.high_freq_factor);
    if (scaling.kind == Kind::yarn) json.member("beta_fast", scaling.beta_fast).member("beta_slow", scaling.beta_slow);
    if (scaling.kind == Kind::yarn || scaling.kind == Kind::longrope) json.member("attention_factor", scaling.magnitude);
    if (scaling.kind == Kind::longrope)
      for (const auto& [key, factors] : {std::pair{"short_factor", &scaling.short_factors}, std::pair{"long_factor", &scaling.long_factors}}) {
        json.key(key).begin_array();
        for (Index i = 0; i < rotary_dim(s) / 2; ++i) json.value((*factors)[to_size(i)]);
        json.end();
      }
    if (scaling.kind != Kind::linear && scaling.kind != Kind::dynamic) json.member(original, static_cast<Index>(scaling.original_context));
    json.end();
  }
  json.member("rope_theta", s.rope_theta).member("tie_word_embeddings", s.tied).member("torch_dtype", torch_name(format));
  return json.member("use_cache", true).member("vocab_size", s.vocab).end().text() + "\n";
}

TFM_INLINE std::vector<WrittenTensor> folder_tensors(std::string_view family, std::vector<StoredRows> weights, const SaveLlamaOptions& options) {
  return written_tensors(family_named(family), Convention::hugging_face, std::move(weights), [&](const StoredRows& weight) {
    const Format format = (options.format_of ? options.format_of(weight.name) : std::nullopt).value_or(options.format);
    if (!in_torch(format))
      raise<OptionError>({"tfm: a Hugging Face folder's tensors are ", format_names(in_torch), ", found ", tfm::name(format)});
    return format;
  });
}

/// The tensors' file, or files of at most so many bytes with the index of what is where.
TFM_INLINE void write_shards(std::span<const WrittenTensor> tensors, Index most, const std::filesystem::path& folder, TensorBytes& writer) {
  std::vector<std::vector<const WrittenTensor*>> shards(1);
  Index size = 0;
  for (const WrittenTensor& tensor : tensors) {
    const Index bytes = bytes_of(std::span(&tensor, 1));
    if (most > 0 && size > 0 && bytes > most - size) shards.emplace_back(), size = 0;
    shards.back().push_back(&tensor), size += bytes;
  }
  std::vector<std::pair<std::string, std::string>> places;  // of each tensor
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    char name[64] = "model.safetensors";
    if (shards.size() > 1) std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    std::vector<Tensor> own;
    for (const WrittenTensor* const tensor : shards[i]) own.push_back(tensor->tensor), places.emplace_back(tensor->tensor.name, name);
    write_safetensors(folder / name, own, {{"format", "pt"}}, [&](const Tensor& tensor) -> std::span<const std::byte> {
      const auto is = std::find_if(shards[i].begin(), shards[i].end(), [&](const WrittenTensor* t) { return t->tensor.name == tensor.name; });
      bytes.resize(to_size(bytes_of(std::span(*is, 1))));
      writer.write(**is, bytes);
      return bytes;
    });
  }
  std::error_code absent;
  if (shards.size() == 1) return;
  std::sort(places.begin(), places.end());
  JsonWriter json;
  json.begin_object(JsonLayout::lines).key("metadata").begin_object().member("total_size", bytes_of(tensors)).end();
  json.key("weight_map").begin_object(JsonLayout::lines);
  for (const auto& [tensor, file] : places) json.member(tensor, file);
  write_file(folder / "model.safetensors.index.json", bytes_of(std::string_view(json.end().end().text() + "\n")));
  std::filesystem::remove(folder / "model.safetensors", absent);  // of before: it would be read first
}

TFM_INLINE std::vector<std::string> save_folder(Context& context, const DynamicLlamaShape& shape, const RopeScaling& scaling,
                                                std::span<const WrittenTensor> tensors, const std::filesystem::path& folder,
                                                const SaveLlamaOptions& options) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + failed.message()));
  SavedTokenizer tokenizer;
  if (!options.tokenizer_of.empty()) tokenizer = save_tokenizer(options.tokenizer_of, folder, shape.vocab);
  TensorBytes writer(context, family_named(shape.family), Convention::hugging_face, tensors, options.progress);
  write_shards(tensors, options.shard_bytes, folder, writer);
  write_file(folder / "config.json", bytes_of(config_text(shape, scaling, options.format, tokenizer.special)));
  return tokenizer.notes;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
