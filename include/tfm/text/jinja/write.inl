#pragma once
// Values as text: Python's str() and repr(), and JSON. What stands between the parts of a message's dictionary is the
// message's, too.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <utf8proc.h>

#include "tfm/text/jinja/values.inl"

namespace tfm::inline TFM_ABI::jinja {

/// Python's repr(): the shortest digits that read back as the same number.
inline std::string decimal(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::scientific).ptr;
  std::string_view shown(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  std::string out;
  if (shown.starts_with('-')) out = "-", shown.remove_prefix(1);
  const std::size_t e = shown.find('e');
  const int exponent = std::atoi(std::string(shown.substr(e + 1)).c_str());
  std::string digits(1, shown[0]);
  if (e > 1) digits += shown.substr(2, e - 2);
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (digits.size() > 1) out.append(".").append(digits, 1);
    out.append(exponent < 0 ? "e-" : "e+");
    if (std::abs(exponent) < 10) out += '0';
    return out + std::to_string(std::abs(exponent));
  }
  if (exponent < 0) return out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() < whole) digits.append(whole - digits.size(), '0');
  out.append(digits, 0, whole).append(".");
  return digits.size() > whole ? out.append(digits, whole) : out.append("0");
}

inline bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return false;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    default: return true;
  }
}

inline std::string hexadecimal(char32_t code, int width) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (int shift = 4 * (width - 1); shift >= 0; shift -= 4) out += digits[code >> shift & 15];
  return out;
}

/// A text as Python's repr() spells it.
inline void write_quoted(Writer& out, const Text& text, bool ascii) {
  const std::string& bytes = text.bytes;
  const char quote = bytes.find('\'') != bytes.npos && bytes.find('"') == bytes.npos ? '"' : '\'';
  const Origin around = bytes.empty() ? text.origin : origin_at(text, 0);
  out.add(std::string_view(&quote, 1), around);
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t begin = at;
    const char32_t c = character_at(bytes, at);
    const Origin origin = origin_at(text, begin);
    if (c == static_cast<char32_t>(quote) || c == '\\') out.add("\\", origin), out.add(c, origin);
    else if (c == '\n') out.add("\\n", origin);
    else if (c == '\r') out.add("\\r", origin);
    else if (c == '\t') out.add("\\t", origin);
    else if (is_printable(c) && (!ascii || c < 0x7F)) out.add(text, begin, at);
    else if (c < 0x100) out.add("\\x" + hexadecimal(c, 2), origin);
    else if (c < 0x10000) out.add("\\u" + hexadecimal(c, 4), origin);
    else out.add("\\U" + hexadecimal(c, 8), origin);
  }
  out.add(std::string_view(&quote, 1), around);
}

inline void write_repr(Machine& m, Writer& out, const Value& v, Origin origin = by_template, bool ascii = false);

inline std::string number_text(Machine& m, const Value& v) {
  if (v.is(Kind::real)) return decimal(v.real());
  if (v.is(Kind::big)) m.step(v.as<Big>().digits.size() * v.as<Big>().digits.size());
  return decimal(v);
}
inline std::string address_of(std::string_view what) { return joined({"<", what, " object>"}); }

/// What has no text of its own, or one that depends on nothing but its kind.
inline std::string shown_object(const Value& v) {
  switch (v.kind()) {
    case Kind::range: {
      const Range& r = v.as<Range>();
      return r.step == 1 ? joined({"range(", r.start, ", ", r.stop, ")"})
                         : joined({"range(", r.start, ", ", r.stop, ", ", r.step, ")"});
    }
    case Kind::function: return joined({"<function ", v.as<Function>().name, ">"});
    case Kind::opaque: return v.as<Opaque>().shown;
    case Kind::iterator: return address_of(v.as<Iterator>().type);
    default: return address_of(type_name(v));
  }
}
inline std::string macro_shown(const Value& v);             // calls.inl
inline std::string loop_shown(Machine& m, const Value& v);  // loops.inl

