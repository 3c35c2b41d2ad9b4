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
  [[noreturn, gnu::cold]] void unexpected(std::string_view expected) const;

  static constexpr bool is_integer(GgufType type) noexcept {
    return type != GgufType::f32 && type != GgufType::f64 && bytes_of(type) > 0 && type != GgufType::boolean;
  }
  /// Element `index` of integers of a type, if an Index can hold it.
  std::optional<Index> integer_at(GgufType type, std::size_t index) const noexcept;
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
  [[noreturn, gnu::cold]] void refuse(std::initializer_list<TextPart> what) const;
  [[noreturn]] void refuse(std::string_view what) const { refuse(std::initializer_list<TextPart>{what}); }
  /// What it is, for messages: "u32 7", "the string 'x'", "an array of 3 f32".
  [[gnu::cold]] std::string found() const;

  std::string_view text() const;
  bool boolean() const;
  /// An integer of any width, from `least` to `most`.
  Index integer(Index least = PTRDIFF_MIN, Index most = PTRDIFF_MAX) const;
  /// A float of either width, or an integer.
  double number() const;

  /// Calls f(std::string_view) for each string of an array. The texts are the file's own bytes.
  template <class F>
  void each_text(F&& f) const {
    if (!is_array_of(GgufType::text)) unexpected("an array of strings");
    ByteReader reader(entry_->bytes, table_->source.file);
    for (std::uint64_t i = 0; i < entry_->count; ++i) f(reader.text("a string"));
  }
  std::vector<std::string_view> texts() const;
  /// An array of integers of any width, each from `least` to `most`.
  std::vector<std::int32_t> integers(std::int32_t least = INT32_MIN, std::int32_t most = INT32_MAX) const;
  /// An array of floats of either width.
  std::vector<float> numbers() const;
  /// An array of booleans.
  std::vector<bool> booleans() const;
  /// An array of u8 or i8 as the bytes that it is.
  std::span<const std::byte> bytes() const;
  /// The value of any type as the file has it: of a string its characters, of an array its elements.
  std::span<const std::byte> stored() const noexcept { return entry_->bytes; }
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

  std::optional<GgufValue> find(std::string_view key) const noexcept;
  /// The value, or a LoadError that names the file and the key.
  GgufValue at(std::string_view key) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/gguf_metadata.inl"
#endif
