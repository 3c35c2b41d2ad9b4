// What safetensors.hpp declares.
#include <cstring>
#include <utility>
#include <vector>

namespace tfm::inline TFM_ABI {

namespace detail {

/// The type that safetensors calls `name`, if it has such a one.
TFM_INLINE std::optional<DataType> safetensors_type(std::string_view name) noexcept {
  for (int i = 0; i < stored_format_count; ++i)
    if (const auto type = static_cast<DataType>(i); in_safetensors(type) && tfm::name(type) == name) return type;
  return std::nullopt;
}

/// One entry of the header: everything but where its bytes are in memory.
TFM_INLINE Tensor safetensors_entry(const Json& entry, std::span<const std::byte> data) {
  Tensor tensor;
  tensor.name = entry.key();
  const Json dtype = entry.at("dtype");
  const auto known = safetensors_type(dtype.text());
  if (!known) dtype.refuse({"found ", dtype.found(), ", which is not a type of safetensors"});
  tensor.type = *known;
  tensor.type_name = name(*known);

  const Json shape = entry.at("shape");
  tensor.shape.reserve(to_size(shape.size()));
  Index bits = safetensors_bits(*known);
  bool empty = false;
  for (const Json dim : shape.elements()) {
    tensor.shape.push_back(dim.integer(0));
    empty = empty || tensor.shape.back() == 0;
  }
  if (empty) bits = 0;
  for (const Index dim : tensor.shape)
    if (!empty && __builtin_mul_overflow(bits, dim, &bits))
      shape.refuse({"the sizes ", shape_text(tensor.shape), " are too large for a file"});
  if (bits % 8 != 0)
    shape.refuse({shape_text(tensor.shape), " of ", tensor.type_name, " is no whole number of bytes"});

  const Json offsets = entry.at("data_offsets");
  if (offsets.elements(), offsets.size() != 2)
    offsets.refuse({"found ", offsets.size(), " numbers, expected begin and end"});
  const auto begin_and_end = offsets.elements();
  auto number = begin_and_end.begin();
  const Index begin = (*number).integer(0), end = (*++number).integer(0);
  if (begin > end || end > static_cast<Index>(data.size()))
    offsets.refuse({"found ", begin, " to ", end, ", expected a part of the ", data.size(), " bytes of data"});
  if (end - begin != bits / 8)
    offsets.refuse({"found ", end - begin, " bytes, expected ", bits / 8, " for ", shape_text(tensor.shape), " of ", tensor.type_name});
  tensor.bytes = data.subspan(to_size(begin), to_size(end - begin));
  return tensor;
}

}  // namespace detail

TFM_INLINE TensorStore read_safetensors(TensorSource source) {
  constexpr std::size_t longest_header = 100'000'000;            // the format's own limit
  constexpr JsonLimits limits{.depth = 8, .values = 1'500'000};  // seven values a tensor, and the sizes of its shape
  constexpr Index most_metadata = 65'536;
  const auto bytes = source.bytes;
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length)
    detail::fail(source.file, {"found ", bytes.size(), " bytes, expected at least the 8 of a safetensors header's length"});
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > longest_header || length > bytes.size() - sizeof length)
    detail::fail(source.file, {"no safetensors file, or cut short: its header should have ", length, " bytes, and the file has ",
                               bytes.size()});
  const std::string_view header = text_of(bytes.subspan(sizeof length, static_cast<std::size_t>(length)));
  if (header.empty() || header.front() != '{')
    detail::fail(source.file, "the safetensors header does not begin with '{'");
  const auto data = bytes.subspan(sizeof length + header.size());

  const JsonDocument document(header, source.file, limits);
  const Json root = document.root();
  if (root.size() > TensorStore::most_tensors)
    detail::fail(source.file, {"more than ", TensorStore::most_tensors, " tensors"});
  std::vector<Tensor> unordered;
  unordered.reserve(to_size(root.size()));
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const Json entry : root.members()) {
    if (entry.key() != "__metadata__") {
      unordered.push_back(detail::safetensors_entry(entry, data));
      continue;
    }
    const auto items = entry.members();
    if (entry.size() > most_metadata)
      entry.refuse({"found ", entry.size(), " texts, expected at most ", most_metadata});
    for (const Json item : items) metadata.emplace_back(item.key(), item.text());
  }

  std::vector<detail::Extent> order;
  for (const Tensor& t : unordered)
    order.push_back({static_cast<std::uint64_t>(t.bytes.data() - data.data()), t.bytes.size(), static_cast<std::uint32_t>(order.size())});
  detail::sort(order);
  std::uint64_t at = 0;
  std::vector<Tensor> tensors;
  tensors.reserve(order.size());
  for (const detail::Extent& extent : order) {
    tensors.push_back(std::move(unordered[extent.index]));
    if (extent.begin != at)
      detail::fail(source.file, {"tensor ", in_quotes(tensors.back().name), " begins at byte ", extent.begin, " of the data, expected ",
                                 at, ", where the one before it ends"});
    at += extent.size;
  }
  if (at != data.size())
    detail::fail(source.file, {"found ", data.size(), " bytes of data, expected ", at, ", where the last tensor ends"});
  return {std::move(source), std::move(tensors), std::move(metadata)};
}

TFM_INLINE TensorStore read_safetensors(const std::filesystem::path& path) {
  return read_safetensors(TensorSource::mapped(path));
}

TFM_INLINE TensorStore read_safetensors(std::span<const std::byte> bytes, std::string file) {
  return read_safetensors(TensorSource::borrowed(bytes, std::move(file)));
}

TFM_INLINE TensorStore read_safetensors_folder(const std::filesystem::path& folder, std::string_view stem) {
  const auto single = folder / (std::string(stem) + ".safetensors");
  const auto index = folder / (std::string(stem) + ".safetensors.index.json");
  std::error_code unreadable;
  if (!std::filesystem::exists(single, unreadable) && std::filesystem::exists(index, unreadable))
    return read_tensor_index(index, [](const std::filesystem::path& file) { return read_safetensors(file); });
  return read_safetensors(single);
}

}  // namespace tfm::inline TFM_ABI
