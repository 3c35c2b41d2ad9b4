// What torch_tensors.hpp declares.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void TorchTensors::refuse(const Tensor& tensor, const std::string& what) const {
  fail(source_.file, "tensor " + in_quotes(tensor.name) + ": " + what);
}

TFM_INLINE std::vector<Index> TorchTensors::sizes(const Tensor& tensor, PickleValue tuple, const char* what) const {
  const auto& items = pickle_.items(tuple);
  if (items.size() > most_dims)
    refuse(tensor, std::to_string(items.size()) + " " + what + ", expected at most " + std::to_string(most_dims));
  std::vector<Index> found;
  for (const PickleValue item : items) {
    if (!item.is(PickleKind::integer) || item.integer() < 0)
      refuse(tensor, std::string("one of its ") + what + " is " +
                         (item.is(PickleKind::integer) ? std::to_string(item.integer()) : std::string(name(item.kind))) +
                         ", expected numbers of at least 0");
    found.push_back(item.integer());
  }
  return found;
}

TFM_INLINE std::span<const std::byte> TorchTensors::bytes_of_storage(const Tensor& tensor, const PickleStorage& storage) const {
  const auto bytes = storage_(storage);
  Index expected;
  if (__builtin_mul_overflow(storage.size, storage.type->bytes(), &expected) ||
      expected != static_cast<Index>(bytes.size()))
    refuse(tensor, "its storage " + in_quotes(storage.key) + " has " + std::to_string(bytes.size()) +
                       " bytes, expected those of " + std::to_string(storage.size) + " values of " +
                       std::string(storage.type->type_name()));
  return bytes;
}

TFM_INLINE void TorchTensors::add(std::string_view name, const PickleTensor& pickled) {
  const PickleStorage& storage = pickle_.storage(pickled.storage);
  Tensor tensor;
  tensor.name = name;
  tensor.type = storage.type->type;
  tensor.type_name = storage.type->type_name();
  tensor.shape = sizes(tensor, pickled.shape, "sizes");
  const std::vector<Index> strides = sizes(tensor, pickled.strides, "strides");
  const Index offset = pickled.offset.integer();
  if (strides.size() != tensor.shape.size())
    refuse(tensor, std::to_string(strides.size()) + " strides for the shape " + shape_text(tensor.shape));
  const auto bytes = bytes_of_storage(tensor, storage);

  bool empty = false, contiguous = true, fits = offset >= 0 && offset <= storage.size;
  Index values = 1, last = offset, length = 0;
  const Index item = storage.type->bytes();
  for (const Index size : tensor.shape) empty = empty || size == 0;
  for (std::size_t i = tensor.shape.size(); !empty && i-- > 0;) {
    const Index size = tensor.shape[i];
    Index reach;
    if (size > 1) contiguous = contiguous && strides[i] == values;
    fits = fits && !__builtin_mul_overflow(size - 1, strides[i], &reach) && !__builtin_add_overflow(last, reach, &last) &&
           !__builtin_mul_overflow(values, size, &values);
  }
  if (!empty) fits = fits && last < storage.size && !__builtin_mul_overflow(values, item, &length);
  if (!fits)
    refuse(tensor, "the shape " + shape_text(tensor.shape) + " with strides " + shape_text(strides) + " from " +
                       std::to_string(offset) + " on does not lie in its storage of " + std::to_string(storage.size) +
                       " values");
  if (length > room_)  // views may name the same bytes again and again; tied weights need twice the file at most
    refuse(tensor, "with it, views of shared storages are more than twice the file's " +
                       std::to_string(source_.bytes.size()) + " bytes");
  room_ -= length;
  if (empty) return in_place_.push_back(std::move(tensor));
  if (contiguous) {
    tensor.bytes = bytes.subspan(to_size(offset * item), to_size(length));
    return in_place_.push_back(std::move(tensor));
  }
  tensor.bytes = {bytes.data(), to_size(length)};  // until it is copied: where the storage is, and how much will be written
  strided_.emplace_back(copied_.size(), &pickled);
  copied_.push_back(std::move(tensor));
  copies_ += length;
}

