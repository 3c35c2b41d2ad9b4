#pragma once
// Texts with places for values: Python's % and str.format.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/case.inl"
#include "tfm/text/jinja/parameters.inl"

namespace tfm::inline TFM_ABI::jinja {

inline std::optional<Value> get_attribute(Machine& m, const Value& object, std::string_view name);  // lookup.inl
inline Value get_item(Machine& m, const Value& object, const Value& key);

/// How a value is written at its place.
struct FieldStyle {
  std::string fill = " ";
  char align = '\0', sign = '-', grouping = '\0', type = '\0';
  bool alternate = false, zeros = false;
  std::int64_t width = 0, precision = -1;
};

inline std::string small_or_large(std::string text, bool large) {
  if (large)
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return text;
}
/// A size (no sign) in the manner of type e, f, g or %.
inline std::string real_digits(Machine& m, double size, char type, std::int64_t precision, bool alternate) {
  if (std::isnan(size)) return "nan";
  if (std::isinf(size)) return "inf";
  if (precision > 1000) m.fail({"more than 1000 digits behind the point"});
  std::array<char, 1500> buffer;
  const auto how = type == 'e'   ? std::chars_format::scientific
                   : type == 'g' ? std::chars_format::general
                                 : std::chars_format::fixed;
  const int digits = type == 'g' && precision == 0 ? 1 : static_cast<int>(precision);
  std::string out(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), size, how, digits).ptr);
  if (alternate && out.find('.') == out.npos && type != 'g') out.insert(std::min(out.find('e'), out.size()), ".");
  return out;
}
/// The digits of an integer's size to a base.
inline std::string integer_digits(Machine& m, const Value& v, unsigned base) {
  if (base == 10) {
    std::string out = number_text(m, v.is(Kind::boolean) ? Value::of(v.integer()) : v);
    return out.starts_with('-') ? out.substr(1) : out;
  }
  integers::Number n = integers::number(v);
  m.step(n.digits.size() * n.digits.size() + 1);
  std::string out;
  while (!n.digits.empty()) out += "0123456789abcdef"[integers::divide(n.digits, base)];
  std::reverse(out.begin(), out.end());
  return out.empty() ? "0" : out;
}
inline void group(std::string& digits, char by, std::size_t every) {
  const std::size_t end = std::min(digits.find_first_not_of("0123456789abcdefABCDEF"), digits.size());
  for (std::size_t at = end; at > every; digits.insert(at, 1, by)) at -= every;
}
/// sign, prefix and digits, as wide as the style asks.
inline Value number_field(Machine& m, std::string sign, std::string digits, const FieldStyle& style, char align) {
  const auto length = static_cast<std::int64_t>(sign.size() + digits.size());
  if (style.width > 1'000'000) m.fail({"a field of more than 1000000 characters"});
  const std::int64_t missing = std::max<std::int64_t>(style.width - length, 0);
  if (missing == 0) return m.text(sign + digits);
  std::string fill;
  for (std::int64_t i = 0; i < missing; ++i) fill += style.fill;
  if (align == '=') return m.text(sign + fill + digits);
  if (align == '<') return m.text(sign + digits + fill);
  if (align == '>') return m.text(fill + sign + digits);
  const std::size_t left = static_cast<std::size_t>(missing / 2) * style.fill.size();
  return m.text(fill.substr(0, left) + sign + digits + fill.substr(left));
}
inline Value real_field(Machine& m, double number, const FieldStyle& style, char align) {
  const char type = style.type == '\0' ? 'r' : static_cast<char>(style.type | 0x20);
  const bool negative = std::signbit(number) && !std::isnan(number);
  std::string digits;
  double size = std::abs(number);
  if (style.type == '%')
    digits = real_digits(m, size * 100, 'f', style.precision < 0 ? 6 : style.precision, style.alternate) + "%";
  else if (type != 'r' && type != 'n')
    digits = real_digits(m, size, type, style.precision < 0 ? 6 : style.precision, style.alternate);
  else if (style.precision < 0) digits = decimal(size);
  else if (digits = real_digits(m, size, 'g', std::max<std::int64_t>(style.precision, 1), false);
           type == 'r' && digits.find_first_of(".en") == digits.npos)
    digits += ".0";
  if (style.grouping != '\0') group(digits, style.grouping, 3);
  return number_field(m,
                      negative            ? "-"
                      : style.sign == '-' ? ""
                                          : std::string(1, style.sign),
                      small_or_large(std::move(digits), style.type >= 'A' && style.type <= 'Z'), style, align);
}
inline Value integer_field(Machine& m, const Value& v, const FieldStyle& style, char align) {
  const char type = style.type == '\0' || style.type == 'n' ? 'd' : style.type;
  const bool negative = v.is(Kind::big) ? v.as<Big>().negative : v.integer() < 0;
  std::string sign = negative ? "-" : style.sign == '-' ? "" : std::string(1, style.sign);
  const char small = static_cast<char>(type | 0x20);
  if (style.alternate && small != 'd') sign += type == 'X' ? "0X" : std::string("0") + small;
  std::string digits = integer_digits(m, v, small == 'x' ? 16 : small == 'o' ? 8 : small == 'b' ? 2 : 10);
  if (static_cast<std::int64_t>(digits.size()) < style.precision && style.precision <= 1000)
    digits.insert(0, static_cast<std::size_t>(style.precision) - digits.size(), '0');
  if (style.grouping != '\0') group(digits, style.grouping, small == 'd' ? 3 : 4);
  return number_field(m, std::move(sign), small_or_large(std::move(digits), type == 'X'), style, align);
}
inline Value text_field(Machine& m, const Value& text, const FieldStyle& style, char align) {
  Value shown = text;
  if (style.precision >= 0) shown = *slice(m, text, Value::none(), Value::of(style.precision), Value::none());
  if (style.width > 1'000'000) m.fail({"a field of more than 1000000 characters"});
  const std::int64_t missing = style.width - static_cast<std::int64_t>(characters(shown.text()));
  if (missing <= 0) return shown;
  const std::int64_t left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
  Writer out(m);
  for (std::int64_t i = 0; i < missing; ++i) {
    if (i == left) out.add(shown.text());
    out.add(style.fill, by_template);
  }
  if (left == missing) out.add(shown.text());
  return out.take();
}

