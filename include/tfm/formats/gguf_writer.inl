// What gguf_writer.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void GgufWriter::append_text(std::string& out, std::string_view text) {
  append(out, std::uint64_t{text.size()});
  out += text;
}

TFM_INLINE void GgufWriter::set_stored(std::string_view key, std::string value) {
  for (auto& [other, old] : keys_)
    if (other == key) return void(old = std::move(value));
  keys_.emplace_back(key, std::move(value));
}

TFM_INLINE void GgufWriter::set(const GgufValue& value) {
  if (value.key() == "general.alignment") return;
  std::string out;
  append(out, number(value.type()));
  if (value.type() == GgufType::text) append(out, std::uint64_t{value.stored().size()});
  if (value.type() == GgufType::array) append(out, number(value.element_type())), append(out, static_cast<std::uint64_t>(value.count()));
  set_stored(value.key(), out.append(text_of(value.stored())));
}

TFM_INLINE auto GgufWriter::item(std::string name, DataType type, std::vector<Index> shape) const -> Item {
  const auto refuse = [&](const std::string& what) {
    raise(LoadError("tfm: cannot write tensor " + in_quotes(name) + " as GGUF: " + what));
  };
  if (gguf_number(type) < 0) refuse("the format has no type " + std::string(tfm::name(type)));
  if (shape.size() > 4) refuse("found " + std::to_string(shape.size()) + " dimensions, expected at most 4");
  for (const Index dim : shape)
    if (dim < 0) refuse("found the shape " + shape_text(shape));
  const Index row = shape.empty() ? 1 : shape.back();
  if (row % block_size(type) != 0)
    refuse("found rows of " + std::to_string(row) + " values, expected a multiple of " +
           std::to_string(block_size(type)) + " for " + std::string(tfm::name(type)));
  const auto bytes = bytes_of(type, shape);
  if (!bytes) refuse("the sizes " + shape_text(shape) + " are too large for a file");
  for (const auto& other : items_)
    if (other.name == name) refuse("a tensor of this name is there already");
  return {std::move(name), type, std::move(shape), *bytes, {}, {}};
}

TFM_INLINE std::string GgufWriter::head() const {
  std::string out = "GGUF";
  append(out, std::uint32_t{3});
  append(out, std::uint64_t{items_.size()});
  append(out, std::uint64_t{keys_.size()});
  for (const auto& [key, value] : keys_) append_text(out, key), out += value;
  std::uint64_t offset = 0;
  for (const auto& item : items_) {
    append_text(out, item.name);
    append(out, static_cast<std::uint32_t>(item.shape.size()));
    for (auto dim = item.shape.rbegin(); dim != item.shape.rend(); ++dim)
      append(out, static_cast<std::uint64_t>(*dim));
    append(out, static_cast<std::uint32_t>(gguf_number(item.type)));
    append(out, offset);
    offset += static_cast<std::uint64_t>(round_up(item.bytes, alignment_));
  }
  return out.append(padding(static_cast<Index>(out.size())), '\0');
}

TFM_INLINE GgufWriter::GgufWriter(Index alignment) : alignment_(alignment) {
  if (alignment < 8 || alignment > 65'536 || (alignment & (alignment - 1)) != 0)
    raise(OptionError("tfm: found a GGUF alignment of " + std::to_string(alignment) +
                      ", expected a power of two from 8 to 65536"));
  if (alignment != 32) set("general.alignment", static_cast<std::uint32_t>(alignment));
}

TFM_INLINE void GgufWriter::add(const Tensor& tensor) {
  Item added = item(tensor.name, tensor.type, tensor.shape);
  if (added.bytes != static_cast<Index>(tensor.bytes.size()))
    raise(LoadError("tfm: cannot write tensor " + in_quotes(tensor.name) + " as GGUF: found " +
                    std::to_string(tensor.bytes.size()) + " bytes, expected " + std::to_string(added.bytes) +
                    " for " + shape_text(tensor.shape) + " of " + std::string(tfm::name(added.type))));
  added.data = tensor.bytes;
  items_.push_back(std::move(added));
}

TFM_INLINE void GgufWriter::add(std::string name, DataType type, std::vector<Index> shape, std::function<void(std::span<std::byte>)> fill) {
  Item added = item(std::move(name), type, std::move(shape));
  added.fill = std::move(fill);
  items_.push_back(std::move(added));
}

TFM_INLINE void GgufWriter::write(const std::filesystem::path& path) const {
  AtomicFile file(path);
  write_to([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

TFM_INLINE std::vector<std::byte> GgufWriter::bytes() const {
  std::vector<std::byte> out;
  write_to([&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  return out;
}

}  // namespace tfm::inline TFM_ABI
