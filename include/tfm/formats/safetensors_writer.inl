// What safetensors_writer.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

[[noreturn]] TFM_INLINE void refuse_to_write(const Tensor& tensor, const std::string& what) {
  raise(LoadError("tfm: cannot write tensor " + in_quotes(tensor.name) + " as safetensors: " + what));
}

TFM_INLINE Index safetensors_bytes(const Tensor& tensor, Index found) {
  if (!in_safetensors(tensor.type)) refuse_to_write(tensor, "the format has no type " + std::string(name(tensor.type)));
  Index bits = safetensors_bits(tensor.type);
  bool fits = tensor.name != "__metadata__";
  for (const Index dim : tensor.shape) fits = fits && dim >= 0 && !__builtin_mul_overflow(bits, dim, &bits);
  if (!fits || bits % 8 != 0 || (found >= 0 && bits / 8 != found))
    refuse_to_write(tensor, "found " + std::to_string(std::max<Index>(found, 0)) + " bytes for " + shape_text(tensor.shape) + " of " +
                                std::string(name(tensor.type)));
  return bits / 8;
}

}  // namespace detail

TFM_INLINE void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                              std::vector<std::pair<std::string, std::string>> metadata) {
  detail::write_safetensors(path, tensors, std::move(metadata), true, [](const Tensor& tensor) { return tensor.bytes; });
}

}  // namespace tfm::inline TFM_ABI
