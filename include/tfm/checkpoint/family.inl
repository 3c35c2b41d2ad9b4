// What family.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE std::string stored_layer_name(const Family& family, Convention convention, std::string_view layer) {
  std::string stored;
  const std::size_t number = family.blocks.ours.size(), dot = layer.find('.', number);
  if (layer.starts_with(family.blocks.ours) && dot != layer.npos) {
    stored.append(family.blocks.in(convention)).append(layer.substr(number, dot + 1 - number));
    layer.remove_prefix(dot + 1);
  }
  for (const LayerName& name : family.layers)
    if (layer == name.ours) return stored.append(name.in(convention));
  return stored.append(layer);
}

TFM_INLINE std::string stored_weight_name(const Family& family, Convention convention, std::string_view weight) {
  const std::size_t end = std::min(weight.rfind('.'), weight.size());
  return stored_layer_name(family, convention, weight.substr(0, end)).append(weight.substr(end));
}

TFM_INLINE bool has_weight(const Family& family, const Gguf& gguf, std::string_view weight) {
  return gguf.tensors.find(stored_weight_name(family, Convention::gguf, weight)) != nullptr;
}

}  // namespace tfm::inline TFM_ABI
