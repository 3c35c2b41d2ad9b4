#pragma once
// Filters of single values: texts, numbers, JSON.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/lookup.inl"

namespace tfm::inline TFM_ABI::jinja {

using Filter = Value (*)(Machine&, const Value&, Arguments&);

/// What Python's int(text, base) reads; null where it reads none.
inline std::optional<Value> integer_in(std::string_view text, std::int64_t base) {
  text = trimmed(text);
  bool negative = false;
  if (text.starts_with('+') || text.starts_with('-')) negative = text[0] == '-', text.remove_prefix(1);
  const char mark = text.size() > 1 && text[0] == '0' ? static_cast<char>(text[1] | 0x20) : '\0';
  const std::int64_t said = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  const bool prefixed = said != 0 && (base == 0 || base == said);
  if (prefixed) text.remove_prefix(2), base = said;
  if (prefixed && text.starts_with('_')) text.remove_prefix(1);
  if (base == 0) {
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != text.npos) return std::nullopt;
    base = 10;
  }
  if (base < 2 || base > 36 || text.empty() || text.size() > 4300) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && i > 0 && i + 1 < text.size() && text[i - 1] != '_') continue;
    const char small = static_cast<char>(text[i] | 0x20);
    const int digit = text[i] >= '0' && text[i] <= '9' ? text[i] - '0'
                      : small >= 'a' && small <= 'z'   ? small - 'a' + 10
                                                       : 99;
    if (digit >= base) return std::nullopt;
    digits += text[i];
  }
  Value out = integer_of(digits, static_cast<int>(base));
  if (!negative) return out;
  integers::Number n = integers::number(out);
  n.negative = !n.digits.empty();
  return integers::value(std::move(n));
}
/// What Python's float(text) reads.
inline std::optional<double> real_in(std::string_view text) {
  text = trimmed(text);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') digits += text[i];
    else if (i == 0 || i + 1 == text.size() || text[i - 1] < '0' || text[i - 1] > '9' || text[i + 1] < '0' ||
             text[i + 1] > '9')
      return std::nullopt;
  }
  std::string_view rest = digits;
  if (rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || (rest.size() < digits.size() && rest[0] == '-') || rest.find_first_of("()xX") != rest.npos)
    return std::nullopt;
  double out = 0;
  if (read_real(rest, out) != rest.size()) return std::nullopt;
  return out;
}

namespace filters {

template <Value (*how)(Machine&, const Value&)>
Value text_filter(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "filter", a, {});
  return how(m, soft_text(m, v));
}
inline Value to_upper(Machine& m, const Value& v) { return cased(m, v, Case::upper); }
inline Value to_lower(Machine& m, const Value& v) { return cased(m, v, Case::lower); }
inline Value same_text(Machine&, const Value& v) { return v; }

