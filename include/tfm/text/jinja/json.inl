#pragma once
// JSON as values.
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/values.inl"

namespace tfm::inline TFM_ABI::jinja {

class JsonReader {
  std::string_view text_, what_;
  Origin origin_;
  std::size_t at_ = 0;
  int depth_ = 0;

 public:
  JsonReader(std::string_view text, Origin origin, std::string_view what) : text_(text), what_(what), origin_(origin) {
    if (!is_utf8(text)) refuse("text in UTF-8");
  }
  Value whole() {
    Value out = value();
    skip();
    if (at_ < text_.size()) refuse("its end");
    return out;
  }

 private:
  [[noreturn, gnu::cold]] void refuse(std::string_view expected) const {
    raise<TemplateError>({"tfm: ", what_, ": at byte ", at_ + 1, ": expected ", expected});
  }
  void skip() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  Value value() {
    skip();
    if (at_ == text_.size()) refuse("a value");
    switch (text_[at_]) {
      case '{': return object();
      case '[': return array();
      case '"': return Value::of(string(), origin_);
      default: break;
    }
    if (take("null")) return Value::none();
    if (take("true")) return Value::of(true);
    if (take("false")) return Value::of(false);
    if (take("NaN")) return Value::of(std::nan(""));
    if (take("Infinity")) return Value::of(HUGE_VAL);
    if (take("-Infinity")) return Value::of(-HUGE_VAL);
    return number();
  }
  /// Between brackets, with commas.
  template <class Element>
  void elements(char end, Element element) {
    if (++depth_ > deepest_value - 2)
      refuse(joined({"values that lie at most ", deepest_value - 2, " deep in one another"}));
    ++at_;
    skip();
    if (at_ < text_.size() && text_[at_] == end) return ++at_, --depth_, void();
    while (true) {
      element();
      skip();
      const char next = at_ < text_.size() ? text_[at_] : '\0';
      if (next != ',' && next != end) refuse(end == ']' ? "',' or ']'" : "',' or '}'");
      ++at_;
      if (next == end) break;
    }
    --depth_;
  }
  Value array() {
    std::vector<Value> items;
    elements(']', [&] { items.push_back(value()); });
    return make_list(std::move(items), origin_);
  }
  Value object() {
    std::vector<std::pair<Value, Value>> items;
    elements('}', [&] {
      skip();
      if (at_ == text_.size() || text_[at_] != '"') refuse("a key in quotes");
      Value key = Value::of(string(), origin_);
      skip();
      if (!take(":")) refuse("':'");
      items.emplace_back(std::move(key), value());
    });
    return make_dict(std::move(items), origin_);
  }
  Value number() {
    const std::size_t begin = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
      if (at_ == from) refuse("a value");
      return at_ - from;
    };
    const bool negative = take("-");
    const bool zero = at_ < text_.size() && text_[at_] == '0';
    if (digits() > 1 && zero) refuse("a number without zeros in front");
    bool whole = true;
    if (take(".")) whole = false, digits();
    if (take("e") || take("E")) {
      whole = false;
      if (!take("+")) take("-");
      digits();
    }
    std::string_view all = text_.substr(begin, at_ - begin);
    if (!whole) return real(all);
    if (all.size() > 4300) refuse("a number of at most 4300 digits");
    integers::Number n = integers::number(integer_of(all.substr(negative ? 1 : 0), 10));
    n.negative = negative && !n.digits.empty();
    return integers::value(std::move(n));
  }
  static Value real(std::string_view all) {
    double out = 0;
    read_real(all, out);
    return Value::of(out);
  }
  unsigned unit() {
    unsigned code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < 4 || error != std::errc() || end != digits.data() + 4) refuse("four hexadecimal digits");
    at_ += 4;
    return code;
  }
  std::string string() {
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != '"';) {
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) refuse("no control character in a string");
      ++at_;
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escape = at_ < text_.size() ? text_[at_++] : '\0';
      constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
      if (const std::size_t known = names.find(escape); known != names.npos && escape != '\0') {
        out += values[known];
        continue;
      }
      if (escape != 'u') refuse("an escape that JSON knows");
      char32_t code = unit();
      if (code >= 0xD800 && code < 0xDC00 && take("\\u")) {
        const char32_t low = unit();
        if (low < 0xDC00 || low > 0xDFFF) refuse("the second half of a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
      if (code >= 0xD800 && code < 0xE000) refuse("no half of a surrogate pair");
      append_utf8(out, code);
    }
    if (at_ == text_.size()) refuse("the end of a string");
    ++at_;
    return out;
  }
};
TFM_JINJA Value from_json(std::string_view json, Origin origin, std::string_view what) {
  return JsonReader(json, origin, what).whole();
}

}  // namespace tfm::inline TFM_ABI::jinja
