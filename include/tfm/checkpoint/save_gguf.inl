// What save_gguf.hpp declares.
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::pair<std::string_view, std::uint32_t> gguf_file_types[] = {  // llama_ftype of llama.h
    {"F32", 0},  {"F16", 1},  {"Q4_0", 2},  {"Q4_1", 3}, {"Q8_0", 7},
    {"Q5_0", 8}, {"Q5_1", 9}, {"Q6_K", 18}, {"BF16", 32}};

TFM_INLINE std::optional<std::uint32_t> gguf_file_type(Format format) noexcept {
  for (const auto& [known, number] : gguf_file_types)
    if (is_computed(format) && known == name(format)) return number;
  return std::nullopt;
}

TFM_INLINE Format gguf_type_of(const StoredRows& weight, const DynamicLlamaShape& shape,
                               const SaveGgufOptions& options) {
  const bool stays = gguf_number(weight.format) >= 0;
  if (weight.info.is_vector()) return options.keep_vectors && !options.type && stays ? weight.format : Format::f32;
  if (!options.type) return stays ? weight.format : Format::f16;
  const auto narrower = [](Format a, Format b) {
    return block_bytes(a) * block_size(b) < block_bytes(b) * block_size(a);
  };
  const bool output =
      weight.info.role == WeightRole::output || (shape.tied && weight.info.role == WeightRole::embedding);
  Format type = output && narrower(*options.type, Format::q6_k) ? Format::q6_k : *options.type;
  const auto fits = [&](Format format) { return is_computed(format) && weight.cols() % block_size(format) == 0; };
  if (block_size(type) > block_size(Format::q8_0) && !fits(type)) type = Format::q8_0;
  return fits(type) ? type : Format::f16;
}

TFM_INLINE void set_shape(GgufWriter& file, const DynamicLlamaShape& shape) {
  const Family& family = family_named(shape.family);
  const std::string own(family.name);
  const auto size = [&](const char* key, Index value) { file.set(own + key, static_cast<std::uint32_t>(value)); };
  file.set("general.architecture", own);
  file.set("general.type", "model");
  size(".vocab_size", shape.vocab), size(".context_length", shape.context), size(".embedding_length", shape.dim);
  size(".block_count", shape.layers), size(".feed_forward_length", shape.ffn);
  size(".attention.head_count", shape.heads), size(".attention.head_count_kv", shape.kv_heads);
  size(".attention.key_length", head_dim(shape)), size(".attention.value_length", head_dim(shape));
  size(".rope.dimension_count", rotary_dim(shape));
  file.set(own + ".attention.layer_norm_rms_epsilon", shape.norm_eps);
  file.set(own + ".rope.freq_base", shape.rope_theta);
  if (shape.rope_scaling.kind == RopeScaling::Kind::linear) {
    file.set(own + ".rope.scaling.type", "linear");
    file.set(own + ".rope.scaling.factor", shape.rope_scaling.factor);
  }
  if (family.gguf_option_keys != nullptr)
    for (const auto& [key, value] : family.gguf_option_keys(shape.options)) file.set(own + key, value);
}

TFM_INLINE std::vector<float> frequency_divisors(const DynamicLlamaShape& shape) {
  std::vector<float> divisors;
  if (shape.rope_scaling.kind != RopeScaling::Kind::llama3) return divisors;
  for (Index i = 0; i < head_dim(shape) / 2; ++i)
    divisors.push_back(rope_frequency(i, head_dim(shape), shape.rope_theta, {}) /
                       rope_frequency(i, head_dim(shape), shape.rope_theta, shape.rope_scaling));
  return divisors;
}

TFM_INLINE void require_said(const GgufWriter& file, std::span<const WrittenTensor> tensors,
                             const DynamicLlamaShape& shape) {
  const std::string head = file.head(), name = "the GGUF file to be written";
  std::vector<Tensor> described;
  for (const WrittenTensor& written : tensors) described.push_back(written.tensor);
  const Gguf said{read_gguf_metadata(bytes_of(head), name),
                  TensorStore(TensorSource::borrowed({}, name), std::move(described))};
  require_shape(shape, read_llama_shape(said), name, shape.rope_scaling.kind == RopeScaling::Kind::llama3);
}

}  // namespace detail

TFM_INLINE void save_gguf(Context& context, const DynamicLlamaShape& shape, std::vector<StoredRows> weights,
                          std::span<const float> divisors, GgufWriter keys, const std::filesystem::path& path,
                          const SaveGgufOptions& options) {
  if (options.type && !detail::gguf_file_type(*options.type))
    raise<OptionError>({"tfm: found ", name(*options.type), " for a GGUF file's matrices, expected ",
                        format_names([](Format format) { return detail::gguf_file_type(format).has_value(); })});
  const Family& family = family_named(shape.family);
  const std::vector<WrittenTensor> tensors =
      written_tensors(family, Convention::gguf, std::move(weights),
                      [&](const StoredRows& weight) { return detail::gguf_type_of(weight, shape, options); });
  if (!keys.has("general.architecture")) detail::set_shape(keys, shape);
  if (!keys.has("general.file_type") || options.type) {
    std::map<Format, Index> bytes;
    bool quantised = false;
    for (const WrittenTensor& written : tensors)
      if (written.tensor.shape.size() == 2)
        bytes[written.tensor.type] += bytes_of(std::span(&written, 1)),
            quantised = quantised || is_quantised(written.tensor.type);
    const auto most =
        std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (const auto type = detail::gguf_file_type(options.type.value_or(most->first)))
      keys.set("general.file_type", *type);
    if (quantised) keys.set("general.quantization_version", std::uint32_t{2});
  }
  detail::require_said(keys, tensors, shape);
  TensorBytes bytes(context, family, Convention::gguf, tensors, options.progress);
  if (!divisors.empty())
    keys.add({"rope_freqs.weight", Format::f32, "F32", {static_cast<Index>(divisors.size())}, std::as_bytes(divisors)});
  for (const WrittenTensor& written : tensors)
    keys.add(written.tensor.name, written.tensor.type, written.tensor.shape,
             [&](std::span<std::byte> out) { bytes.write(written, out); });
  keys.write(path);
}

}  // namespace tfm::inline TFM_ABI
