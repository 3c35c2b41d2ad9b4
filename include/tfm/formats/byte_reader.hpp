#pragma once
// ByteReader: reads the fields of a binary file one after the other, and never beyond its end.
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// `what` names a field in the LoadError that is thrown where the file ends before it.
class ByteReader {
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::string_view file_;

 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view file) noexcept : bytes_(bytes), file_(file) {}

  std::size_t position() const noexcept { return at_; }
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  [[noreturn]] void refuse(std::initializer_list<TextPart> what) const { detail::fail(file_, what); }
  [[noreturn]] void refuse(std::string_view what) const { refuse(std::initializer_list<TextPart>{what}); }

  /// The next n bytes.
  std::span<const std::byte> bytes(std::uint64_t n, std::string_view what);
  /// A number in the file's byte order, which is little-endian.
  template <class T>
  requires std::is_arithmetic_v<T> T number(std::string_view what) {
    T value;
    std::memcpy(&value, bytes(sizeof value, what).data(), sizeof value);
    return value;
  }
  /// A text after its length as u64.
  std::string_view text(std::string_view what) { return text_of(bytes(number<std::uint64_t>(what), what)); }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/byte_reader.inl"
#endif