/// Each word's first letter large; a word begins behind a space, a hyphen or an opening bracket.
inline Value title_words(Machine& m, const Value& v) {
  Writer out(m);
  bool inside = false;
  for (std::size_t at = 0; at < v.bytes().size();) {
    const std::size_t begin = at;
    const char32_t c = character_at(v.bytes(), at);
    const bool between =
        c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || leading_white_space(v.bytes().substr(begin)) > 0;
    add_cased(out, v.text(), begin, at, between || inside ? Case::lower : Case::upper);
    inside = !between;
  }
  return out.take();
}
inline Value trim(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "trim", a, {"chars"});
  return stripped(m, soft_text(m, v), p.says(0) ? &p.text(0) : nullptr, true, true);
}
inline Value replace(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "replace", a, {"old", "new", "count"}, 2);
  return replaced(m, as_text(m, v), as_text(m, p[0]), as_text(m, p[1]), p.says(2) ? p.integer(2, -1) : -1);
}
inline Value center(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "center", a, {"width"});
  return padded(m, soft_text(m, v), p.integer(0, 80), Value::of(" "), true, true);
}
inline Value indent(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "indent", a, {"width", "first", "blank"});
  if (!v.is(Kind::text)) m.fail({"indent: found a value of type '", type_name(v), "', expected a string"});
  Value width = p.value(0, Value::of(std::int64_t{4}));
  if (!width.is(Kind::text)) width = repeated(m, Value::of(" "), Value::of(std::max<std::int64_t>(p.integer(0, 4), 0)));
  const bool first = p.flag(1, false), blank = p.flag(2, false);
  Writer out(m);
  Places all = lines(m, v.bytes(), false);
  // A line break is added and taken away again, so that one at the text's end begins an empty line.
  if (all.empty() || lines(m, v.bytes(), true).back().second > all.back().second)
    all.emplace_back(v.bytes().size(), v.bytes().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [begin, end] = all[i];
    if (i > 0) out.add("\n", origin_at(v.text(), begin == 0 ? 0 : begin - 1));
    if (i == 0 ? first : blank || end > begin) out.add(width.text());
    out.add(v.text(), begin, end);
  }
  return out.take(v.text().markup);
}
inline Value truncate(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "truncate", a, {"length", "killwords", "end", "leeway"});
  const Value end = p.has(2) ? p.text(2) : Value::of("...");
  const std::int64_t length = p.integer(0, 255), leeway = p.says(3) ? p.integer(3, 5) : 5,
                     rest = length - static_cast<std::int64_t>(characters(end.text()));
  if (rest < 0 || leeway < 0)
    m.fail({"truncate: length ", length, " and leeway ", leeway, ", expected at least the end's length and 0"});
  if (length_of(v) && static_cast<std::int64_t>(*length_of(v)) <= length + leeway) return v;
  if (!v.is(Kind::text)) m.fail({"truncate: found a value of type '", type_name(v), "', expected a string"});
  const std::size_t cut = byte_of(v.text(), static_cast<std::size_t>(rest));
  const std::size_t space = p.flag(1, false) ? std::string::npos : v.bytes().substr(0, cut).rfind(' ');
  Writer out(m);
  out.add(v.text(), 0, std::min(cut, space));
  out.add(end.text());
  return out.take(v.text().markup);
}
inline Value wordcount(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "wordcount", a, {});
  const Value text = soft_text(m, v);
  std::int64_t count = 0;
  for (std::size_t at = 0, inside = 0; at < text.bytes().size();) {
    const char32_t c = character_at(text.bytes(), at);
    const std::size_t word = is_letter(c) || is_numeric(c) || c == '_' ? 1 : 0;
    if (word > inside) ++count;
    inside = word;
  }
  return Value::of(count);
}
inline Value wordwrap(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "wordwrap", a, {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  if (!v.is(Kind::text)) m.fail({"wordwrap: found a value of type '", type_name(v), "', expected a string"});
  const std::int64_t width = p.integer(0, 79);
  if (width <= 0) m.fail({"invalid width ", width, " (must be > 0)"});
  const Value between = p.says(2) ? p.text(2) : Value::of("\n");
  Writer out(m);
  bool first_line = true;
  for (const auto& [from, to] : lines(m, v.bytes(), false)) {
    if (!std::exchange(first_line, false)) out.add(between.text());
    const std::string_view bytes = v.bytes();
    std::size_t at = from, line_begin = from, line_end = from;
    bool any = false;
    const auto length = [&](std::size_t begin, std::size_t end) {
      return static_cast<std::int64_t>(count_characters(bytes.substr(begin, end - begin)));
    };
    const auto flush = [&] {
      if (line_end == line_begin) return;
      if (std::exchange(any, true)) out.add(between.text());
      out.add(v.text(), line_begin, line_end);
      line_begin = line_end;
    };
    while (at < to) {
      m.step();
      std::size_t word = at, end = at;
      while (const std::size_t space = word < to ? leading_white_space(bytes.substr(word, to - word)) : 0)
        word += space;
      for (end = word; end < to && leading_white_space(bytes.substr(end, to - end)) == 0;) {
        const bool hyphen = bytes[end] == '-' && end > word && p.flag(3, true);
        ++end;
        if (hyphen && end < to && bytes[end] != '-' && leading_white_space(bytes.substr(end, 4)) == 0) break;
      }
      if (word == to) break;
      if (length(line_begin, end) > width) flush(), line_begin = line_end = word;
      if (line_end == line_begin && any) line_begin = word;
      while (p.flag(1, true) && length(line_begin, end) > width) {
        line_end = line_begin;
        for (std::int64_t i = 0; i < width; ++i) character_at(bytes, line_end);
        flush();
      }
      line_end = at = end;
    }
    flush();
  }
  return out.take(v.text().markup);
}
inline Value striptags(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "striptags", a, {});
  const Value text = as_text(m, v);
  Writer bare(m);
  for (std::size_t at = 0; at < text.bytes().size();) {
    const bool comment = text.bytes().substr(at).starts_with("<!--");
    const std::size_t end = text.bytes()[at] != '<' ? std::string::npos
                            : comment               ? find_text(m, text.bytes(), "-->", at)
                                                    : find_text(m, text.bytes(), ">", at);
    if (end != std::string::npos) at = end + (comment ? 3 : 1);
    else bare.add(text.text(), at, at + 1), ++at;
  }
  const Value plain = bare.take();
  Value out = joined_by(m, Value::of(" "), m.list(texts_of(m, plain, words(m, plain.bytes(), -1, false))), true);
  constexpr std::array<std::pair<const char*, const char*>, 6> entities{
      {{"&lt;", "<"}, {"&gt;", ">"}, {"&#34;", "\""}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}};
  for (const auto& [name, character] : entities) out = replaced(m, out, Value::of(name), Value::of(character), -1);
  return out;
}
inline Value escape(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "escape", a, {});
  return escaped(m, v);
}
inline Value forceescape(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "forceescape", a, {});
  return escaped(m, as_text(m, v));
}
inline Value safe(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "safe", a, {});
  Writer out(m);
  write(m, out, v);
  return out.take(true);
}
inline Value format(Machine& m, const Value& v, Arguments& a) {
  if (!a.values.empty() && !a.named.empty())
    m.fail({"format: can't handle positional and keyword arguments at the same time"});
  std::vector<std::pair<Value, Value>> named;
  for (auto& [name, value] : a.named) named.emplace_back(m.text(name), std::move(value));
  return format_percent(m, soft_text(m, v),
                        named.empty() ? m.list(std::move(a.values), Kind::tuple) : make_dict(std::move(named)));
}
inline void quote_url(Writer& out, const Text& text, bool query) {
  for (std::size_t i = 0; i < text.bytes.size(); ++i) {
    const char c = text.bytes[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    const Origin origin = origin_at(text, i);
    if (plain) out.add(std::string_view(&c, 1), origin);
    else if (c == ' ' && query) out.add("+", origin);
    else out.add("%" + small_or_large(hexadecimal(static_cast<unsigned char>(c), 2), true), origin);
  }
}
inline Value urlencode(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "urlencode", a, {});
  Writer out(m);
  if (v.is(Kind::text) || !is_iterable(v)) return quote_url(out, as_text(m, v).text(), false), out.take();
  const std::vector<Value> items =
      v.is(Kind::dict) ? to_vector(m, container_methods::view(v, View::Of::items)) : to_vector(m, v);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::vector<Value> pair = to_vector(m, items[i]);
    if (pair.size() != 2) m.fail({"urlencode: expected pairs"});
    if (i > 0) out.add("&", by_template);
    quote_url(out, as_text(m, pair[0]).text(), true);
    out.add("=", by_template);
    quote_url(out, as_text(m, pair[1]).text(), true);
  }
  return out.take();
}
inline Value xmlattr(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "xmlattr", a, {"autospace"});
  if (!v.is(Kind::dict)) m.fail({"xmlattr: found a value of type '", type_name(v), "', expected a mapping"});
  Writer out(m);
  for (const auto& [key, value] : pairs_of(v)) {
    if (value.is(Kind::none) || value.is(Kind::undefined)) continue;
    if (!key.is(Kind::text) || key.bytes().find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      m.fail({"xmlattr: invalid character in an attribute's name"});
    if (out.size() > 0 || p.flag(0, true)) out.add(" ", by_template);
    out.add(escaped(m, key).text());
    out.add("=\"", by_template);
    out.add(escaped(m, value).text());
    out.add("\"", by_template);
  }
  return out.take();
}
inline Value filesizeformat(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "filesizeformat", a, {"binary"});
  const bool binary = p.flag(0, false);
  const auto read = v.is(Kind::text) ? real_in(v.bytes()) : is_number(v) ? std::optional(as_real(v)) : std::nullopt;
  if (!read) m.fail({"filesizeformat: found a value of type '", type_name(v), "', expected a number"});
  const double bytes = *read, base = binary ? 1024 : 1000;
  if (bytes == 1) return m.text("1 Byte");
  if (bytes < base) return m.text(decimal(whole_of(bytes)) + " Bytes");
  double unit = base;
  std::size_t i = 0;
  for (unit *= base; i < 7 && bytes >= unit; ++i) unit *= base;
  const std::string_view prefix = std::string_view(binary ? "KMGTPEZY" : "kMGTPEZY").substr(i, 1);
  return m.text(joined({real_digits(m, base * bytes / unit, 'f', 1, false), " ", prefix, binary ? "iB" : "B"}));
}

