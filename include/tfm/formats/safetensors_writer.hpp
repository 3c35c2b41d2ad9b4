#pragma once
// Writing safetensors files.
#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/formats/safetensors.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// The bytes of a tensor's shape; `found`: how many there are, which is checked.
Index safetensors_bytes(const Tensor& tensor, Index found);

/// `given`: whether the tensors' bytes are there already, so that they can be checked before anything is written.
template <class F>
void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors, std::vector<std::pair<std::string, std::string>> metadata,
                       bool given, F&& bytes) {
  struct Item {
    const Tensor* tensor;
    Index bits, size;
  };
  std::vector<Item> items;
  for (const Tensor& tensor : tensors)
    items.push_back({&tensor, safetensors_bits(tensor.type), safetensors_bytes(tensor, given ? static_cast<Index>(tensor.bytes.size()) : -1)});

  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return a.bits != b.bits ? a.bits > b.bits : a.tensor->name < b.tensor->name;
  });
  std::sort(metadata.begin(), metadata.end());

  JsonWriter json;
  json.begin_object(JsonLayout::compact);
  if (!metadata.empty()) {
    json.key("__metadata__").begin_object(JsonLayout::compact);
    for (const auto& [name, value] : metadata) json.member(name, value);
    json.end();
  }
  Index at = 0;
  for (const auto& [tensor, bits, size] : items) {
    json.key(tensor->name).begin_object(JsonLayout::compact).member("dtype", name(tensor->type));
    json.key("shape").begin_array(JsonLayout::compact);
    for (const Index dim : tensor->shape) json.value(dim);
    json.end().key("data_offsets").begin_array(JsonLayout::compact).value(at).value(at + size).end().end();
    at += size;
  }
  std::string header = json.end().text();
  header.append(to_size(round_up(static_cast<Index>(header.size()), 8)) - header.size(), ' ');
  {  // what is written must be what can be read: names that are there twice are found by the reader's own check
    std::vector<Tensor> named(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) named[i].name = items[i].tensor->name;
    TensorStore(TensorSource::borrowed({}, path.string()), std::move(named));
  }

  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(std::as_bytes(std::span<const std::uint64_t>(&length, 1)));
  file.write(header);
  for (const auto& [tensor, bits, size] : items) {
    const std::span<const std::byte> written = bytes(*tensor);
    if (static_cast<Index>(written.size()) != size) safetensors_bytes(*tensor, static_cast<Index>(written.size()));
    file.write(written);
  }
  file.commit();
}

}  // namespace detail

/// Writes the file at `path`, whole or not at all. The order is the format's usual one (wide types first, then by
/// name), so that every tensor is aligned to its type and the same tensors give the same bytes; the data begin at a
/// multiple of 8. Throws LoadError for a type or a name that the format cannot hold, a name that is there twice, and
/// where the file cannot be written.
void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                              std::vector<std::pair<std::string, std::string>> metadata = {});
/// The same of tensors that are made one by one: `bytes(tensor)` gives a tensor's when it is its turn, and they are used until
/// the next call.
template <class F>
  requires std::convertible_to<std::invoke_result_t<F&, const Tensor&>, std::span<const std::byte>>
void write_safetensors(const std::filesystem::path& path, std::span<const Tensor> tensors,
                       std::vector<std::pair<std::string, std::string>> metadata, F&& bytes) {
  detail::write_safetensors(path, tensors, std::move(metadata), false, bytes);
}

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/safetensors_writer.inl"
#endif
