#pragma once
// The methods of Python's str that templates may call.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/format_braces.inl"
#include "tfm/text/jinja/text_parts.inl"

namespace tfm::inline TFM_ABI::jinja {
namespace text_methods {

using Call = Value (*)(Machine&, const Function&, Arguments&);

template <Case how>
Value to_case(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return cased(m, f.self, how);
}
template <Value (*how)(Machine&, const Value&)>
Value whole(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return how(m, f.self);
}
template <bool left, bool right>
Value strip(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""});
  return stripped(m, f.self, p.says(0) ? &p.text(0) : nullptr, left, right);
}
template <bool from_right>
Value split(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"sep", "maxsplit"});
  const std::int64_t most = p.integer(1, -1);
  if (!p.says(0)) return m.list(texts_of(m, f.self, words(m, f.self.bytes(), most, from_right)));
  if (p.text(0).bytes().empty()) m.fail({"empty separator"});
  return m.list(texts_of(m, f.self, separated(m, f.self.bytes(), p.text(0).bytes(), most, from_right)));
}
inline Value splitlines(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"keepends"});
  return m.list(texts_of(m, f.self, lines(m, f.self.bytes(), p.flag(0, false))));
}
template <bool from_right>
Value partition(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  if (p.text(0).bytes().empty()) m.fail({"empty separator"});
  const std::string_view text = f.self.bytes(), by = p[0].bytes();
  const Places parts = separated(m, text, by, 1, from_right);
  const Value none = part(m, f.self, 0, 0);
  if (parts.size() == 1)
    return m.list(from_right ? std::vector{none, none, f.self} : std::vector{f.self, none, none}, Kind::tuple);
  return m.list({part(m, f.self, 0, parts[0].second), part(m, f.self, parts[0].second, parts[1].first),
                 part(m, f.self, parts[1].first, text.size())},
                Kind::tuple);
}
inline Value replace(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", "", "count"}, 2);
  p.text(0), p.text(1);
  return replaced(m, f.self, p[0], f.self.text().markup ? escaped(m, p[1]) : p[1], p.integer(2, -1));
}
inline Value join(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  return joined_by(m, f.self, p[0], true);
}

