#pragma once
// GgufMetadata: the table of keys and values at the head of a GGUF file, read where it lies, with typed getters.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/byte_reader.hpp"
#include "tfm/formats/gguf_types.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {
/// One key. `bytes` is its value as the file has it: of a string the characters, of an array its elements.
struct GgufEntry {
  std::string_view key;
  GgufType type{}, element{};  // `element` of an array
  std::uint64_t count = 0;     // of an array
  std::span<const std::byte> bytes;
};
struct GgufTable {
  TensorSource source;
  std::vector<GgufEntry> entries;
};
}  // namespace detail

/// A value of the table, which must outlive it. The getters throw LoadErrors that name file, key, found and expected.
class GgufValue {
  const detail::GgufTable* table_;
  const detail::GgufEntry* entry_;

  template <class T>
  T read(std::size_t index = 0) const noexcept {
    T value;
    std::memcpy(&value, entry_->bytes.data() + index * sizeof value, sizeof value);
    return value;
  }
  [[noreturn, gnu::cold, gnu::noinline]] void unexpected(std::string_view expected) const {
    refuse({"found ", found(), ", expected ", expected});
  }

  static constexpr bool is_integer(GgufType type) noexcept {
    return type != GgufType::f32 && type != GgufType::f64 && bytes_of(type) > 0 && type != GgufType::boolean;
  }
  /// Element `index` of integers of a type, if an Index can hold it.
  std::optional<Index> integer_at(GgufType type, std::size_t index) const noexcept {
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
  static std::string range(Index least, Index most) { return joined({least, " to ", most}); }

 public:
  GgufValue(const detail::GgufTable& table, const detail::GgufEntry& entry) noexcept : table_(&table), entry_(&entry) {}

  std::string_view key() const noexcept { return entry_->key; }
  GgufType type() const noexcept { return entry_->type; }
  /// Of an array: the type of its elements, and how many there are. The file has at least a byte for each.
  GgufType element_type() const noexcept { return entry_->element; }
  Index count() const noexcept { return static_cast<Index>(entry_->count); }
  bool is_array_of(GgufType element) const noexcept { return type() == GgufType::array && entry_->element == element; }

  /// Throws LoadError with the file, this key and `what`.
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::initializer_list<TextPart> what) const {
    detail::fail(table_->source.file, {"key ", in_quotes(key()), ": ", joined(what)});
  }
  [[noreturn]] void refuse(std::string_view what) const { refuse({what}); }
  /// What it is, for messages: "u32 7", "the string 'x'", "an array of 3 f32".
  [[gnu::cold, gnu::noinline]] std::string found() const {
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

  std::string_view text() const {
    if (type() != GgufType::text) unexpected("a string");
    return text_of(entry_->bytes);
  }
  bool boolean() const {
    if (type() != GgufType::boolean) unexpected("a boolean");
    if (read<std::uint8_t>() > 1) unexpected("0 or 1");
    return read<std::uint8_t>() != 0;
  }
  /// An integer of any width, from `least` to `most`.
  Index integer(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const {
    if (!is_integer(type())) unexpected("an integer");
    const auto value = integer_at(type(), 0);
    if (!value || *value < least || *value > most) unexpected("an integer from " + range(least, most));
    return *value;
  }
  /// A float of either width, or an integer.
  double number() const {
    if (type() == GgufType::f32) return static_cast<double>(read<float>());
    if (type() == GgufType::f64) return read<double>();
    if (!is_integer(type())) unexpected("a number");
    return type() == GgufType::u64 ? static_cast<double>(read<std::uint64_t>())
                                   : static_cast<double>(*integer_at(type(), 0));
  }

  /// Calls f(std::string_view) for each string of an array. The texts are the file's own bytes.
  template <class F>
  void each_text(F&& f) const {
    if (!is_array_of(GgufType::text)) unexpected("an array of strings");
    ByteReader reader(entry_->bytes, table_->source.file);
    for (std::uint64_t i = 0; i < entry_->count; ++i) f(reader.text("a string"));
  }
  std::vector<std::string_view> texts() const {
    std::vector<std::string_view> all;
    if (is_array_of(GgufType::text)) all.reserve(static_cast<std::size_t>(entry_->count));
    each_text([&](std::string_view text) { all.push_back(text); });
    return all;
  }
  /// An array of integers of any width, each from `least` to `most`.
  std::vector<std::int32_t> integers(std::int32_t least = INT32_MIN, std::int32_t most = INT32_MAX) const {
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
  /// An array of floats of either width.
  std::vector<float> numbers() const {
    if (!is_array_of(GgufType::f32) && !is_array_of(GgufType::f64)) unexpected("an array of floats");
    std::vector<float> all(static_cast<std::size_t>(entry_->count));
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = entry_->element == GgufType::f32 ? read<float>(i) : static_cast<float>(read<double>(i));
    return all;
  }
  /// An array of booleans.
  std::vector<bool> booleans() const {
    if (!is_array_of(GgufType::boolean)) unexpected("an array of booleans");
    std::vector<bool> all(static_cast<std::size_t>(entry_->count));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = read<std::uint8_t>(i) != 0;
    return all;
  }
  /// An array of u8 or i8 as the bytes that it is.
  std::span<const std::byte> bytes() const {
    if (!is_array_of(GgufType::u8) && !is_array_of(GgufType::i8)) unexpected("an array of bytes");
    return entry_->bytes;
  }
};

/// The table, in the file's order. Copies share it, and it keeps the file's bytes alive (unless they are the caller's
/// own).
class GgufMetadata {
  std::shared_ptr<const detail::GgufTable> table_ = std::make_shared<detail::GgufTable>();

 public:
  GgufMetadata() = default;
  explicit GgufMetadata(detail::GgufTable table) : table_(std::make_shared<detail::GgufTable>(std::move(table))) {}

  const std::string& file() const noexcept { return table_->source.file; }
  Index size() const noexcept { return static_cast<Index>(table_->entries.size()); }
  /// Entry i of the table, 0 <= i < size().
  GgufValue operator[](Index i) const noexcept { return {*table_, table_->entries[to_size(i)]}; }

  std::optional<GgufValue> find(std::string_view key) const noexcept {
    for (const auto& entry : table_->entries)
      if (entry.key == key) return GgufValue(*table_, entry);
    return std::nullopt;
  }
  /// The value, or a LoadError that names the file and the key.
  GgufValue at(std::string_view key) const {
    if (const auto value = find(key)) return *value;
    detail::fail(file(), {"key ", in_quotes(key), " is missing"});
  }
};

}  // namespace tfm::inline TFM_ABI
