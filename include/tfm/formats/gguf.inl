// What gguf.hpp declares.
#include <algorithm>
#include <initializer_list>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE GgufType gguf_type(ByteReader& reader, std::string_view key) {
  const auto number = reader.number<std::uint32_t>("a value's type");
  if (number >= gguf_type_count)
    reader.refuse({"key ", in_quotes(key), " has a value of the unknown type ", number});
  return static_cast<GgufType>(number);
}

/// Goes over `count` values of a type and gives their bytes.
TFM_INLINE std::span<const std::byte> gguf_elements(ByteReader& reader, std::string_view key, GgufType type,
                                                std::uint64_t count, int depth) {
  const std::size_t least = type == GgufType::text ? 8 : type == GgufType::array ? 12 : bytes_of(type);
  if (count > reader.left() / least)
    reader.refuse({"cut short or damaged: key ", in_quotes(key), " should have an array of ", count, " ", name(type), ", and ",
                   reader.left(), " bytes are left"});
  if (bytes_of(type) > 0) return reader.bytes(count * bytes_of(type), "an array");
  if (type == GgufType::array && depth >= gguf_deepest_array)
    reader.refuse({"key ", in_quotes(key), " has arrays nested deeper than ", gguf_deepest_array});
  ByteReader all = reader;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (type == GgufType::text) {
      reader.text("a string");
    } else {
      const GgufType inner = gguf_type(reader, key);
      gguf_elements(reader, key, inner, reader.number<std::uint64_t>("an array's length"), depth + 1);
    }
  }
  return all.bytes(reader.position() - all.position(), "an array");
}

TFM_INLINE GgufEntry gguf_entry(ByteReader& reader) {
  GgufEntry entry;
  entry.key = reader.text("a key");
  if (entry.key.size() > gguf_longest_key)
    reader.refuse({"key ", in_quotes(entry.key), " is longer than ", gguf_longest_key, " bytes"});
  entry.type = gguf_type(reader, entry.key);
  if (entry.type == GgufType::text) {
    entry.bytes = bytes_of(reader.text("a string"));
  } else if (entry.type == GgufType::array) {
    entry.element = gguf_type(reader, entry.key);
    entry.count = reader.number<std::uint64_t>("an array's length");
    entry.bytes = gguf_elements(reader, entry.key, entry.element, entry.count, 1);
  } else {
    entry.bytes = reader.bytes(bytes_of(entry.type), "a value");
  }
  return entry;
}

TFM_INLINE GgufCounts gguf_header(ByteReader& reader) {
  const std::string_view letters = text_of(reader.bytes(4, "the magic number"));
  if (letters == "FUGG") reader.refuse("a big-endian GGUF file, which is not supported");
  if (letters != "GGUF") reader.refuse({"no GGUF file: it begins with ", in_quotes(letters), ", expected 'GGUF'"});
  const auto version = reader.number<std::uint32_t>("the version");
  if (version != 0 && (version & 0xffffu) == 0) reader.refuse("a big-endian GGUF file, which is not supported");
  if (version != 2 && version != 3)
    reader.refuse({"GGUF version ", version, ", which is not supported; expected 2 or 3"});
  const auto tensors = reader.number<std::uint64_t>("the number of tensors"),
             keys = reader.number<std::uint64_t>("the number of keys");
  const auto bound = [&](std::uint64_t count, std::uint64_t most, std::uint64_t least_bytes, std::string_view what) {
    if (count > most || count > reader.left() / least_bytes)
      reader.refuse({"found ", count, " ", what, " in the header, expected at most ", std::min(most, reader.left() / least_bytes),
                     " in a file of this size"});
  };
  bound(keys, gguf_most_keys, 13, "keys");
  bound(tensors, TensorStore::most_tensors, 24, "tensors");
  return {tensors, keys};
}

TFM_INLINE std::vector<GgufEntry> gguf_entries(ByteReader& reader, std::uint64_t count) {
  std::vector<GgufEntry> entries;
  entries.reserve(static_cast<std::size_t>(count));
  std::vector<std::string_view> keys;
  for (std::uint64_t i = 0; i < count; ++i) {
    entries.push_back(gguf_entry(reader));
    keys.push_back(entries.back().key);
  }
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice != keys.end()) reader.refuse({"key ", in_quotes(*twice), " is there twice"});
  return entries;
}

