#pragma once
// Writing JSON: one value after the other, with the commas, quotes and line breaks between them.
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tfm/formats/json_text.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// How the values of an array or object stand beside each other.
enum class JsonLayout : unsigned char {
  line,     ///< {"a": 1, "b": [2, 3]}
  lines,    ///< each value on a line of its own, two spaces deeper than what it is in
  compact,  ///< {"a":1,"b":[2,3]}
};

/// A JSON text (RFC 8259) that grows by one value after the other:
///   JsonWriter json;
///   json.begin_object(JsonLayout::lines).member("rank", 8);
///   json.key("targets").begin_array().value("q_proj").end();
///   write_file(path, bytes_of(json.end().text() + "\n"));
/// Errors: LoadError for a string that is not UTF-8 and for a number that is not finite, which JSON cannot hold.
class JsonWriter {
  struct Open {
    char end;
    JsonLayout layout;
    bool empty = true;
  };
  std::string text_;
  std::vector<Open> open_;
  JsonCharacters characters_;
  bool after_key_ = false;

  void break_line() {
    std::size_t deep = 0;
    for (const Open& open : open_) deep += open.layout == JsonLayout::lines ? 2 : 0;
    text_.append(1, '\n').append(deep, ' ');
  }
  /// What stands before the next value or key.
  void separate() {
    if (after_key_ || open_.empty()) {
      after_key_ = false;
      return;
    }
    Open& in = open_.back();
    if (!in.empty) text_ += in.layout == JsonLayout::line ? ", " : ",";
    if (in.layout == JsonLayout::lines) break_line();
    in.empty = false;
  }
  JsonWriter& begin(char first, char end, JsonLayout layout) {
    separate();
    text_ += first;
    open_.push_back({end, layout});
    return *this;
  }
  JsonWriter& number(double value, const std::string& digits) {
    if (!(value - value == 0)) raise<LoadError>({"tfm: ", digits, " is no finite number and cannot be written as JSON"});
    return json(digits);
  }

 public:
  explicit JsonWriter(JsonCharacters characters = JsonCharacters::utf8) : characters_(characters) {}

  JsonWriter& begin_object(JsonLayout layout = JsonLayout::line) { return begin('{', '}', layout); }
  JsonWriter& begin_array(JsonLayout layout = JsonLayout::line) { return begin('[', ']', layout); }
  /// Ends the array or object that was begun last.
  JsonWriter& end() {
    const Open last = open_.back();
    open_.pop_back();
    if (last.layout == JsonLayout::lines && !last.empty) break_line();
    text_ += last.end;
    return *this;
  }
  /// The name of the next value, in an object.
  JsonWriter& key(std::string_view name) {
    separate();
    text_.append(json_string(name, characters_)).append(open_.back().layout == JsonLayout::compact ? ":" : ": ");
    after_key_ = true;
    return *this;
  }

  /// A value whose JSON text is `text`.
  JsonWriter& json(std::string_view text) { return separate(), text_ += text, *this; }
  JsonWriter& null() { return json("null"); }
  JsonWriter& value(std::string_view text) { return json(json_string(text, characters_)); }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return json(flag ? "true" : "false"); }
  /// The shortest digits that say which number it is.
  JsonWriter& value(double x) { return number(x, number_text(x)); }
  JsonWriter& value(float x) { return number(static_cast<double>(x), number_text(x)); }
  template <std::integral T>
  JsonWriter& value(T x) {
    return json(joined({x}));
  }
  /// null where it is empty.
  template <class T>
  JsonWriter& value(const std::optional<T>& x) {
    return x ? value(*x) : null();
  }
  template <class T>
  JsonWriter& member(std::string_view name, const T& x) {
    return key(name).value(x);
  }

  const std::string& text() const noexcept { return text_; }
};

}  // namespace tfm::inline TFM_ABI
