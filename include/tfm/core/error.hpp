#pragma once
// The errors of tfm: one small hierarchy. Each message says what, where, found and expected.
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
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
/// The caller's StopToken asked for it.
struct Stopped : Error {
  /// What was half done: freed with the exception, which need not wait until the system has taken gigabytes back.
  std::shared_ptr<const void> remains;
  explicit Stopped(std::shared_ptr<const void> half_done = {}) : Error("tfm: stopped on request"), remains(std::move(half_done)) {}
};

/// The only place that throws. Without exceptions the program ends.
template <class E>
[[noreturn]] inline void raise(const E& error) {
#if defined(__cpp_exceptions)
  throw error;
#else
  static_cast<void>(error);
  std::terminate();
#endif
}

}  // namespace tfm::inline TFM_ABI
