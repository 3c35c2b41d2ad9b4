#pragma once
// Template: a chat template in Jinja, taken apart once and rendered as often as one likes, as transformers 5 with
// jinja2 3.1 renders it.
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/value.hpp"

namespace tfm::inline TFM_ABI::jinja {

/// What the template itself raised, by raise_exception(): what() is its message and nothing else.
struct Raised : TemplateError {
  using TemplateError::TemplateError;
};

/// What a template may take. A template that passes one of these is refused with a TemplateError.
struct Limits {
  std::size_t steps = 20'000'000;  ///< nodes evaluated, elements and groups of 64 bytes handled
  std::size_t bytes = 512u << 20;  ///< of all values made on the way, together
  std::size_t output = 64u << 20;  ///< bytes of the rendered text
  int depth = 800;                 ///< expressions, statements and macros within one another
};

/// The caller's time, which strftime_now writes; the library reads no clock.
struct DateTime {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
  /// Of "2024-09-05T14:03:09" (ISO 8601 without a zone). Errors: OptionError.
  TFM_JINJA static DateTime parse(std::string_view text);
};

/// What a template is rendered with.
struct Context {
  std::vector<std::pair<std::string, Value>> variables{};  ///< the last of equal names counts
  std::optional<DateTime> now{};                           ///< without it strftime_now is not defined
};

/// The rendered text, and for each stretch of it who wrote it.
struct Rendered {
  std::string text;
  std::vector<Run> runs;
};

struct Program;  // a template taken apart

/// Immutable; may be rendered by several threads at once. Cheap to copy.
class Template {
  std::shared_ptr<const Program> program_;

 public:
  /// Takes the source apart. Errors: TemplateError with the line: what is not Jinja, or lies too deep.
  TFM_JINJA explicit Template(std::string_view source);
  /// Errors: Raised, what the template raised; TemplateError, where it computes what Python refuses, or passes a limit.
  TFM_JINJA Rendered render(const Context& context, const Limits& limits = {}) const;
  /// Whether the template reads a variable of this name, or an attribute or key spelt so.
  TFM_JINJA bool mentions(std::string_view name) const;
  /// Whether it marks what a model says, by {% generation %}.
  TFM_JINJA bool marks_generation() const;
};

}  // namespace tfm::inline TFM_ABI::jinja

#if defined(TFM_JINJA_BODIES)
#include "tfm/text/jinja/bodies.inl"
#endif