inline void write_items(Machine& m, Writer& out, const Value& v, Origin origin, bool ascii) {
  out.add(v.is(Kind::list) ? "[" : "(", origin);
  bool first = true;
  for (const Value& item : items_of(v)) {
    if (!first) out.add(", ", origin);
    first = false;
    write_repr(m, out, item, origin, ascii);
  }
  if (v.is(Kind::tuple) && items_of(v).size() == 1) out.add(",", origin);
  out.add(v.is(Kind::list) ? "]" : ")", origin);
}
inline void write_pairs(Machine& m, Writer& out, const Value& v, Origin origin, bool ascii) {
  out.add("{", origin);
  bool first = true;
  for (const auto& [key, item] : pairs_of(v)) {
    if (!first) out.add(", ", origin);
    first = false;
    write_repr(m, out, key, origin, ascii);
    out.add(": ", origin);
    write_repr(m, out, item, origin, ascii);
  }
  out.add("}", origin);
}
/// repr(). `origin`: whose the numbers and what stands between are, where a container does not say.
inline void write_repr(Machine& m, Writer& out, const Value& v, Origin origin, bool ascii) {
  m.step();
  switch (v.kind()) {
    case Kind::undefined: return out.add("Undefined", origin);
    case Kind::none: return out.add("None", origin);
    case Kind::boolean: return out.add(v.boolean() ? "True" : "False", origin);
    case Kind::integer:
    case Kind::big:
    case Kind::real: return out.add(number_text(m, v), origin);
    case Kind::text:
      if (v.text().markup) out.add("Markup(", origin);
      write_quoted(out, v.text(), ascii);
      if (v.text().markup) out.add(")", origin);
      return;
    case Kind::list:
    case Kind::tuple: return write_items(m, out, v, v.as<List>().origin, ascii);
    case Kind::dict: return write_pairs(m, out, v, v.as<Dict>().origin, ascii);
    case Kind::space: {
      std::vector<std::pair<Value, Value>> pairs;
      for (const auto& [name, value] : v.as<Space>().attributes) pairs.emplace_back(Value::of(name), value);
      out.add("<Namespace ", origin);
      const Machine::Deeper more(m);  // a namespace may hold itself
      write_pairs(m, out, make_dict(std::move(pairs)), origin, ascii);
      return out.add(">", origin);
    }
    case Kind::view: {
      out.add(joined({type_name(v), "("}), origin);
      write_items(m, out, make_list(to_vector(m, v), v.as<View>().dict.as<Dict>().origin),
                  v.as<View>().dict.as<Dict>().origin, ascii);
      return out.add(")", origin);
    }
    case Kind::macro: return out.add(macro_shown(v), origin);
    case Kind::loop: return out.add(loop_shown(m, v), origin);
    default: return out.add(shown_object(v), origin);
  }
}
/// str()
inline void write(Machine& m, Writer& out, const Value& v) {
  if (v.is(Kind::text)) return out.add(v.text());
  if (!v.is(Kind::undefined)) write_repr(m, out, v);
}
inline Value as_text(Machine& m, const Value& v) {
  if (v.is(Kind::text) && !v.text().markup) return v;
  Writer out(m);
  write(m, out, v);
  return out.take();
}
/// The same, but markup stays markup.
inline Value soft_text(Machine& m, const Value& v) { return v.is(Kind::text) ? v : as_text(m, v); }

struct JsonStyle {
  bool ascii = false, sort_keys = false;
  bool lines = false;  // an element a line, each as far in as it is deep
  std::string indent{};
  std::string comma = ", ", colon = ": ";
};

