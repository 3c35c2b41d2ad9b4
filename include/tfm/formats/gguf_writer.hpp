#pragma once
// GgufWriter: makes GGUF files of version 3.
#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/gguf_metadata.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// The metadata type of a C++ type, by its size and sign: bool, integers, float, double, and what is a string.
template <class T>
constexpr GgufType gguf_type_for() noexcept {
  if constexpr (std::convertible_to<T, std::string_view>) return GgufType::text;
  else if constexpr (std::same_as<T, bool>) return GgufType::boolean;
  else if constexpr (std::floating_point<T>) return sizeof(T) == 4 ? GgufType::f32 : GgufType::f64;
  else {
    static_assert(std::integral<T>, "tfm: a GGUF value is a bool, a number, a string, or a container of one of these");
    constexpr bool sign = std::signed_integral<T>;
    switch (sizeof(T)) {
      case 1: return sign ? GgufType::i8 : GgufType::u8;
      case 2: return sign ? GgufType::i16 : GgufType::u16;
      case 4: return sign ? GgufType::i32 : GgufType::u32;
      default: return sign ? GgufType::i64 : GgufType::u64;
    }
  }
}

template <class T>
concept GgufScalar = std::is_arithmetic_v<T> || std::convertible_to<T, std::string_view>;

}  // namespace detail

/// Keys and tensors are written in the order in which they were given.
///   GgufWriter file;  file.set("general.architecture", "llama");  file.add(tensor);  file.write("model.gguf");
class GgufWriter {
  struct Item {
    std::string name;
    DataType type;
    std::vector<Index> shape;
    Index bytes;
    std::function<void(std::span<std::byte>)> fill;  // or
    std::span<const std::byte> data;
  };
  Index alignment_;
  std::vector<std::pair<std::string, std::string>> keys_;  // and the bytes of type and value
  std::vector<Item> items_;

  template <class T>
  static void append(std::string& out, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
  }
  static void append_text(std::string& out, std::string_view text);
  template <class T>
  static void append_value(std::string& out, const T& value) {
    if constexpr (std::convertible_to<T, std::string_view>) append_text(out, value);
    else if constexpr (std::same_as<T, bool>) append(out, static_cast<std::uint8_t>(value ? 1 : 0));
    else append(out, value);
  }
  static std::uint32_t number(GgufType type) noexcept { return static_cast<std::uint32_t>(type); }
  void set_stored(std::string_view key, std::string value);

  Item item(std::string name, DataType type, std::vector<Index> shape) const;

  std::size_t padding(Index size) const noexcept { return to_size(round_up(size, alignment_) - size); }

  template <class Sink>
  void write_to(Sink&& sink) const {
    const std::string first = head(), zeros(to_size(alignment_), '\0');
    sink(bytes_of(first));
    std::vector<std::byte> made;
    for (const auto& item : items_) {
      if (item.fill) made.resize(to_size(item.bytes)), item.fill(made);
      sink(item.fill ? std::span<const std::byte>(made) : item.data);
      sink(bytes_of(std::string_view(zeros).substr(0, padding(item.bytes))));
    }
  }

 public:
  /// `alignment` of the tensors, in bytes: a power of two from 8.
  explicit GgufWriter(Index alignment = 32);

  /// A key and its value: bool, integer, float, string, or a container of these. Its type in the file follows from T
  /// alone, so give `std::uint32_t{7}` where readers want a u32. A key that is there already gets the new value.
  template <class T>
  void set(std::string_view key, const T& value) {
    std::string out;
    if constexpr (detail::GgufScalar<std::decay_t<T>>) {
      append(out, number(detail::gguf_type_for<std::decay_t<T>>()));
      append_value(out, value);
    } else {
      using Element = typename T::value_type;
      append(out, number(GgufType::array));
      append(out, number(detail::gguf_type_for<Element>()));
      append(out, std::uint64_t{value.size()});
      for (const Element& element : value) append_value(out, element);
    }
    set_stored(key, std::move(out));
  }
  bool has(std::string_view key) const noexcept {
    return std::any_of(keys_.begin(), keys_.end(), [&](const auto& each) { return each.first == key; });
  }
  /// Another file's key and value, whatever its type. general.alignment is left out: it is this file's own.
  void set(const GgufValue& value);

  /// A tensor whose bytes the caller keeps until the file is written. Throws LoadError for a type that the format does
  /// not have (U8, BOOL), more than four dimensions, rows that are no whole blocks, bytes that do not fit the shape, a
  /// name twice.
  void add(const Tensor& tensor);
  /// A tensor whose bytes `fill` makes when it is written, so that no two need be in memory. It is called once for each
  /// write, in order.
  void add(std::string name, DataType type, std::vector<Index> shape, std::function<void(std::span<std::byte>)> fill);

  /// What stands before the tensors' bytes.
  std::string head() const;
  /// Writes the file at `path`, whole or not at all.
  void write(const std::filesystem::path& path) const;
  /// The file as bytes.
  std::vector<std::byte> bytes() const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/gguf_writer.inl"
#endif