/// The bytes that [begin:end] of a method with such parameters are; npos as begin: none at all.
inline std::pair<std::size_t, std::size_t> bounds(Machine& m, const Value& self, const Parameters& p,
                                                  std::size_t first) {
  if (!p.says(first) && !p.says(first + 1)) return {0, self.bytes().size()};
  const auto length = static_cast<std::int64_t>(characters(self.text()));
  const auto clamp = [&](std::int64_t i) { return i < 0 ? std::max<std::int64_t>(i + length, 0) : i; };
  const std::int64_t begin = clamp(p.says(first) ? p.integer(first, 0) : 0),
                     end = std::min(clamp(p.says(first + 1) ? p.integer(first + 1, 0) : length), length);
  m.step(self.bytes().size() / 8);
  if (begin > end) return {std::string::npos, 0};
  return {byte_of(self.text(), static_cast<std::size_t>(begin)), byte_of(self.text(), static_cast<std::size_t>(end))};
}
enum class Search : unsigned char { find, rfind, index, rindex, count };
template <Search how>
Value search(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", "", ""}, 1);
  const std::string_view part = p.text(0).bytes();
  const auto [begin, end] = bounds(m, f.self, p, 1);
  std::size_t found = std::string::npos;
  if (begin != std::string::npos) {
    const std::string_view text = f.self.bytes().substr(begin, end - begin);
    if constexpr (how == Search::count) {
      std::int64_t count = 0;
      if (part.empty()) return Value::of(static_cast<std::int64_t>(count_characters(text)) + 1);
      for (std::size_t at = 0; (at = find_text(m, text, part, at)) != text.npos; at += part.size()) ++count;
      return Value::of(count);
    }
    m.step(text.size() / 64 * (how == Search::rfind || how == Search::rindex ? part.size() / 16 + 1 : 1));
    found = how == Search::rfind || how == Search::rindex ? text.rfind(part) : find_text(m, text, part);
  }
  if constexpr (how == Search::count) return Value::of(std::int64_t{0});
  if (found == std::string::npos) {
    if (how == Search::index || how == Search::rindex) m.fail({"substring not found"});
    return Value::of(std::int64_t{-1});
  }
  return Value::of(static_cast<std::int64_t>(count_characters(f.self.bytes().substr(0, begin + found))));
}
template <bool at_end>
Value affix(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", "", ""}, 1);
  const auto [begin, end] = bounds(m, f.self, p, 1);
  const auto has = [&, first = begin, last = end](const Value& v) {
    if (!v.is(Kind::text)) m.fail({f.name, " first arg must be str or a tuple of str, not ", type_name(v)});
    if (first == std::string::npos) return false;
    const std::string_view text = f.self.bytes().substr(first, last - first);
    return at_end ? text.ends_with(v.bytes()) : text.starts_with(v.bytes());
  };
  if (!p[0].is(Kind::tuple)) return Value::of(has(p[0]));
  return Value::of(std::any_of(items_of(p[0]).begin(), items_of(p[0]).end(), has));
}
template <bool at_end>
Value without_affix(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  const std::string_view text = f.self.bytes(), affix = p.text(0).bytes();
  if (at_end) return part(m, f.self, 0, text.ends_with(affix) ? text.size() - affix.size() : text.size());
  return part(m, f.self, text.starts_with(affix) ? affix.size() : 0, text.size());
}
template <bool left, bool right>
Value justify(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", ""}, 1);
  const Value fill = p.has(1) ? p.text(1) : Value::of(" ");
  if (characters(fill.text()) != 1) m.fail({"the fill character must be exactly one character long"});
  return padded(m, f.self, p.integer(0, 0), f.self.text().markup ? escaped(m, fill) : fill, left, right);
}
inline Value zfill(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  const std::string_view text = f.self.bytes();
  const std::size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  const Value digits = part(m, f.self, sign, text.size());
  Writer out(m);
  out.add(f.self.text(), 0, sign);
  out.add(padded(m, digits, p.integer(0, 0) - static_cast<std::int64_t>(sign), Value::of("0"), true, false).text());
  return out.take(f.self.text().markup);
}
inline Value expandtabs(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"tabsize"});
  const std::int64_t width = p.integer(0, 8);
  if (width > 1024) m.fail({"a tab of more than 1024 characters"});
  Writer out(m);
  std::int64_t column = 0;
  for (std::size_t at = 0; at < f.self.bytes().size();) {
    const std::size_t begin = at;
    const char32_t c = character_at(f.self.bytes(), at);
    if (c != '\t') {
      out.add(f.self.text(), begin, at);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    } else if (width > 0) {
      const std::int64_t more = width - column % width;
      out.add(std::string(static_cast<std::size_t>(more), ' '), origin_at(f.self.text(), begin));
      column += more;
    }
  }
  return out.take(f.self.text().markup);
}
template <bool (*is)(char32_t)>
Value every(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  m.step(f.self.bytes().size() / 8);
  for (std::size_t at = 0; at < f.self.bytes().size();)
    if (!is(character_at(f.self.bytes(), at))) return Value::of(false);
  return Value::of(!f.self.bytes().empty());
}
inline bool is_alphanumeric(char32_t c) { return is_letter(c) || is_numeric(c); }
inline bool is_space(char32_t c) { return is_white_space(c) || (c >= 0x1C && c <= 0x1F); }
inline bool is_ascii(char32_t c) { return c < 0x80; }

