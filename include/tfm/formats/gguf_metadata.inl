// What gguf_metadata.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void GgufValue::unexpected(std::string_view expected) const {
  refuse({"found ", found(), ", expected ", expected});
}

TFM_INLINE std::optional<Index> GgufValue::integer_at(GgufType type, std::size_t index) const noexcept {
  switch (type) {
    case GgufType::u8: return read<std::uint8_t>(index);
    case GgufType::i8: return read<std::int8_t>(index);
    case GgufType::u16: return read<std::uint16_t>(index);
    case GgufType::i16: return read<std::int16_t>(index);
    case GgufType::u32: return read<std::uint32_t>(index);
    case GgufType::i32: return read<std::int32_t>(index);
    case GgufType::i64: return read<std::int64_t>(index);
    default: break;
  }
  const auto wide = read<std::uint64_t>(index);
  return wide <= PTRDIFF_MAX ? std::optional(static_cast<Index>(wide)) : std::nullopt;
}

TFM_INLINE void GgufValue::refuse(std::initializer_list<TextPart> what) const {
  detail::fail(table_->source.file, {"key ", in_quotes(key()), ": ", joined(what)});
}

TFM_INLINE std::string GgufValue::found() const {
  switch (type()) {
    case GgufType::text: return joined({"the string ", in_quotes(text())});
    case GgufType::array:
      return joined({"an array of ", entry_->count, " ", name(entry_->element)});
    case GgufType::f32: return joined({"f32 ", number_text(static_cast<double>(read<float>()))});
    case GgufType::f64: return joined({"f64 ", number_text(read<double>())});
    case GgufType::boolean: return joined({"boolean ", read<std::uint8_t>()});
    case GgufType::u64: return joined({"u64 ", read<std::uint64_t>()});
    default: return joined({name(type()), " ", *integer_at(type(), 0)});
  }
}

TFM_INLINE std::string_view GgufValue::text() const {
  if (type() != GgufType::text) unexpected("a string");
  return text_of(entry_->bytes);
}

TFM_INLINE bool GgufValue::boolean() const {
  if (type() != GgufType::boolean) unexpected("a boolean");
  if (read<std::uint8_t>() > 1) unexpected("0 or 1");
  return read<std::uint8_t>() != 0;
}

TFM_INLINE Index GgufValue::integer(Index least, Index most) const {
  if (!is_integer(type())) unexpected("an integer");
  const auto value = integer_at(type(), 0);
  if (!value || *value < least || *value > most) unexpected("an integer from " + range(least, most));
  return *value;
}

TFM_INLINE double GgufValue::number() const {
  if (type() == GgufType::f32) return static_cast<double>(read<float>());
  if (type() == GgufType::f64) return read<double>();
  if (!is_integer(type())) unexpected("a number");
  return type() == GgufType::u64 ? static_cast<double>(read<std::uint64_t>())
                                 : static_cast<double>(*integer_at(type(), 0));
}

TFM_INLINE std::vector<std::string_view> GgufValue::texts() const {
  std::vector<std::string_view> all;
  if (is_array_of(GgufType::text)) all.reserve(static_cast<std::size_t>(entry_->count));
  each_text([&](std::string_view text) { all.push_back(text); });
  return all;
}

TFM_INLINE std::vector<std::int32_t> GgufValue::integers(std::int32_t least, std::int32_t most) const {
  if (type() != GgufType::array || !is_integer(entry_->element)) unexpected("an array of integers");
  std::vector<std::int32_t> all(static_cast<std::size_t>(entry_->count));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto value = integer_at(entry_->element, i);
    if (!value || *value < least || *value > most)
      refuse({"found ", value ? std::to_string(*value) : std::to_string(read<std::uint64_t>(i)), " at place ", i,
              ", expected integers from ", range(least, most)});
    all[i] = static_cast<std::int32_t>(*value);
  }
  return all;
}

TFM_INLINE std::vector<float> GgufValue::numbers() const {
  if (!is_array_of(GgufType::f32) && !is_array_of(GgufType::f64)) unexpected("an array of floats");
  std::vector<float> all(static_cast<std::size_t>(entry_->count));
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = entry_->element == GgufType::f32 ? read<float>(i) : static_cast<float>(read<double>(i));
  return all;
}

TFM_INLINE std::vector<bool> GgufValue::booleans() const {
  if (!is_array_of(GgufType::boolean)) unexpected("an array of booleans");
  std::vector<bool> all(static_cast<std::size_t>(entry_->count));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = read<std::uint8_t>(i) != 0;
  return all;
}

TFM_INLINE std::span<const std::byte> GgufValue::bytes() const {
  if (!is_array_of(GgufType::u8) && !is_array_of(GgufType::i8)) unexpected("an array of bytes");
  return entry_->bytes;
}

TFM_INLINE std::optional<GgufValue> GgufMetadata::find(std::string_view key) const noexcept {
  for (const auto& entry : table_->entries)
    if (entry.key == key) return GgufValue(*table_, entry);
  return std::nullopt;
}

TFM_INLINE GgufValue GgufMetadata::at(std::string_view key) const {
  if (const auto value = find(key)) return *value;
  detail::fail(file(), {"key ", in_quotes(key), " is missing"});
}

}  // namespace tfm::inline TFM_ABI
