#pragma once
// The errors of tfm: one small hierarchy. Each message says what, where, found and expected.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// The root: catch this to catch everything that tfm throws on purpose.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// A file, or bytes in its place, that cannot be read or written: not there, damaged, of an unsupported kind.
struct LoadError : Error {
  using Error::Error;
};
/// Sizes that do not fit: a tensor against a shape, a view against a layer, columns against a block format.
struct ShapeError : Error {
  using Error::Error;
};
/// A vocabulary or a text that the tokenizer cannot use.
struct TokenizerError : Error {
  using Error::Error;
};
/// A conversation that the chat template cannot express, or a template that is not known.
struct TemplateError : Error {
  using Error::Error;
};
/// A prompt that does not fit into the context. Thrown before anything changes.
struct ContextFull : Error {
  using Error::Error;
};
/// An option whose value makes no sense.
struct OptionError : Error {
  using Error::Error;
};
/// Training that cannot go on: a loss or a gradient that is no finite number.
struct TrainError : Error {
  using Error::Error;
};
/// A thread that the system does not start.
struct ThreadError : Error {
  using Error::Error;
};
/// A device on which kernels run: it has failed, or has too little memory.
struct DeviceError : Error {
  using Error::Error;
};
/// The caller's StopToken asked for it.
struct Stopped : Error {
  /// What was half done: freed with the exception, which need not wait until the system has taken gigabytes back.
  std::shared_ptr<const void> remains;
  explicit Stopped(std::shared_ptr<const void> half_done = {}) : Error("tfm: stopped on request"), remains(std::move(half_done)) {}
};

/// A part of a message: a text, to which it refers, or an integer that joined() writes out.
class TextPart {
  const char* text_;  // null: a number
  std::uint64_t size_or_number_;
  bool negative_ = false;

 public:
  constexpr TextPart(std::string_view text) noexcept : text_(text.data() == nullptr ? "" : text.data()), size_or_number_(text.size()) {}
  constexpr TextPart(const char* text) noexcept : TextPart(std::string_view(text)) {}
  TextPart(const std::string& text) noexcept : TextPart(std::string_view(text)) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>)
  constexpr TextPart(T number) noexcept : text_(nullptr), size_or_number_(static_cast<std::uint64_t>(number)), negative_(std::is_signed_v<T> && number < T{}) {}

  void append_to(std::string& out) const {
    if (text_ != nullptr) out.append(text_, static_cast<std::size_t>(size_or_number_));
    else if (negative_) out.append(std::to_string(static_cast<std::int64_t>(size_or_number_)));
    else out.append(std::to_string(size_or_number_));
  }
};

/// The parts, one behind the other. It is not inlined, and makes whatever calls it unlikely: chains of `+` in hundreds of messages took a
/// good part of the compiler's time and of a program's code.
[[gnu::cold, gnu::noinline]] inline std::string joined(std::initializer_list<TextPart> parts) {
  std::string out;
  for (const TextPart& part : parts) part.append_to(out);
  return out;
}

/// The only place that throws. Without exceptions the program ends.
template <class E>
[[noreturn, gnu::cold, gnu::noinline]] void raise(const E& error) {
#if defined(__cpp_exceptions)
  throw error;
#else
  static_cast<void>(error);
  std::terminate();
#endif
}
/// The same, of an error with the message joined(message): raise<ShapeError>({"tfm: ", n, " rows, expected ", rows}).
template <class E>
[[noreturn, gnu::cold, gnu::noinline]] void raise(std::initializer_list<TextPart> message) {
  raise(E(joined(message)));
}

}  // namespace tfm::inline TFM_ABI
