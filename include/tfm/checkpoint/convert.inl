// What convert.hpp declares.
#include <algorithm>
#include <cstring>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::vector<StoredRows> with_replaced(std::vector<StoredRows> weights, const ConvertOptions& options) {
  for (StoredRows& weight : weights)
    if (const auto other = options.replaced.find(weight.name); other != options.replaced.end())
      weight.row = other->second.row, weight.less = other->second.less;
  return weights;
}

TFM_INLINE std::vector<float> divisors_of(const OpenedCheckpoint& opened) {
  const Tensor* const tensor =
      opened.convention == Convention::gguf ? opened.tensors.find("rope_freqs.weight") : nullptr;
  if (tensor == nullptr) return frequency_divisors(opened.shape);
  std::vector<float> divisors(to_size(tensor->size()));
  std::memcpy(divisors.data(), tensor->bytes.data(), tensor->bytes.size());
  return divisors;
}

TFM_INLINE GgufWriter keys_of(const OpenedCheckpoint& opened, const std::filesystem::path& from,
                              std::vector<std::string>& notes) {
  if (opened.convention == Convention::gguf) {
    const GgufMetadata metadata = read_gguf_metadata(from);
    const auto alignment = metadata.find("general.alignment");
    GgufWriter keys(alignment ? alignment->integer() : 32);
    for (Index i = 0; i < metadata.size(); ++i)
      if (!metadata[i].key().starts_with("split.")) keys.set(metadata[i]);
    return keys;
  }
  GgufWriter keys;
  std::error_code absent;
  const std::filesystem::path folder = std::filesystem::is_directory(from, absent) ? from : from.parent_path();
  set_shape(keys, opened.shape);
  const std::filesystem::path whole = std::filesystem::absolute(folder, absent).lexically_normal();
  keys.set("general.name", (whole.has_filename() ? whole : whole.parent_path()).filename().string());
  const FoundTokenizer found{opened.tokenizer, opened.jinja, {}};
  for (std::string& note : set_folder_vocabulary(keys, folder, found, opened.shape.vocab))
    notes.push_back(std::move(note));
  std::size_t further = 0;
  constexpr const char* ends[] = {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
  for (const Token token : opened.stop_tokens) {
    if (token == opened.tokenizer.eos()) continue;
    if (further < std::size(ends)) keys.set(ends[further++], static_cast<std::uint32_t>(token));
    else notes.push_back(joined({"token ", token, " ends a text too, for which GGUF has no key"}));
  }
  return keys;
}

TFM_INLINE RopeScaling folder_scaling(const OpenedCheckpoint& opened) {
  std::vector<float> frequencies;
  const Index half = rotary_dim(opened.shape) / 2;
  for (Index i = 0; i < half; ++i)
    frequencies.push_back(
        rope_frequency(i, 2 * half, opened.shape.rope_theta, opened.shape.rope_scaling, opened.shape.context));
  const WeightSource source(opened.tensors, opened.convention, *opened.family);
  divide_frequencies(source, opened.shape, frequencies);
  return scaling_of(opened.shape, frequencies);
}

TFM_INLINE SaveLlamaOptions folder_options(const std::vector<StoredRows>& weights, const std::filesystem::path& from,
                                           const ConvertOptions& options, std::vector<std::string>& notes) {
  SaveLlamaOptions folder{.format = options.type.value_or(Format::f16),
                          .tokenizer_of = from,
                          .shard_bytes = options.shard_bytes,
                          .progress = options.progress};
  if (options.type) return folder;
  std::map<std::string, Format> types;
  std::map<Format, Index> bytes;
  std::string quantised;
  for (const StoredRows& weight : weights) {
    if (in_torch(weight.format)) types[weight.name] = weight.format;
    else if (const std::string type(name(weight.format)); quantised.find(type) == quantised.npos)
      quantised += (quantised.empty() ? "" : ", ") + type;
    if (!weight.info.is_vector())
      bytes[in_torch(weight.format) ? weight.format : Format::f16] += weight.rows() * weight.cols();
  }
  folder.format = std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) {
                    return a.second < b.second;
                  })->first;
  folder.format_of = [types](std::string_view weight) -> std::optional<Format> {
    const auto type = types.find(std::string(weight));
    return type == types.end() ? Format::f16 : type->second;
  };
  if (!quantised.empty())
    notes.push_back("a Hugging Face folder cannot hold " + quantised +
                    ": that becomes F16, unless another type is asked for; in F32 every value stays");
  return folder;
}

TFM_INLINE std::vector<std::string> convert(Context& context, const OpenedCheckpoint& opened,
                                            std::vector<StoredRows> weights, const std::filesystem::path& from,
                                            const std::filesystem::path& to, const ConvertOptions& options) {
  std::vector<std::string> notes;
  for (const TensorSource& source : opened.tensors.sources())
    if (std::error_code absent; std::filesystem::equivalent(source.file, to, absent))
      raise<OptionError>(
          {"tfm: ", to.string(), " is read and would be written: give another place for what is made of it"});
  weights = with_replaced(std::move(weights), options);
  if (is_gguf_name(to)) {
    if (options.shard_bytes > 0)
      raise(OptionError("tfm: shards are of a folder's safetensors, found a size for those of " + to.string()));
    GgufWriter keys = keys_of(opened, from, notes);
    save_gguf(
        context, opened.shape, std::move(weights), divisors_of(opened), std::move(keys), to,
        {.type = options.type, .keep_vectors = opened.convention == Convention::gguf, .progress = options.progress});
    return notes;
  }
  const SaveLlamaOptions folder = folder_options(weights, from, options, notes);
  const RopeScaling scaling = folder_scaling(opened);
  const std::vector<WrittenTensor> tensors = folder_tensors(opened.shape.family, std::move(weights), folder);
  for (std::string& note : save_folder(context, opened.shape, scaling, tensors, to, folder))
    notes.push_back(std::move(note));
  return notes;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
