#pragma once
// GgufWriter: makes GGUF files of version 3.
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
#include "tfm/formats/gguf_types.hpp"
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
  static void append_text(std::string& out, std::string_view text) {
    append(out, std::uint64_t{text.size()});
    out += text;
  }
  template <class T>
  static void append_value(std::string& out, const T& value) {
    if constexpr (std::convertible_to<T, std::string_view>) append_text(out, value);
    else if constexpr (std::same_as<T, bool>) append(out, static_cast<std::uint8_t>(value ? 1 : 0));
    else append(out, value);
  }
  static std::uint32_t number(GgufType type) noexcept { return static_cast<std::uint32_t>(type); }

  Item item(std::string name, DataType type, std::vector<Index> shape) const {
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

  std::string head() const {
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
  explicit GgufWriter(Index alignment = 32) : alignment_(alignment) {
    if (alignment < 8 || alignment > 65'536 || (alignment & (alignment - 1)) != 0)
      raise(OptionError("tfm: found a GGUF alignment of " + std::to_string(alignment) +
                        ", expected a power of two from 8 to 65536"));
    if (alignment != 32) set("general.alignment", static_cast<std::uint32_t>(alignment));
  }

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
    for (auto& [other, old] : keys_)
      if (other == key) return void(old = std::move(out));
    keys_.emplace_back(key, std::move(out));
  }

  /// A tensor whose bytes the caller keeps until the file is written. Throws LoadError for a type that the format does
  /// not have (U8, BOOL), more than four dimensions, rows that are no whole blocks, bytes that do not fit the shape, a
  /// name twice.
  void add(const Tensor& tensor) {
    Item added = item(tensor.name, tensor.type, tensor.shape);
    if (added.bytes != static_cast<Index>(tensor.bytes.size()))
      raise(LoadError("tfm: cannot write tensor " + in_quotes(tensor.name) + " as GGUF: found " +
                      std::to_string(tensor.bytes.size()) + " bytes, expected " + std::to_string(added.bytes) +
                      " for " + shape_text(tensor.shape) + " of " + std::string(tfm::name(added.type))));
    added.data = tensor.bytes;
    items_.push_back(std::move(added));
  }
  /// A tensor whose bytes `fill` makes when it is written, so that no two need be in memory. It is called once for each
  /// write, in order.
  void add(std::string name, DataType type, std::vector<Index> shape, std::function<void(std::span<std::byte>)> fill) {
    Item added = item(std::move(name), type, std::move(shape));
    added.fill = std::move(fill);
    items_.push_back(std::move(added));
  }

  /// Writes the file at `path`, whole or not at all.
  void write(const std::filesystem::path& path) const {
    AtomicFile file(path);
    write_to([&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.commit();
  }
  /// The file as bytes.
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out;
    write_to([&](std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
    return out;
  }
};

}  // namespace tfm::inline TFM_ABI