/// Whether there are letters, all of them large (or all small).
inline bool all_cased(Machine& m, std::string_view text, bool large) {
  m.step(text.size() / 8);
  bool any = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = character_at(text, at);
    if (is_cased(c) && !(large ? is_large(c) : is_small(c))) return false;
    any = any || is_cased(c);
  }
  return any;
}
template <bool large>
Value is_case(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return Value::of(all_cased(m, f.self.bytes(), large));
}
inline Value istitle(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  bool inside = false, any = false;
  for (std::size_t at = 0; at < f.self.bytes().size();) {
    const char32_t c = character_at(f.self.bytes(), at);
    if (is_cased(c) && inside == !is_small(c)) return Value::of(false);
    inside = is_cased(c);
    any = any || inside;
  }
  return Value::of(any);
}
inline Value is_ascii_text(Machine& m, const Function& f, Arguments& a) {
  return f.self.bytes().empty() ? Value::of(true) : every<is_ascii>(m, f, a);
}
inline Value is_printable_text(Machine& m, const Function& f, Arguments& a) {
  return f.self.bytes().empty() ? Value::of(true) : every<is_printable>(m, f, a);
}
inline Value isidentifier(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  for (std::size_t at = 0; at < f.self.bytes().size();) {
    const bool first = at == 0;
    const char32_t c = character_at(f.self.bytes(), at);
    if (c != '_' && !is_letter(c) &&
        (first || !(is_decimal(c) || category_of(c) == UTF8PROC_CATEGORY_MN || category_of(c) == UTF8PROC_CATEGORY_MC)))
      return Value::of(false);
  }
  return Value::of(!f.self.bytes().empty());
}
inline Value encode(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"encoding", "errors"});
  auto bytes = std::make_shared<Opaque>();
  bytes->type = "bytes";
  const char quote =
      f.self.bytes().find('\'') != std::string::npos && f.self.bytes().find('"') == std::string::npos ? '"' : '\'';
  bytes->shown = std::string("b") + quote;
  m.charge(4 * f.self.bytes().size());
  for (const char c : f.self.bytes()) {
    if (c == quote || c == '\\') bytes->shown += '\\', bytes->shown += c;
    else if (c == '\n' || c == '\r' || c == '\t') bytes->shown += c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t";
    else if (c >= 0x20 && c < 0x7F) bytes->shown += c;
    else bytes->shown += "\\x" + hexadecimal(static_cast<unsigned char>(c), 2);
  }
  bytes->shown += quote;
  return Value(Kind::opaque, std::move(bytes));
}
inline Value format(Machine& m, const Function& f, Arguments& a) { return format_braces(m, f.self, a); }
inline Value format_map(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  if (!p[0].is(Kind::dict)) p.wrong(0, "a mapping");
  Arguments named;
  for (const auto& [key, value] : pairs_of(p[0]))
    if (key.is(Kind::text)) named.named.emplace_back(key.bytes(), value);
  return format_braces(m, f.self, named);
}

struct Method {
  std::string_view name;
  Call call;
};
inline constexpr std::array methods{
    Method{"capitalize", whole<capitalized>},
    Method{"casefold", to_case<Case::folded>},
    Method{"center", justify<true, true>},
    Method{"count", search<Search::count>},
    Method{"encode", encode},
    Method{"endswith", affix<true>},
    Method{"expandtabs", expandtabs},
    Method{"find", search<Search::find>},
    Method{"format", format},
    Method{"format_map", format_map},
    Method{"index", search<Search::index>},
    Method{"isalnum", every<is_alphanumeric>},
    Method{"isalpha", every<is_letter>},
    Method{"isascii", is_ascii_text},
    Method{"isdecimal", every<is_decimal>},
    Method{"isdigit", every<is_digit>},
    Method{"isidentifier", isidentifier},
    Method{"islower", is_case<false>},
    Method{"isnumeric", every<is_numeric>},
    Method{"isprintable", is_printable_text},
    Method{"isspace", every<is_space>},
    Method{"istitle", istitle},
    Method{"isupper", is_case<true>},
    Method{"join", join},
    Method{"ljust", justify<false, true>},
    Method{"lower", to_case<Case::lower>},
    Method{"lstrip", strip<true, false>},
    Method{"partition", partition<false>},
    Method{"removeprefix", without_affix<false>},
    Method{"removesuffix", without_affix<true>},
    Method{"replace", replace},
    Method{"rfind", search<Search::rfind>},
    Method{"rindex", search<Search::rindex>},
    Method{"rjust", justify<true, false>},
    Method{"rpartition", partition<true>},
    Method{"rsplit", split<true>},
    Method{"rstrip", strip<false, true>},
    Method{"split", split<false>},
    Method{"splitlines", splitlines},
    Method{"startswith", affix<false>},
    Method{"strip", strip<true, true>},
    Method{"swapcase", whole<case_swapped>},
    Method{"title", whole<titled>},
    Method{"upper", to_case<Case::upper>},
    Method{"zfill", zfill},
};

}  // namespace text_methods

inline Value make_method(const char* name, const Value& self, Value (*call)(Machine&, const Function&, Arguments&)) {
  auto method = std::make_shared<Function>();
  method->name = name;
  method->self = self;
  method->call = call;
  method->depth = deeper(self.depth());
  return Value(Kind::function, std::move(method));
}
/// The method of a text that is called so.
inline std::optional<Value> text_method(const Value& self, std::string_view name) {
  const auto& all = text_methods::methods;
  const auto at = std::lower_bound(all.begin(), all.end(), name,
                                   [](const auto& method, std::string_view of) { return method.name < of; });
  if (at == all.end() || at->name != name) return std::nullopt;
  return make_method(at->name.data(), self, at->call);
}

}  // namespace tfm::inline TFM_ABI::jinja
