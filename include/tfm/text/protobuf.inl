// What protobuf.hpp declares.
#include <bit>
#include <cstring>

namespace tfm::inline TFM_ABI {

TFM_INLINE void ProtobufReader::fail(std::initializer_list<TextPart> found) const {
  raise<LoadError>({"tfm: ", what_, ": at byte ", offset_, ": ", joined(found)});
}

TFM_INLINE std::string_view ProtobufReader::take(std::uint64_t size) {
  if (size > rest_.size()) {
    fail({"a field of ", size, " bytes where ", rest_.size(), " are left"});
  }
  const std::string_view taken = rest_.substr(0, static_cast<std::size_t>(size));
  rest_.remove_prefix(taken.size());
  offset_ += taken.size();
  return taken;
}

TFM_INLINE std::uint64_t ProtobufReader::varint() {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 10 && i < rest_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    if (i == 9 && byte > 1) break;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      take(i + 1);
      return value;
    }
  }
  fail({rest_.size() < 10 ? "the file ends inside a number" : "a number of more than 64 bits"});
}

TFM_INLINE void ProtobufReader::expect(int wire) const {
  if (wire_ != wire) {
    fail({"field ", field, " has wire type ", wire_, "; expected ", wire});
  }
}

TFM_INLINE ProtobufReader::ProtobufReader(std::string_view message, std::string_view what, std::size_t offset) : rest_(message), offset_(offset), what_(what) {}

TFM_INLINE bool ProtobufReader::next() {
  if (rest_.empty()) return false;
  const std::uint64_t tag = varint();
  if (tag >> 3 == 0 || tag >> 32 != 0) fail({"a field with number ", tag >> 3});
  field = static_cast<std::uint32_t>(tag >> 3);
  wire_ = static_cast<int>(tag & 7);
  if (wire_ != 0 && wire_ != 1 && wire_ != 2 && wire_ != 5) {
    fail({"field ", field, " has wire type ", wire_, ", which this format does not use"});
  }
  return true;
}

TFM_INLINE std::uint64_t ProtobufReader::integer() {
  expect(0);
  return varint();
}

TFM_INLINE float ProtobufReader::number() {
  expect(5);
  std::uint32_t bits = 0;
  std::memcpy(&bits, take(4).data(), 4);
  return std::bit_cast<float>(bits);
}

TFM_INLINE std::string_view ProtobufReader::bytes() {
  expect(2);
  return take(varint());
}

TFM_INLINE ProtobufReader ProtobufReader::message() {
  const std::string_view inside = bytes();
  return {inside, what_, offset_ - inside.size()};
}

TFM_INLINE void ProtobufReader::skip() {
  if (wire_ == 0) varint();
  if (wire_ == 1) take(8);
  if (wire_ == 2) bytes();
  if (wire_ == 5) take(4);
}

TFM_INLINE void ProtobufWriter::varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(static_cast<unsigned char>(value | 0x80)));
  out_.push_back(static_cast<char>(static_cast<unsigned char>(value)));
}

TFM_INLINE void ProtobufWriter::integer(std::uint32_t field, std::uint64_t value) {
  varint(std::uint64_t{field} << 3);
  varint(value);
}

TFM_INLINE void ProtobufWriter::number(std::uint32_t field, float value) {
  varint(std::uint64_t{field} << 3 | 5);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

TFM_INLINE void ProtobufWriter::number(std::uint32_t field, double value) {
  varint(std::uint64_t{field} << 3 | 1);
  out_.append(reinterpret_cast<const char*>(&value), sizeof value);
}

TFM_INLINE void ProtobufWriter::bytes(std::uint32_t field, std::string_view value) {
  varint(std::uint64_t{field} << 3 | 2);
  varint(value.size());
  out_ += value;
}

}  // namespace tfm::inline TFM_ABI