TFM_INLINE void TorchTensors::copy_strided(const std::byte* storage, Index item, Index offset, std::span<const Index> shape,
                         std::span<const Index> strides, std::byte* out) {
  std::array<Index, most_dims> at{};
  const std::size_t inner = shape.size() - 1;
  for (;;) {
    Index from = offset;
    for (std::size_t i = 0; i < inner; ++i) from += at[i] * strides[i];
    for (Index k = 0; k < shape[inner]; ++k, out += item)
      std::memcpy(out, storage + (from + k * strides[inner]) * item, to_size(item));
    std::size_t i = inner;
    while (i > 0 && ++at[i - 1] == shape[i - 1]) at[--i] = 0;
    if (i == 0) return;
  }
}

TFM_INLINE TorchTensors::TorchTensors(const Pickle& pickle, TensorSource source,
             std::function<std::span<const std::byte>(const PickleStorage&)> storage) : pickle_(pickle), source_(std::move(source)), storage_(std::move(storage)),
      room_(2 * static_cast<Index>(source_.bytes.size()) + MiB) {}

TFM_INLINE TensorStore TorchTensors::read() && {
  const auto entries = find_tensors();
  for (const auto& [name, tensor] : entries) add(name, *tensor);

  const auto copies = std::make_shared<std::vector<std::byte>>(to_size(copies_));
  Index at = 0;
  for (const auto& [index, pickled] : strided_) {
    Tensor& tensor = copied_[index];
    std::byte* const out = copies->data() + at;
    const Index item = pickle_.storage(pickled->storage).type->bytes();
    copy_strided(tensor.bytes.data(), item, pickled->offset.integer(), tensor.shape,
                 sizes(tensor, pickled->strides, "strides"), out);
    at += static_cast<Index>(tensor.bytes.size());
    tensor.bytes = {out, tensor.bytes.size()};
  }
  std::vector<TensorStore> parts;
  const std::string file = source_.file;
  parts.emplace_back(std::move(source_), std::move(in_place_));
  if (!copied_.empty())
    parts.emplace_back(TensorSource::borrowed(*copies, file, copies), std::move(copied_));
  return TensorStore::merge(std::move(parts), file);
}

TFM_INLINE std::vector<std::pair<std::string_view, const PickleTensor*>> TorchTensors::find_tensors() const {
  const auto refuse_file = [&](const std::string& what) { fail(source_.file, what); };
  PickleValue root = pickle_.root;
  if (!root.is(PickleKind::dict))
    refuse_file("the pickle holds " + std::string(name(root.kind)) + ", expected a dictionary of tensors");
  const auto is_tensor = [](PickleValue value) { return value.is(PickleKind::tensor); };
  if (const auto& all = pickle_.items(root); std::none_of(all.begin(), all.end(), is_tensor))
    if (const auto inner = pickle_.find(root, "state_dict"); inner && inner->is(PickleKind::dict)) root = *inner;

  std::vector<std::pair<std::string_view, const PickleTensor*>> found;
  const auto& items = pickle_.items(root);
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (!is_tensor(items[i + 1])) continue;
    if (!items[i].is(PickleKind::text))
      refuse_file("a tensor's name is " + std::string(name(items[i].kind)) + ", expected a string");
    found.emplace_back(pickle_.text(items[i]), &pickle_.tensor(items[i + 1]));
  }
  if (found.empty()) refuse_file("the dictionary holds no tensor");
  if (static_cast<Index>(found.size()) > TensorStore::most_tensors)
    refuse_file("more than " + std::to_string(TensorStore::most_tensors) + " tensors");
  std::vector<std::string_view> names;  // held against each other before any is copied
  for (const auto& entry : found) names.push_back(entry.first);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) refuse_file("tensor " + in_quotes(*twice) + " is there twice");
  return found;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