inline Value absolute(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "abs", a, {});
  if (v.is(Kind::real)) return Value::of(std::abs(v.real()));
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  if (!is_integer(v)) m.fail({"bad operand type for abs(): '", type_name(v), "'"});
  return compare_numbers(v, Value::of(std::int64_t{0})) < 0 ? negative(m, v) : positive(m, v);
}
inline Value to_integer(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "int", a, {"default", "base"});
  const Value otherwise = p.value(0, Value::of(std::int64_t{0}));
  if (v.is(Kind::text)) {
    if (auto read = integer_in(v.bytes(), p.integer(1, 10))) return *read;
    const auto real = real_in(v.bytes());
    return real && std::isfinite(*real) ? whole_of(*real) : otherwise;
  }
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  if (is_integer(v)) return positive(m, v);
  return v.is(Kind::real) && std::isfinite(v.real()) ? whole_of(v.real()) : otherwise;
}
inline Value to_real(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "float", a, {"default"});
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  if (is_number(v)) return Value::of(as_real(v));
  const auto read = v.is(Kind::text) ? real_in(v.bytes()) : std::nullopt;
  return read ? Value::of(*read) : p.value(0, Value::of(0.0));
}
inline Value round(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "round", a, {"precision", "method"});
  const std::string_view how = p.has(1) ? p.text(1).bytes() : "common";
  const std::int64_t places = p.integer(0, 0);
  if (how != "common" && how != "ceil" && how != "floor") m.fail({"method must be common, ceil or floor"});
  if (!is_number(v)) m.fail({"round: found a value of type '", type_name(v), "', expected a number"});
  if (places > 300 || places < -300) m.fail({"round to ", places, " digits, expected at most 300"});
  if (how != "common") {
    const double scale = std::pow(10.0, static_cast<double>(places)), scaled = as_real(v) * scale;
    if (!std::isfinite(scaled)) m.fail({"round: found a number that is not finite"});
    const Value whole = whole_of(how == "ceil" ? std::ceil(scaled) : std::floor(scaled));
    return Value::of(as_real(whole) / scale);
  }
  if (is_integer(v) && places >= 0) return positive(m, v);
  if (!is_integer(v) && (!std::isfinite(v.real()) || places > 22)) return v;
  double out = 0;
  if (places >= 0) {
    const std::string digits =
        (std::signbit(v.real()) ? "-" : "") + real_digits(m, std::abs(v.real()), 'f', places, false);
    read_real(digits, out);
    return Value::of(out);
  }
  const double scale = std::pow(10.0, static_cast<double>(-places));
  out = std::nearbyint(as_real(v) / scale) * scale;
  return is_integer(v) ? whole_of(out) : Value::of(out);
}

