// What safetensors_writer.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

[[noreturn]] TFM_INLINE void refuse_to_write(const Tensor& tensor, const std::string& what) {
  raise(LoadError("tfm: cannot write tensor " + in_quotes(tensor.name) + " as safetensors: " + what));
}

TFM_INLINE std::pair<const SafetensorsType*, Index> safetensors_type_of(const Tensor& tensor, Index found) {
  const auto type = std::find_if(safetensors_types.begin(), safetensors_types.end(), [&](const SafetensorsType& t) {
    return t.type == tensor.type && (t.type != DataType::other || t.name == tensor.type_name);
  });
  if (type == safetensors_types.end())
    refuse_to_write(tensor, "the format has no type " +
                                (tensor.type == DataType::other ? tensor.type_name : std::string(name(tensor.type))));
  Index bits = type->bits;
  bool fits = tensor.name != "__metadata__";
  for (const Index dim : tensor.shape) fits = fits && dim >= 0 && !__builtin_mul_overflow(bits, dim, &bits);
  if (!fits || bits % 8 != 0 || (found >= 0 && bits / 8 != found))
    refuse_to_write(tensor, "found " + std::to_string(std::max<Index>(found, 0)) + " bytes for " + shape_text(tensor.shape) + " of " +
                                std::string(type->name));
  return {&*type, bits / 8};
}

}  // namespace detail

TFM_INLINE void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                              std::vector<std::pair<std::string, std::string>> metadata) {
  detail::write_safetensors(path, tensors, std::move(metadata), true, [](const Tensor& tensor) { return tensor.bytes; });
}

}  // namespace tfm::inline TFM_ABI
