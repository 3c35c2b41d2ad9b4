#pragma once
// Texts cut, trimmed, joined and replaced, as Python's str does it. Every character keeps its origin.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/case.inl"
#include "tfm/text/jinja/parameters.inl"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI::jinja {

/// Without the white space, or the characters of `of`, at its ends.
inline Value stripped(Machine& m, const Value& v, const Value* of, bool left, bool right) {
  const std::string_view text = v.bytes();
  m.step(text.size() / 64);
  if (of == nullptr) {
    const std::string_view rest = left ? trimmed_left(text) : text;
    const std::size_t begin = text.size() - rest.size();
    return part(m, v, begin, begin + (right ? trimmed_right(rest) : rest).size());
  }
  std::u32string set;
  for (std::size_t at = 0; at < of->bytes().size();) set += character_at(of->bytes(), at);
  std::sort(set.begin(), set.end());
  const auto has = [&](char32_t c) { return std::binary_search(set.begin(), set.end(), c); };
  std::size_t begin = 0, end = text.size();
  while (left && begin < end) {
    std::size_t next = begin;
    if (!has(character_at(text, next))) break;
    begin = next;
  }
  while (right && end > begin) {
    std::size_t last = end - 1;
    while (last > begin && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
    std::size_t at = last;
    const char32_t c = character_at(text, at);
    if (at != end || !has(c)) break;
    end = last;
  }
  return part(m, v, begin, end);
}

using Places = std::vector<std::pair<std::size_t, std::size_t>>;  // begin and end, in bytes

/// The parts between separators, at most `most` cuts (below 0: all), from the left or from the right.
inline Places separated(Machine& m, std::string_view text, std::string_view by, std::int64_t most, bool from_right) {
  Places cuts;
  for (std::size_t at = 0; (from_right || most < 0 || static_cast<std::int64_t>(cuts.size()) < most);) {
    const std::size_t found = find_text(m, text, by, at);
    if (found == text.npos) break;
    m.charge(sizeof(cuts[0]));
    cuts.emplace_back(found, found + by.size());
    at = found + by.size();
  }
  if (from_right) {  // overlapping separators are found from the right then
    cuts.clear();
    for (std::size_t end = text.size(); most < 0 || static_cast<std::int64_t>(cuts.size()) < most;) {
      m.step();
      const std::size_t found = end < by.size() ? text.npos : text.rfind(by, end - by.size());
      if (found == text.npos) break;
      cuts.emplace_back(found, found + by.size());
      end = found;
    }
    std::reverse(cuts.begin(), cuts.end());
  }
  Places parts;
  std::size_t begin = 0;
  for (const auto& [cut, next] : cuts) parts.emplace_back(begin, cut), begin = next;
  parts.emplace_back(begin, text.size());
  return parts;
}
/// The same between stretches of white space.
inline Places words(Machine& m, std::string_view text, std::int64_t most, bool from_right) {
  m.step(text.size() / 8);
  Places all;
  for (std::size_t at = 0; at < text.size();) {
    if (const std::size_t space = leading_white_space(text.substr(at))) {
      at += space;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && leading_white_space(text.substr(at)) == 0) ++at;
    m.charge(sizeof(all[0]));
    all.emplace_back(begin, at);
  }
  const auto n = static_cast<std::int64_t>(all.size());
  if (most < 0 || n <= most) return all;
  const auto extra =
      static_cast<std::ptrdiff_t>(n - most - 1);  // words that the part which is not cut any further swallows
  if (!from_right) {                              // it keeps the white space at its end
    all.erase(all.end() - extra, all.end());
    all.back().second = text.size();
  } else {
    const std::size_t end = all[static_cast<std::size_t>(extra)].second;
    all.erase(all.begin(), all.begin() + extra);
    all.front() = {0, end};
  }
  return all;
}
inline Places lines(Machine& m, std::string_view text, bool keep_ends) {
  m.step(text.size() / 8);
  Places out;
  for (std::size_t begin = 0, at = 0; begin < text.size();) {
    std::size_t end = at, next = text.size();
    for (; at < text.size(); end = at) {
      const char32_t c = character_at(text, at);
      if ((c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029) {
        if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
        next = at;
        break;
      }
    }
    m.charge(sizeof(out[0]));
    out.emplace_back(begin, keep_ends ? next : end);
    begin = at = next;
  }
  return out;
}
inline std::vector<Value> texts_of(Machine& m, const Value& v, const Places& places) {
  std::vector<Value> out;
  m.charge(places.size() * sizeof(Value));
  for (const auto& [begin, end] : places) out.push_back(part(m, v, begin, end));
  return out;
}

inline Value replaced(Machine& m, const Value& v, const Value& from, const Value& to, std::int64_t most) {
  const std::string_view text = v.bytes(), old = from.bytes();
  Writer out(m);
  std::size_t begin = 0;
  std::int64_t count = 0;
  if (old.empty()) {
    for (std::size_t at = 0;; ++count) {
      if (most >= 0 && count >= most) break;
      out.add(to.text());
      begin = at;
      if (at == text.size()) break;
      character_at(text, at);
      out.add(v.text(), begin, at);
      begin = at;
    }
    out.add(v.text(), begin, text.size());
    return out.take(v.text().markup);
  }
  for (; most < 0 || count < most; ++count) {
    const std::size_t found = find_text(m, text, old, begin);
    if (found == text.npos) break;
    out.add(v.text(), begin, found);
    out.add(to.text());
    begin = found + old.size();
  }
  if (begin == 0) return v;
  out.add(v.text(), begin, text.size());
  return out.take(v.text().markup);
}

/// The texts of `of` with `by` between them. `only_text`: as str.join, which takes nothing else.
inline Value joined_by(Machine& m, const Value& by, const Value& of, bool only_text) {
  Writer out(m);
  Cursor cursor(m, of);
  std::size_t i = 0;
  for (Value item; cursor.next(m, item); ++i) {
    if (only_text && item.is(Kind::undefined))
      m.fail({"sequence item ", i, ": expected str instance, Undefined found"});
    if (only_text && !item.is(Kind::text))
      m.fail({"sequence item ", i, ": expected str instance, ", type_name(item), " found"});
    if (i > 0) out.add(by.text());
    if (by.text().markup && only_text) out.add(escaped(m, item).text());
    else write(m, out, item);
  }
  return out.take(by.text().markup && only_text);
}

/// As wide as `width` characters, `fill` at its sides: left and right say at which.
inline Value padded(Machine& m, const Value& v, std::int64_t width, const Value& fill, bool left, bool right) {
  const auto missing = width - static_cast<std::int64_t>(characters(v.text()));
  if (missing <= 0) return v;
  if (static_cast<std::size_t>(missing) > m.limits.bytes) m.fail({"makes more than ", m.limits.bytes, " bytes"});
  std::int64_t before = left ? (right ? missing / 2 + (missing & width & 1) : missing) : 0;
  Writer out(m);
  for (std::int64_t i = 0; i < before; ++i) out.add(fill.text());
  out.add(v.text());
  for (; before < missing; ++before) out.add(fill.text());
  return out.take(v.text().markup);
}

inline Value cased(Machine& m, const Value& v, Case how) {
  Writer out(m);
  add_cased(out, v.text(), 0, v.bytes().size(), how);
  return out.take(v.text().markup);
}
/// The first character in title case, the others small.
inline Value capitalized(Machine& m, const Value& v) {
  Writer out(m);
  std::size_t at = 0;
  if (!v.bytes().empty()) character_at(v.bytes(), at);
  add_cased(out, v.text(), 0, at, Case::title);
  add_cased(out, v.text(), at, v.bytes().size(), Case::lower);
  return out.take(v.text().markup);
}
/// The first letter of each stretch of letters in title case, the others small.
inline Value titled(Machine& m, const Value& v) {
  Writer out(m);
  bool inside = false;
  for (std::size_t at = 0; at < v.bytes().size();) {
    const std::size_t begin = at;
    const bool letter = is_cased(character_at(v.bytes(), at));
    add_cased(out, v.text(), begin, at, inside ? Case::lower : Case::title);
    inside = letter;
  }
  return out.take(v.text().markup);
}
inline Value case_swapped(Machine& m, const Value& v) {
  Writer out(m);
  for (std::size_t at = 0; at < v.bytes().size();) {
    const std::size_t begin = at;
    const char32_t c = character_at(v.bytes(), at);
    if (is_large(c)) add_cased(out, v.text(), begin, at, Case::lower);
    else if (is_small(c)) add_cased(out, v.text(), begin, at, Case::upper);
    else out.add(v.text(), begin, at);
  }
  return out.take(v.text().markup);
}

}  // namespace tfm::inline TFM_ABI::jinja
