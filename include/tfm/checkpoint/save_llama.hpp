#pragma once
// save_llama: any Llama as a Hugging Face folder: config.json, model.safetensors, and the tokenizer of where it came from.
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/save_tokenizer.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/layers/visit.hpp"
#include "tfm/models/llama.hpp"

namespace tfm::inline TFM_ABI {

struct SaveLlamaOptions {
  Format format = Format::f32;             ///< of every tensor: F32, BF16 or F16; what is quantised is dequantised
  std::function<std::optional<Format>(std::string_view)> format_of{};  ///< of one tensor by its name; none, or where it gives none: `format`
  std::filesystem::path tokenizer_of{};    ///< the checkpoint whose tokenizer goes with it: folder or GGUF file; empty: none does
  ProgressCallback progress{};             ///< bytes that are written
};

namespace detail {

/// The scaling by which config.json gives the model's frequencies. GGUF files of Llama 3.1 and later say it as divisors, of which
/// the scalings that Meta published are known again. LoadError for others.
template <Shape S, class P>
RopeScaling scaling_of(const Llama<S, P>& model) {
  using Kind = RopeScaling::Kind;
  const RopeScaling stated = model.shape.rope_scaling;
  const auto half = static_cast<Index>(model.frequencies.size());
  for (const RopeScaling& scaling : {stated, RopeScaling{.kind = Kind::llama3, .factor = 8}, RopeScaling{.kind = Kind::llama3, .factor = 32}}) {
    bool same = true;
    for (Index i = 0; same && i < half; ++i) {
      const float frequency = rope_frequency(i, 2 * half, model.shape.rope_theta, scaling);
      same = std::abs(model.frequencies[to_size(i)] - frequency) <= 1e-4f * frequency;
    }
    if (same) return scaling;
  }
  raise(LoadError("tfm: the model's rotary frequencies are those of no scaling that config.json can say, expected none, linear or llama3"));
}

/// config.json, in words that transformers 4 and 5 both read.
template <Shape S>
std::string config_text(const S& s, const RopeScaling& scaling, Format format, const SpecialTokens& special) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).key("architectures").begin_array().value("LlamaForCausalLM").end();
  json.member("attention_bias", false).key("attention_dropout").json("0.0");
  json.member("bos_token_id", special.bos).member("eos_token_id", special.eos).member("pad_token_id", special.pad);
  json.member("head_dim", head_dim(s)).member("hidden_act", "silu").member("hidden_size", Index{s.dim});
  json.member("intermediate_size", Index{s.ffn}).member("max_position_embeddings", Index{s.context}).member("mlp_bias", false);
  json.member("model_type", "llama").member("num_attention_heads", Index{s.heads}).member("num_hidden_layers", Index{s.layers});
  json.member("num_key_value_heads", Index{s.kv_heads}).member("rms_norm_eps", float{s.norm_eps});
  json.key("rope_scaling");
  if (scaling.kind == RopeScaling::Kind::none) {
    json.null();
  } else {
    json.begin_object().member("rope_type", name(scaling.kind)).member("factor", scaling.factor);
    if (scaling.kind == RopeScaling::Kind::llama3)
      json.member("low_freq_factor", scaling.low_freq_factor).member("high_freq_factor", scaling.high_freq_factor)
          .member("original_max_position_embeddings", static_cast<Index>(scaling.original_context));
    json.end();
  }
  json.member("rope_theta", float{s.rope_theta}).member("tie_word_embeddings", bool{s.tied});
  json.member("torch_dtype", torch_name(format)).member("use_cache", true).member("vocab_size", Index{s.vocab});
  return json.end().text() + "\n";
}

/// Whether PyTorch has tensors of a format that weights are computed in.
constexpr bool in_torch(Format format) noexcept { return is_computed(format) && !torch_name(format).empty(); }

