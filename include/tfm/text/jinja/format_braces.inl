#pragma once
// str.format: {} {0} {name} {a.b[c]!r:>10}, by Python's format specification mini-language.
#include <string>
#include <string_view>
#include <utility>

#include "tfm/text/jinja/format.inl"

namespace tfm::inline TFM_ABI::jinja {

inline FieldStyle field_style(Machine& m, std::string_view spec) {
  FieldStyle style;
  std::size_t at = 0, first = 0;
  if (!spec.empty()) character_at(spec, first);
  const auto is_align = [&](std::size_t i) {
    return i < spec.size() && std::string_view("<>=^").find(spec[i]) != std::string_view::npos;
  };
  if (is_align(first)) style.fill = spec.substr(0, first), style.align = spec[first], at = first + 1;
  else if (is_align(0)) style.align = spec[0], at = 1;
  const auto take = [&](std::string_view any, char& to) {
    if (at < spec.size() && any.find(spec[at]) != any.npos) to = spec[at++];
  };
  char flag = '\0';
  take("+- ", style.sign);
  take("#", flag);
  style.alternate = flag == '#';
  if (at < spec.size() && spec[at] == '0') {
    ++at;
    if (style.align == '\0') style.fill = "0", style.zeros = true;
  }
  style.width = take_number(m, spec, at, 0);
  take(",_", style.grouping);
  if (at < spec.size() && spec[at] == '.') {
    style.precision = take_number(m, spec, ++at, -1);
    if (style.precision < 0) m.fail({"a format's precision is missing"});
  }
  if (at < spec.size()) style.type = spec[at++];
  if (at < spec.size()) m.fail({"invalid format specifier '", spec, "'"});
  return style;
}
inline Value formatted(Machine& m, const Value& v, std::string_view spec) {
  if (spec.empty()) return as_text(m, v);
  FieldStyle style = field_style(m, spec);
  const auto refuse = [&]() { m.fail({"format '", spec, "' for an object of type '", type_name(v), "'"}); };
  const auto among = [&](std::string_view types) { return style.type == '\0' || types.find(style.type) != types.npos; };
  if (is_integer(v) && among("bcdoxXn") && style.type != 'c' && !(v.is(Kind::boolean) && style.type == '\0')) {
    if (style.precision >= 0) m.fail({"Precision not allowed in integer format specifier"});
    const char align = style.align != '\0' ? style.align : style.zeros ? '=' : '>';
    return integer_field(m, v, style, align);
  }
  if (is_number(v) && style.type != '\0' ? among("eEfFgG%n") : v.is(Kind::real)) {
    return real_field(m, as_real(v), style, style.align != '\0' ? style.align : style.zeros ? '=' : '>');
  }
  if (!v.is(Kind::text) && !v.is(Kind::boolean)) refuse();
  if (!among("s") || style.align == '=' || style.sign != '-' || style.grouping != '\0') refuse();
  return text_field(m, as_text(m, v), style, style.align != '\0' ? style.align : '<');
}

class BracesFormat {
  Machine& m_;
  const Value& format_;
  Arguments& arguments_;
  std::int64_t next_ = 0;  // of {}; -1: fields have numbers

