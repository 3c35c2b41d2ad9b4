// What gguf_adapter.hpp declares.

namespace tfm::inline TFM_ABI {

namespace peft::detail {

TFM_INLINE float gguf_adapter_alpha(const GgufMetadata& metadata, const Family& family) {
  const auto is = [&](const char* key, std::string_view expected) {
    const auto value = metadata.find(key);
    if (!value || value->type() != GgufType::text || value->text() != expected)
      tfm::detail::fail(metadata.file(),
                        {"no LoRA adapter: key ", in_quotes(key), value ? " is " + value->found() : " is missing",
                         ", expected ", in_quotes(expected)});
  };
  is("general.type", "adapter"), is("adapter.type", "lora");
  const GgufValue architecture = metadata.at("general.architecture");
  if (architecture.text() != family.name)
    architecture.refuse({"found ", architecture.found(), ", expected ", in_quotes(family.name), ", as the model is"});
  return tfm::detail::gguf_float(metadata, "adapter.lora.alpha", 0, 0);
}

TFM_INLINE Index gguf_adapter_rank(const TensorStore& store, const Tensor& a) {
  if (a.shape.size() != 2 || a.shape[0] < 1 || a.shape[0] > largest_rank)
    raise(ShapeError("tfm: " + store.file_of(a) + ": tensor " + in_quotes(a.name) + " has shape " +
                     shape_text(a.shape) + ", expected [rank, in] with a rank from 1 to " +
                     std::to_string(largest_rank)));
  return a.shape[0];
}

TFM_INLINE F32 sorted_rows(const F32& b, Index heads, bool into_gguf) {
  F32 sorted(b.rows(), b.cols());
  const FileRows place{.rows = b.rows(), .interleaved_heads = heads};
  for (Index r = 0; r < b.rows(); ++r) {
    const Index there = place.source(r);
    std::copy_n(b.view().row(into_gguf ? r : there), b.cols(), sorted.values().row(into_gguf ? there : r));
  }
  return sorted;
}

TFM_INLINE void write_gguf_adapter(const Family& family, float alpha,
                                   const std::vector<std::pair<std::string, const F32*>>& tensors,
                                   const std::filesystem::path& path) {
  GgufWriter file;
  file.set("general.architecture", family.name);
  file.set("general.type", "adapter");
  file.set("adapter.type", "lora");
  file.set("adapter.lora.alpha", alpha);
  for (const auto& [name, matrix] : tensors) {
    const View values = matrix->view();
    file.add({name,
              DataType::f32,
              "F32",
              {values.rows, values.cols},
              std::as_bytes(std::span(values.data, to_size(values.size())))});
  }
  file.write(path);
}

}  // namespace peft::detail

}  // namespace tfm::inline TFM_ABI
