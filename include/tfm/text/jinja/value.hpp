#pragma once
// What a Jinja template computes with: Python's values, and for each character of a text who wrote it.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/config.hpp"
#include "tfm/core/error.hpp"

// The interpreter's functions are compiled by every file that uses them or, with TFM_COMPILED, by one
// (cmake/compiled/jinja.cpp).
#if !defined(TFM_COMPILED)
#define TFM_JINJA inline
#define TFM_JINJA_BODIES
#else
#define TFM_JINJA
#endif

namespace tfm::inline TFM_ABI::jinja {

/// Who wrote a character: 0 the template, 1 whoever calls (tools, variables), 2 + i the message i, from 0.
using Origin = std::uint32_t;
inline constexpr Origin by_template = 0, by_caller = 1;
constexpr Origin by_message(std::size_t i) noexcept { return static_cast<Origin>(i + 2); }
/// Beside the writer: the character stands inside {% generation %}.
inline constexpr Origin in_generation = 0x8000'0000u;
constexpr Origin writer_of(Origin origin) noexcept { return origin & ~in_generation; }

/// A stretch of a text that has one origin: as far as the byte `end`.
struct Run {
  std::size_t end;
  Origin origin;
  bool operator==(const Run&) const = default;
};

enum class Kind : unsigned char {
  undefined,
  none,
  boolean,
  integer,
  real,
  big,
  text,
  list,
  tuple,
  dict,
  range,
  view,
  iterator,
  function,
  macro,
  loop,
  space,
  cycler,
  joiner,
  opaque
};

/// What a value refers to. `depth`: how many values lie in one another; it is bounded, so that nothing recurses without
/// end.
struct Object {
  int depth = 0;
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
};

/// Text in UTF-8. Without runs all of it has one origin.
struct Text : Object {
  std::string bytes;
  std::vector<Run> runs;
  Origin origin = by_template;
  bool markup = false;                                                        ///< what `|safe` and `|escape` give
  mutable std::atomic<std::size_t> characters{static_cast<std::size_t>(-1)};  // code points, once they were counted
};

class Value {
  Kind kind_ = Kind::undefined;
  union {
    std::int64_t integer_;
    double real_;
  };
  std::shared_ptr<Object> object_;

 public:
  Value() noexcept : integer_(0) {}
  Value(Kind kind, std::shared_ptr<Object> object) noexcept : kind_(kind), integer_(0), object_(std::move(object)) {}
  static Value none() noexcept { return Value(Kind::none, nullptr); }
  static Value of(bool b) noexcept {
    Value value(Kind::boolean, nullptr);
    value.integer_ = b ? 1 : 0;
    return value;
  }
  static Value of(std::int64_t i) noexcept {
    Value value(Kind::integer, nullptr);
    value.integer_ = i;
    return value;
  }
  static Value of(double f) noexcept {
    Value value(Kind::real, nullptr);
    value.real_ = f;
    return value;
  }
  static Value of(std::string text, Origin origin = by_template) {
    auto made = std::make_shared<Text>();
    made->bytes = std::move(text);
    made->origin = origin;
    return Value(Kind::text, std::move(made));
  }
  static Value of(std::string_view text, Origin origin = by_template) { return of(std::string(text), origin); }
  static Value of(const char* text, Origin origin = by_template) { return of(std::string(text), origin); }

  Kind kind() const noexcept { return kind_; }
  bool is(Kind kind) const noexcept { return kind_ == kind; }
  bool boolean() const noexcept { return integer_ != 0; }
  std::int64_t integer() const noexcept { return integer_; }  ///< of a boolean too
  double real() const noexcept { return real_; }
  const std::shared_ptr<Object>& object() const noexcept { return object_; }
  template <class T>
  T& as() const noexcept {
    return static_cast<T&>(*object_);
  }
  const Text& text() const noexcept { return as<Text>(); }
  std::string_view bytes() const noexcept { return as<Text>().bytes; }
  int depth() const noexcept { return object_ ? object_->depth : 0; }
};

/// A list or a tuple. `origin`: who wrote what is printed between its elements, and its numbers.
struct List : Object {
  std::vector<Value> items;
  Origin origin = by_template;
  bool group = false;  ///< a pair of |groupby, whose parts have names
};

/// A dictionary, in the order in which keys came.
struct Dict : Object {
  std::vector<std::pair<Value, Value>> items;
  Origin origin = by_template;
  mutable std::vector<std::pair<std::size_t, std::size_t>>
      index;  // hash and place of each, sorted; of large ones alone
};

/// How deep values may lie in one another.
inline constexpr int deepest_value = 200;

/// A new list, tuple (Kind) or dictionary. Errors: TemplateError where they would lie too deep.
TFM_JINJA Value make_list(std::vector<Value> items, Origin origin = by_template, Kind kind = Kind::list);
TFM_JINJA Value make_dict(std::vector<std::pair<Value, Value>> items, Origin origin = by_template);
/// The value of a text as key; null where the dictionary has none such.
TFM_JINJA const Value* find(const Value& dict, std::string_view key);
/// The same value, all of whose texts have this origin.
TFM_JINJA Value with_origin(const Value& value, Origin origin);

/// JSON (RFC 8259; also NaN, Infinity and -Infinity, as Python's json reads them) as values: keys in their order, the
/// last of equal ones, integers of any size. `what` names the text in errors. Errors: TemplateError with the byte's
/// place.
TFM_JINJA Value from_json(std::string_view json, Origin origin = by_caller, std::string_view what = "JSON");
/// As json.dumps(value, ensure_ascii=False) writes it. Errors: TemplateError for what JSON has not.
TFM_JINJA std::string to_json(const Value& value);

}  // namespace tfm::inline TFM_ABI::jinja
