// What weight_source.hpp declares.
#include <cstring>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

/// "F32, BF16, …": what files of a convention may have for a weight, scales beside it apart.
TFM_INLINE std::string weight_format_names(Convention convention) {
  return format_names([convention](Format format) {
    return !has_row_scales(format) && (convention == Convention::gguf ? gguf_number(format) >= 0 : in_safetensors(format));
  });
}

/// What to do about a weight of a type that nothing computes with.
TFM_INLINE std::string_view made_anew(DataType type) {
  const bool quantised = gguf_number(type) >= 0 && block_size(type) > 1;
  return quantised ? "; llama-quantize makes a file of such types, as Q4_K_M has, out of the model's F16 or BF16 one" : "";
}

TFM_INLINE std::string beside(std::string_view weight, std::string_view suffix) {
  constexpr std::string_view end = ".weight";
  return std::string(weight.ends_with(end) ? weight.substr(0, weight.size() - end.size()) : weight) + std::string(suffix);
}

}  // namespace detail

TFM_INLINE void WeightSource::read_scales(const Tensor& tensor) {
  const Tensor* const absmax = store_.find(detail::beside(tensor.name, ".SCB"));
  if (absmax == nullptr || tensor.shape.size() != 2 || convention_ == Convention::gguf)
    raise(LoadError(where(tensor) + " is of type " + tensor.type_name + ", expected " + detail::weight_format_names(convention_) + ", or '" +
                    detail::beside(tensor.name, ".SCB") + "' beside a matrix of int8"));
  if (!absmax->holds<float>() || absmax->shape != std::vector<Index>{tensor.shape[0]})
    raise(ShapeError(where(*absmax) + " is " + absmax->type_name + " " + shape_text(absmax->shape) + ", expected F32 [" +
                     std::to_string(tensor.shape[0]) + "]"));
  if (const Tensor* const order = store_.find(detail::beside(tensor.name, ".weight_format"))) {
    if (!order->holds<std::uint8_t>() || order->bytes.size() != 1 || order->bytes[0] != std::byte{0})
      raise(LoadError(where(*order) + " is not one byte 0, which says that the matrix is row by row; other orders are not supported"));
    mark_used(*order);
  }
  std::vector<float> scales(absmax->bytes.size() / sizeof(float));
  std::memcpy(scales.data(), absmax->bytes.data(), absmax->bytes.size());
  for (float& scale : scales) {
    if (!(scale >= 0 && scale < 1e38f))
      raise(LoadError(where(*absmax) + " holds " + number_text(static_cast<double>(scale)) + ", expected finite numbers, none below 0"));
    scale /= 127.f;
  }
  scales_[&tensor] = std::move(scales);
  mark_used(*absmax);
}

TFM_INLINE std::string WeightSource::stored_name(std::string_view name) const {
  std::string stored = stored_weight_name(family_, convention_, name);
  constexpr std::string_view model = "model.";
  if (convention_ == Convention::hugging_face_base && stored.starts_with(model)) stored.erase(0, model.size());
  if (convention_ == Convention::hugging_face_text) stored.insert(0, "language_model.");
  if (convention_ == Convention::hugging_face_language && stored.starts_with(model)) stored.insert(model.size(), "language_model.");
  return stored;
}

TFM_INLINE std::string WeightSource::where(const Tensor& tensor) const {
  return "tfm: " + store_.file_of(tensor) + ": tensor " + in_quotes(tensor.name);
}

TFM_INLINE void WeightSource::expect(const std::string& name, const WeightInfo& weight) {
  std::string stored = stored_name(name);
  Index& rows = expected_[stored];
  parts_[name] = {std::move(stored), rows, weight.rotary_heads};
  rows += weight.is_vector() ? weight.cols : weight.rows;
}

TFM_INLINE const Tensor& WeightSource::at(std::string_view name, const WeightInfo& weight) {
  const Part& part = parts_.find(name)->second;
  if (convention_ == Convention::hugging_face_base && weight.role == WeightRole::output && store_.find(part.stored) == nullptr)
    detail::fail(store_.file(), {"tensor ", in_quotes(part.stored), " is missing: these are the tensors of a model without its output; save the "
                                 "one for causal language modelling, or, where the output is the embedding, say \"tie_word_embeddings\": true in config.json"});
  const Tensor& tensor = store_.at(part.stored);
  const Index rows = expected_.find(part.stored)->second;
  const auto shape = weight.is_vector() ? std::vector<Index>{rows} : std::vector<Index>{rows, weight.cols};
  if (tensor.shape != shape)
    raise<ShapeError>({where(tensor), " has shape ", shape_text(tensor.shape), ", expected ", shape_text(shape)});
  const auto format = weight_format(tensor.type);
  if (!format) raise<LoadError>({where(tensor), " is of type ", tensor.type_name, ", expected ", detail::weight_format_names(convention_), detail::made_anew(tensor.type)});
  if (has_row_scales(*format)) read_scales(tensor);
  if (weight.is_vector() && block_size(*format) != 1 && (weight.cols != rows || weight.rotary_heads != 0))
    raise<LoadError>({where(tensor), " is of type ", tensor.type_name, ", expected F32, F16 or BF16: its values are taken one by one"});
  mark_used(tensor);
  return tensor;
}

TFM_INLINE Tensor WeightSource::part(std::string_view name, const WeightInfo& weight) const {
  const Part& part = parts_.find(name)->second;
  Tensor own = *store_.find(part.stored);
  const auto format = *weight_format(own.type);
  const auto at = [&](Index n) { return to_size(weight.is_vector() ? n / block_size(format) * block_bytes(format) : n * row_bytes(format, weight.cols)); };
  own.bytes = own.bytes.subspan(at(part.first), at(weight.is_vector() ? weight.cols : weight.rows));
  own.shape.front() = weight.is_vector() ? weight.cols : weight.rows;
  return own;
}

TFM_INLINE FileRows WeightSource::rows(std::string_view name, const WeightInfo& weight) const {
  const Part& place = parts_.find(name)->second;
  const Tensor& tensor = *store_.find(place.stored);
  const auto scales = scales_.find(&tensor);
  const Index sorted = convention_ == Convention::gguf && family_.neighbours_in_gguf ? place.rotary_heads : 0;
  const bool turned = weight.is_vector() && sorted > 0;
  return {*weight_format(tensor.type),
          part(name, weight).bytes.data(),
          turned ? weight.cols : weight.rows,
          turned ? 1 : weight.cols,
          scales == scales_.end() ? nullptr : scales->second.data() + place.first,
          sorted};
}

TFM_INLINE void WeightSource::add_places(Sha256& hash) const {
  hash.add_number(static_cast<Index>(convention_)).add_text(family_.name);
  for (const auto& [name, part] : parts_) hash.add_text(name).add_text(part.stored).add_number(part.first).add_number(part.rotary_heads);
}

TFM_INLINE void WeightSource::leave_out_pictures() {
  if (convention_ != Convention::hugging_face_text && convention_ != Convention::hugging_face_language) return;
  for (const Tensor& tensor : store_.tensors())
    for (const std::string_view part : {"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector."})
      if (tensor.name.starts_with(part)) mark_used(tensor);
}

TFM_INLINE void WeightSource::refuse_unused() const {
  for (const Tensor& tensor : store_.tensors())
    if (!used_.contains(&tensor))
      raise<LoadError>({where(tensor), " (", tensor.type_name, " ", shape_text(tensor.shape),
                        ") has no place in a ", family_.name, " model of this shape, expected none such"});
}

}  // namespace tfm::inline TFM_ABI