inline void write_json_text(Writer& out, const Text& text, Origin around, bool ascii) {
  out.add("\"", around);
  for (std::size_t at = 0; at < text.bytes.size();) {
    const std::size_t begin = at;
    const char32_t c = character_at(text.bytes, at);
    const Origin origin = origin_at(text, begin);
    constexpr std::string_view escaped = "\"\\\n\r\t\f\b", names = "\"\\nrtfb";
    const std::size_t known = c < 0x80 ? escaped.find(static_cast<char>(c)) : escaped.npos;
    if (known != escaped.npos) out.add("\\", origin), out.add(names.substr(known, 1), origin);
    else if (c < 0x20 || (ascii && c >= 0x7F && c < 0x10000)) out.add("\\u" + hexadecimal(c, 4), origin);
    else if (ascii && c >= 0x10000)
      out.add("\\u" + hexadecimal(0xD7C0 + (c >> 10), 4) + "\\u" + hexadecimal(0xDC00 + (c & 0x3FF), 4), origin);
    else out.add(text, begin, at);
  }
  out.add("\"", around);
}
/// A number, true, false or null; empty: it is none of them.
inline std::string json_word(Machine& m, const Value& v) {
  if (v.is(Kind::none)) return "null";
  if (v.is(Kind::boolean)) return v.boolean() ? "true" : "false";
  if (v.is(Kind::real) && std::isnan(v.real())) return "NaN";
  if (v.is(Kind::real) && std::isinf(v.real())) return v.real() < 0 ? "-Infinity" : "Infinity";
  return is_number(v) ? number_text(m, v) : std::string();
}
/// json.dumps()
class JsonWriter {
  Machine& m_;
  Writer& out_;
  const JsonStyle& style_;

  void line(std::size_t level, Origin origin) {
    if (!style_.lines) return;
    out_.add("\n", origin);
    for (std::size_t i = 0; i < level; ++i) out_.add(style_.indent, origin);
  }
  void key(const Value& key, Origin origin) {
    if (key.is(Kind::text)) return write_json_text(out_, key.text(), origin, style_.ascii);
    const std::string word = json_word(m_, key);
    if (word.empty()) m_.fail({"keys must be str, int, float, bool or None, not ", type_name(key)});
    out_.add("\"" + word + "\"", origin);
  }
  void list(const std::vector<Value>& items, Origin origin, std::size_t level) {
    if (items.empty()) return out_.add("[]", origin);
    out_.add("[", origin);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_.add(style_.comma, origin);
      line(level + 1, origin);
      value(items[i], origin, level + 1);
    }
    line(level, origin);
    out_.add("]", origin);
  }
  void dict(const Dict& of, std::size_t level) {
    if (of.items.empty()) return out_.add("{}", of.origin);
    std::vector<std::size_t> order(of.items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (style_.sort_keys) {
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return jinja::order(m_, of.items[a].first, of.items[b].first) < 0;
      });
    }
    out_.add("{", of.origin);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i > 0) out_.add(style_.comma, of.origin);
      line(level + 1, of.origin);
      key(of.items[order[i]].first, of.origin);
      out_.add(style_.colon, of.origin);
      value(of.items[order[i]].second, of.origin, level + 1);
    }
    line(level, of.origin);
    out_.add("}", of.origin);
  }

 public:
  JsonWriter(Machine& m, Writer& out, const JsonStyle& style) : m_(m), out_(out), style_(style) {}
  void value(const Value& v, Origin origin = by_template, std::size_t level = 0) {
    m_.step();
    if (v.is(Kind::text))
      return write_json_text(out_, v.text(), level == 0 && !v.bytes().empty() ? origin_at(v.text(), 0) : origin,
                             style_.ascii);
    if (is_sequence(v)) return list(items_of(v), v.as<List>().origin, level);
    if (v.is(Kind::dict)) return dict(v.as<Dict>(), level);
    const std::string word = json_word(m_, v);
    if (word.empty()) m_.fail({"Object of type ", type_name(v), " is not JSON serializable"});
    out_.add(word, origin);
  }
};
TFM_JINJA std::string to_json(const Value& value) {
  const Program program;
  const Limits limits;
  const Context context;
  Machine machine(program, limits, context);
  Writer out(machine);
  JsonWriter(machine, out, {}).value(value);
  return out.bytes();
}

}  // namespace tfm::inline TFM_ABI::jinja