inline Value to_json_text(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "tojson", a, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii = p.flag(0, false);
  style.sort_keys = p.flag(3, false);
  if (p.says(1)) {
    style.lines = true;
    style.comma = ",";
    if (p[1].is(Kind::text)) style.indent = p[1].bytes();
    else style.indent = repeated(m, Value::of(" "), Value::of(std::max<std::int64_t>(p.integer(1, 0), 0))).bytes();
  }
  if (p.says(2)) {
    const std::vector<Value> separators = to_vector(m, p[2]);
    if (separators.size() != 2 || !separators[0].is(Kind::text) || !separators[1].is(Kind::text))
      p.wrong(2, "two strings");
    style.comma = separators[0].bytes();
    style.colon = separators[1].bytes();
  }
  Writer out(m);
  JsonWriter(m, out, style).value(v);
  return out.take();
}
inline Value otherwise(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "default", a, {"default_value", "boolean"});
  return v.is(Kind::undefined) || (p.flag(1, false) && !truth(v)) ? p.value(0, Value::of("")) : v;
}
inline Value attr(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "attr", a, {"name"}, 1);
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  const auto found = python_attribute(m, v, p.text(0).bytes());
  return found ? *found : undefined(joined({object_name(v), " has no attribute '", p[0].bytes(), "'"}));
}
inline Value length(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "length", a, {});
  if (v.is(Kind::loop)) return *loop_attribute(m, v, "length");
  const auto length = length_of(v);
  if (!length) m.fail({"object of type '", type_name(v), "' has no len()"});
  if (v.is(Kind::text)) m.step(v.bytes().size() / 64);
  return Value::of(static_cast<std::int64_t>(*length));
}

}  // namespace filters
}  // namespace tfm::inline TFM_ABI::jinja
