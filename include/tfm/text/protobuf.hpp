#pragma once
// The wire format of protocol buffers, as much as sentencepiece's models and TensorBoard's events need: a reader that trusts nothing,
// and a writer.
// (https://protobuf.dev/programming-guides/encoding)
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"

namespace tfm::inline TFM_ABI {

/// Reads the fields of one message, in order. Every error is a LoadError that says where.
class ProtobufReader {
  std::string_view rest_;
  std::size_t offset_;  // of rest_ in the whole file, for messages
  std::string_view what_;
  int wire_ = -1;

  [[noreturn, gnu::cold]] void fail(std::initializer_list<TextPart> found) const;
  std::string_view take(std::uint64_t size);
  std::uint64_t varint();
  void expect(int wire) const;

 public:
  std::uint32_t field = 0;  ///< the number of the field that next() came to

  /// `what` names the file in messages and outlives the reader.
  ProtobufReader(std::string_view message, std::string_view what, std::size_t offset = 0);

  /// Comes to the next field's value, which must then be read, or skipped; false at the end of the message.
  bool next();
  std::uint64_t integer();
  bool boolean() { return integer() != 0; }
  float number();
  std::string_view bytes();
  ProtobufReader message();
  void skip();
};

/// Appends the fields of one message to a string.
class ProtobufWriter {
  std::string& out_;

  void varint(std::uint64_t value);

 public:
  explicit ProtobufWriter(std::string& out) : out_(out) {}

  void integer(std::uint32_t field, std::uint64_t value);
  void number(std::uint32_t field, float value);
  void number(std::uint32_t field, double value);
  void bytes(std::uint32_t field, std::string_view value);
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/protobuf.inl"
#endif