/// Reads digits, which may be missing.
inline std::int64_t take_number(Machine& m, std::string_view format, std::size_t& at, std::int64_t otherwise) {
  if (at >= format.size() || format[at] < '0' || format[at] > '9') return otherwise;
  std::int64_t number = 0;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at)
    if ((number = number * 10 + (format[at] - '0')) > 1'000'000'000) m.fail({"a number in a format that is too large"});
  return number;
}

// --- %

class PercentFormat {
  Machine& m_;
  const Value& format_;
  const Value& arguments_;
  std::size_t next_ = 0;

  const Value& argument() {
    if (!arguments_.is(Kind::tuple)) {
      if (next_++ > 0) m_.fail({"not enough arguments for format string"});
      return arguments_;
    }
    if (next_ >= items_of(arguments_).size()) m_.fail({"not enough arguments for format string"});
    return items_of(arguments_)[next_++];
  }
  std::int64_t star(std::string_view format, std::size_t& at, std::int64_t otherwise) {
    if (at >= format.size() || format[at] != '*') return take_number(m_, format, at, otherwise);
    ++at;
    const Value& v = argument();
    if (!v.is(Kind::integer)) m_.fail({"* wants int"});
    return v.integer();
  }
  Value field(const Value& v, const FieldStyle& style) {
    const char align = style.align == '<' ? '<' : style.zeros ? '=' : '>';
    FieldStyle filled = style;
    if (align == '=') filled.fill = "0";
    switch (style.type) {
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        filled.type = style.type == 'i' || style.type == 'u' ? 'd' : style.type;
        if (v.is(Kind::real) && filled.type == 'd' && std::isfinite(v.real()))
          return integer_field(m_, whole_of(v.real()), filled, align);
        if (!is_integer(v))
          m_.fail({"%", std::string_view(&style.type, 1), " format: a number is required, not ", type_name(v)});
        return integer_field(m_, v, filled, align);
      }
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        if (!is_number(v)) m_.fail({"must be real number, not ", type_name(v)});
        return real_field(m_, as_real(v), filled, align);
      case 'c': {
        std::string one;
        if (v.is(Kind::integer) && v.integer() >= 0 && v.integer() < 0x110000)
          append_character(one, static_cast<char32_t>(v.integer()));
        else if (!v.is(Kind::text) || characters(v.text()) != 1) m_.fail({"%c requires int or char"});
        return text_field(m_, v.is(Kind::text) ? v : m_.text(one), style, style.align == '<' ? '<' : '>');
      }
      case 's': return text_field(m_, as_text(m_, v), style, style.align == '<' ? '<' : '>');
      case 'r':
      case 'a': {
        Writer out(m_);
        write_repr(m_, out, v, by_template, style.type == 'a');
        return text_field(m_, out.take(), style, style.align == '<' ? '<' : '>');
      }
      default: m_.fail({"unsupported format character '", std::string_view(&style.type, 1), "'"});
    }
  }

 public:
  PercentFormat(Machine& m, const Value& format, const Value& arguments)
      : m_(m), format_(format), arguments_(arguments) {}
  Value operator()() {
    const std::string_view format = format_.bytes();
    Writer out(m_);
    for (std::size_t at = 0; at < format.size();) {
      const std::size_t percent = std::min(format.find('%', at), format.size());
      out.add(format_.text(), at, percent);
      if ((at = percent) == format.size()) break;
      ++at;
      FieldStyle style;
      const Value* keyed = nullptr;
      if (at < format.size() && format[at] == '(') {
        const std::size_t end = format.find(')', at);
        if (end == format.npos) m_.fail({"incomplete format key"});
        if (!arguments_.is(Kind::dict)) m_.fail({"format requires a mapping"});
        const Value key = m_.text(std::string(format.substr(at + 1, end - at - 1)));
        keyed = find(&m_, arguments_, key);
        if (keyed == nullptr) m_.fail({"no value for '", key.bytes(), "' in a format"});
        at = end + 1;
      }
      for (; at < format.size() && std::string_view("#0- +").find(format[at]) != std::string_view::npos; ++at) {
        if (format[at] == '#') style.alternate = true;
        else if (format[at] == '0') style.zeros = true;
        else if (format[at] == '-') style.align = '<';
        else if (style.sign != '+') style.sign = format[at];
      }
      style.width = star(format, at, 0);
      if (style.width < 0) style.align = '<', style.width = -style.width;
      if (at < format.size() && format[at] == '.') style.precision = std::max<std::int64_t>(star(format, ++at, 0), 0);
      while (at < format.size() && (format[at] == 'l' || format[at] == 'h' || format[at] == 'L')) ++at;
      if (at == format.size()) m_.fail({"incomplete format"});
      style.type = format[at++];
      if (style.type == '%') {
        out.add("%", origin_at(format_.text(), percent));
        continue;
      }
      const Value written = field(keyed != nullptr ? *keyed : argument(), style);
      out.add((format_.text().markup ? escaped(m_, written) : written).text());
    }
    const bool all = arguments_.is(Kind::tuple) ? next_ == items_of(arguments_).size()
                                                : next_ > 0 || arguments_.is(Kind::dict) || arguments_.is(Kind::list) ||
                                                      arguments_.is(Kind::range) || arguments_.is(Kind::undefined);
    if (!all) m_.fail({"not all arguments converted during string formatting"});
    return out.take(format_.text().markup);
  }
};
inline Value format_percent(Machine& m, const Value& format, const Value& arguments) {
  return PercentFormat(m, format, arguments)();
}

}  // namespace tfm::inline TFM_ABI::jinja