TFM_INLINE Index gguf_alignment(const GgufMetadata& metadata) {
  const auto value = metadata.find("general.alignment");
  if (!value) return 32;
  const Index alignment = value->integer(8, 65'536);
  if ((alignment & (alignment - 1)) != 0)
    value->refuse({"found ", alignment, ", expected a power of two"});
  return alignment;
}

TFM_INLINE GgufTensorInfo gguf_tensor_info(ByteReader& reader, Index alignment) {
  GgufTensorInfo info;
  Tensor& tensor = info.tensor;
  tensor.name = reader.text("a tensor's name");
  const auto refuse = [&](std::initializer_list<TextPart> what) { reader.refuse({"tensor ", in_quotes(tensor.name), ": ", joined(what)}); };
  const auto dims = reader.number<std::uint32_t>("a tensor's number of dimensions");
  if (dims > 4) refuse({"found ", dims, " dimensions, expected at most 4"});
  for (std::uint32_t i = 0; i < dims; ++i) {
    const auto dim = reader.number<std::uint64_t>("a tensor's dimension");
    if (dim > PTRDIFF_MAX) refuse({"found a dimension of ", dim, ", which is too large for a file"});
    tensor.shape.push_back(static_cast<Index>(dim));
  }
  const auto number = reader.number<std::uint32_t>("a tensor's type");
  const auto type = gguf_format(number);
  if (!type) refuse({"found the type number ", number, ", which is none of ggml's"});
  tensor.type = *type;
  tensor.type_name = name(*type);
  const Index row = dims == 0 ? 1 : tensor.shape.front();
  if (row % block_size(*type) != 0)
    refuse({"found rows of ", row, " values, expected a multiple of ", block_size(*type), " for ", tensor.type_name});
  std::reverse(tensor.shape.begin(), tensor.shape.end());  // ggml counts from the innermost dimension
  const auto bytes = bytes_of(*type, tensor.shape);
  if (!bytes) refuse({"the sizes ", shape_text(tensor.shape), " are too large for a file"});
  info.bytes = *bytes;
  info.offset = reader.number<std::uint64_t>("a tensor's offset");
  if (info.offset % static_cast<std::uint64_t>(alignment) != 0)
    refuse({"found the offset ", info.offset, ", expected a multiple of ", alignment});
  return info;
}

/// Gives each tensor its bytes in `data`, and refuses those that lie outside or over each other.
TFM_INLINE std::vector<Tensor> gguf_place(std::vector<GgufTensorInfo> infos, std::span<const std::byte> data,
                                      const ByteReader& reader) {
  for (auto& [tensor, offset, bytes] : infos) {
    if (offset > data.size() || static_cast<std::uint64_t>(bytes) > data.size() - offset)
      reader.refuse({"cut short or damaged: tensor ", in_quotes(tensor.name), " should have ", bytes, " bytes from byte ", offset,
                     " of the data, which has ", data.size()});
    tensor.bytes = data.subspan(static_cast<std::size_t>(offset), to_size(bytes));
  }
  std::vector<Extent> order;
  for (std::uint32_t i = 0; i < infos.size(); ++i)
    if (infos[i].bytes > 0) order.push_back({infos[i].offset, static_cast<std::uint64_t>(infos[i].bytes), i});
  sort(order);
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Extent &before = order[i - 1], &after = order[i];
    if (after.begin - before.begin < before.size)
      reader.refuse({"tensors ", in_quotes(infos[before.index].tensor.name), " and ", in_quotes(infos[after.index].tensor.name),
                     " lie over each other"});
  }
  std::vector<Tensor> tensors;
  tensors.reserve(infos.size());
  for (auto& info : infos) tensors.push_back(std::move(info.tensor));
  return tensors;
}

}  // namespace detail

TFM_INLINE Gguf read_gguf(TensorSource source) {
  ByteReader reader(source.bytes, source.file);
  const auto counts = detail::gguf_header(reader);
  GgufMetadata metadata(detail::GgufTable{source, detail::gguf_entries(reader, counts.keys)});
  const Index alignment = detail::gguf_alignment(metadata);
  std::vector<detail::GgufTensorInfo> infos;
  infos.reserve(static_cast<std::size_t>(counts.tensors));
  for (std::uint64_t i = 0; i < counts.tensors; ++i) infos.push_back(detail::gguf_tensor_info(reader, alignment));
  const auto start = std::min(to_size(round_up(static_cast<Index>(reader.position()), alignment)), source.bytes.size());
  auto tensors = detail::gguf_place(std::move(infos), source.bytes.subspan(start), reader);
  return {std::move(metadata), TensorStore(std::move(source), std::move(tensors))};
}

TFM_INLINE Gguf read_gguf(const std::filesystem::path& path) {
  Gguf given = read_gguf(TensorSource::mapped(path));
  const detail::GgufPart part = detail::gguf_part(given.metadata);
  if (part.count == 1) return given;
  const GgufMetadata of = given.metadata;
  GgufMetadata first;
  std::vector<TensorStore> parts;
  Index tensors = 0;
  for (Index i = 0; i < part.count; ++i) {
    const std::filesystem::path at = detail::gguf_part_path(path, of, i);
    Gguf next = i == part.number ? std::move(given) : read_gguf(TensorSource::mapped(at));
    detail::require_part(next.metadata, {i, part.count});
    tensors += static_cast<Index>(next.tensors.tensors().size());
    if (i == 0) first = std::move(next.metadata);
    parts.push_back(std::move(next.tensors));
  }
  std::string name = first.file();
  Gguf whole{std::move(first), TensorStore::merge(std::move(parts), std::move(name))};
  if (const auto all = whole.metadata.find("split.tensors.count"); all && all->integer() != tensors)
    all->refuse({"found ", all->found(), ", and the ", part.count, " parts of the model have ", tensors, " tensors"});
  return whole;
}

TFM_INLINE Gguf read_gguf(std::span<const std::byte> bytes, std::string file) {
  return read_gguf(TensorSource::borrowed(bytes, std::move(file)));
}

TFM_INLINE GgufMetadata read_gguf_metadata(TensorSource source) {
  ByteReader reader(source.bytes, source.file);
  auto entries = detail::gguf_entries(reader, detail::gguf_header(reader).keys);
  return GgufMetadata(detail::GgufTable{std::move(source), std::move(entries)});
}

TFM_INLINE GgufMetadata read_gguf_metadata(const std::filesystem::path& path) {
  GgufMetadata metadata = read_gguf_metadata(TensorSource::mapped(path));
  const detail::GgufPart part = detail::gguf_part(metadata);
  if (part.number == 0) return metadata;
  GgufMetadata first = read_gguf_metadata(TensorSource::mapped(detail::gguf_part_path(path, metadata, 0)));
  detail::require_part(first, {0, part.count});
  return first;
}

TFM_INLINE GgufMetadata read_gguf_metadata(std::span<const std::byte> bytes, std::string file) {
  return read_gguf_metadata(TensorSource::borrowed(bytes, std::move(file)));
}

}  // namespace tfm::inline TFM_ABI