/// The tensors that save_llama writes, without their bytes.
template <Shape S, class P>
std::vector<Tensor> saved_tensors(const Llama<S, P>& model, const SaveLlamaOptions& options) {
  std::vector<Tensor> tensors;
  visit_weights(model, "", [&](const std::string& name, const auto&, const WeightInfo& info) {
    const Format format = (options.format_of ? options.format_of(name) : std::nullopt).value_or(options.format);
    if (!in_torch(format))
      raise<OptionError>({"tfm: a Hugging Face folder's tensors are ", format_names(in_torch), ", found ", tfm::name(format)});
    Tensor tensor;
    tensor.name = name;
    tensor.type = format;
    if (info.is_vector()) tensor.shape = {info.cols};
    else tensor.shape = {info.rows, info.cols};
    tensors.push_back(std::move(tensor));
  });
  return tensors;
}
inline Index saved_bytes(const std::vector<Tensor>& tensors) {
  Index total = 0;
  for (const Tensor& tensor : tensors)
    total += (tensor.shape.size() == 1 ? 1 : tensor.shape[0]) * row_bytes(*format_of(tensor.type), tensor.shape.back());
  return total;
}

}  // namespace detail

/// Bytes of the tensors that save_llama would write.
template <Shape S, class P>
Index saved_llama_bytes(const Llama<S, P>& model, const SaveLlamaOptions& options = {}) {
  return detail::saved_bytes(detail::saved_tensors(model, options));
}

/// Writes the model into `folder`, which is made if need be: what load_llama and transformers open. Names and the order of rotary
/// pairs are Hugging Face's, whatever file the model came from. One tensor is in memory beside the model. What finetune merge does:
///   auto llama = tfm::load_llama(base);
///   auto loaded = tfm::peft::load(adapter, llama.model, …);
///   auto merged = tfm::clone(llama.model);
///   tfm::merge(context, merged, loaded.adapter);
///   tfm::compare_models(context, tfm::ComparedModel{llama.model, &loaded.adapter}, tfm::ComparedModel{merged}, ids);   // printed
///   for (const std::string& note : tfm::save_llama(context, merged, out, {.tokenizer_of = base})) …
/// Returns what is to be told. Errors: OptionError for another format, LoadError where a file cannot be written or config.json cannot
/// say the model's frequencies, TokenizerError, Stopped.
template <Shape S, class P>
std::vector<std::string> save_llama(Context& context, const Llama<S, P>& model, const std::filesystem::path& folder, const SaveLlamaOptions& options = {}) {
  const RopeScaling scaling = detail::scaling_of(model);
  const std::vector<Tensor> tensors = detail::saved_tensors(model, options);
  const Index total = detail::saved_bytes(tensors);
  std::map<std::string_view, std::function<void(Index, float*)>> rows;  // by name: one row of it
  std::size_t next = 0;
  visit_weights(model, "", [&](const std::string&, const auto& weight, const WeightInfo&) {
    rows[tensors[next++].name] = [&weight](Index r, float* out) { row(weight, r, out); };
  });

  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) raise(LoadError("tfm: cannot make the folder " + folder.string() + ": " + failed.message()));
  SavedTokenizer tokenizer;
  if (!options.tokenizer_of.empty()) tokenizer = save_tokenizer(options.tokenizer_of, folder, model.shape.vocab);
  std::vector<std::byte> bytes;
  Index done = 0;
  write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}}, [&](const Tensor& tensor) -> std::span<const std::byte> {
    const Format format = *format_of(tensor.type);
    const Index cols = tensor.shape.back(), count = tensor.shape.size() == 1 ? 1 : tensor.shape[0], row_size = row_bytes(format, cols);
    bytes.resize(to_size(count * row_size));
    const auto& read = rows.at(tensor.name);
    context.run(count, [&](Index r, int) {
      std::vector<float> floats(to_size(cols));
      read(r, floats.data());
      quantise_row(format, floats.data(), cols, bytes.data() + r * row_size);
    });
    if (context.stop.stop_requested()) raise(Stopped());
    done += static_cast<Index>(bytes.size());
    if (options.progress) options.progress({"writing", done, total});
    return bytes;
  });
  write_file(folder / "config.json", bytes_of(detail::config_text(model.shape, scaling, options.format, tokenizer.special)));
  return tokenizer.notes;
}

}  // namespace tfm::inline TFM_ABI