  Value argument(std::string_view name) {
    std::size_t at = 0;
    std::int64_t place = take_number(m_, name, at, -1);
    if (at < name.size()) {
      for (const auto& [key, value] : arguments_.named)
        if (key == name) return value;
      m_.fail({"no argument '", name, "' for a format"});
    }
    if (name.empty()) {
      if (next_ < 0) m_.fail({"cannot switch from manual field specification to automatic field numbering"});
      place = next_++;
    } else {
      if (next_ > 0) m_.fail({"cannot switch from automatic field numbering to manual field specification"});
      next_ = -1;
    }
    if (place >= static_cast<std::int64_t>(arguments_.values.size()))
      m_.fail({"Replacement index ", place, " out of range for positional args tuple"});
    return arguments_.values[static_cast<std::size_t>(place)];
  }
  /// a.b[c]
  Value field(std::string_view name) {
    std::size_t at = std::min(name.find_first_of(".["), name.size());
    Value v = argument(name.substr(0, at));
    while (at < name.size()) {
      const bool item = name[at] == '[';
      const std::size_t end = std::min(item ? name.find(']', at) : name.find_first_of(".[", at + 1), name.size());
      const std::string_view key = name.substr(at + 1, end - at - 1);
      if (key.empty() || (item && end == name.size())) m_.fail({"Empty attribute in format string"});
      std::size_t digits = 0;
      const std::int64_t number = take_number(m_, key, digits, -1);
      if (item) {
        v = get_item(m_, v, digits == key.size() ? Value::of(number) : m_.text(std::string(key)));
      } else {
        const auto attribute = get_attribute(m_, v, key);
        v = attribute ? *attribute : undefined("a format's attribute is undefined");
      }
      at = item ? end + 1 : end;
    }
    return v;
  }
  Value converted(const Value& v, std::string_view how) {
    if (how == "s") return as_text(m_, v);
    if (how != "r" && how != "a") m_.fail({"Unknown conversion specifier '", how, "'"});
    Writer out(m_);
    write_repr(m_, out, v, by_template, how == "a");
    return out.take();
  }
  void replace(Writer& out, std::string_view inside) {
    const std::size_t bracket = inside.find('[');
    std::size_t colon =
        inside.find(':', bracket == inside.npos || inside.find(':') < bracket ? 0 : inside.find(']', bracket));
    std::string_view name = inside.substr(0, colon);
    std::string spec(colon == inside.npos ? std::string_view() : inside.substr(colon + 1));
    const std::size_t mark = name.find('!');
    const std::string_view how = mark == name.npos ? std::string_view() : name.substr(mark + 1);
    Value v = field(name.substr(0, mark));
    if (mark != name.npos) v = converted(v, how);
    if (spec.find('{') != spec.npos) {  // fields inside of a field's format
      Writer inner(m_);
      write_all(inner, spec, by_template, 1);
      spec = inner.bytes();
    }
    const Value shown = formatted(m_, v, spec);
    out.add((format_.text().markup ? escaped(m_, shown) : shown).text());
  }
  void write_all(Writer& out, std::string_view format, Origin origin, int level) {
    for (std::size_t at = 0; at < format.size();) {
      const std::size_t brace = std::min(format.find_first_of("{}", at), format.size());
      const auto put = [&](std::size_t from, std::size_t to) {
        if (level == 0) out.add(format_.text(), from, to);
        else out.add(format.substr(from, to - from), origin);
      };
      put(at, brace);
      if ((at = brace) == format.size()) return;
      if (at + 1 < format.size() && format[at + 1] == format[at]) {
        put(at, at + 1);
        at += 2;
        continue;
      }
      if (format[at] == '}') m_.fail({"Single '}' encountered in format string"});
      std::size_t end = ++at;
      for (int open = 1; end < format.size() && (open += format[end] == '{' ? 1 : format[end] == '}' ? -1 : 0) > 0;)
        ++end;
      if (end >= format.size()) m_.fail({"Single '{' encountered in format string"});
      if (level > 1) m_.fail({"Max string recursion exceeded"});
      replace(out, format.substr(at, end - at));
      at = end + 1;
    }
  }

 public:
  BracesFormat(Machine& m, const Value& format, Arguments& arguments) : m_(m), format_(format), arguments_(arguments) {}
  Value operator()() {
    Writer out(m_);
    write_all(out, format_.bytes(), by_template, 0);
    return out.take(format_.text().markup);
  }
};
inline Value format_braces(Machine& m, const Value& format, Arguments& arguments) {
  return BracesFormat(m, format, arguments)();
}

}  // namespace tfm::inline TFM_ABI::jinja
