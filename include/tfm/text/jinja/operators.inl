#pragma once
// + - * / // % ** ~, comparisons, items and slices, as Python computes them.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/write.inl"

namespace tfm::inline TFM_ABI::jinja {

inline Value format_percent(Machine& m, const Value& format, const Value& arguments);  // format.inl

/// HTML's five characters escaped; markup stays as it is.
inline Value escaped(Machine& m, const Value& v) {
  if (v.is(Kind::text) && v.text().markup) return v;
  const Value text = as_text(m, v);
  Writer out(m);
  const std::string& bytes = text.text().bytes;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t special = std::min(bytes.find_first_of("&<>\"'", at), bytes.size());
    out.add(text.text(), at, special);
    if (special == bytes.size()) break;
    const char c = bytes[special];
    out.add(c == '&'   ? "&amp;"
            : c == '<' ? "&lt;"
            : c == '>' ? "&gt;"
            : c == '"' ? "&#34;"
                       : "&#39;",
            origin_at(text.text(), special));
    at = special + 1;
  }
  return out.take(true);
}

[[noreturn, gnu::cold]] inline void fail_operands(const Machine& m, const char* sign, const Value& a, const Value& b) {
  if (a.is(Kind::undefined)) fail_undefined(m, a);
  if (b.is(Kind::undefined)) fail_undefined(m, b);
  m.fail({"unsupported operand type(s) for ", sign, ": '", type_name(a), "' and '", type_name(b), "'"});
}

inline Value concatenated(Machine& m, const Value& a, const Value& b) {
  const bool markup = a.text().markup || b.text().markup;
  if (!markup && b.bytes().empty()) return a;
  Writer out(m);
  out.add((markup ? escaped(m, a) : a).text());
  out.add((markup ? escaped(m, b) : b).text());
  return out.take(markup);
}
inline Value repeated(Machine& m, const Value& v, const Value& times) {
  if (times.is(Kind::big)) m.fail({"a text or list repeated ", decimal(times), " times"});
  const auto n = static_cast<std::size_t>(std::max<std::int64_t>(times.integer(), 0));
  const std::size_t size = v.is(Kind::text) ? v.bytes().size() : items_of(v).size() * sizeof(Value);
  if (n > 0 && size > m.limits.bytes / n) m.fail({"makes more than ", m.limits.bytes, " bytes"});
  m.step(n);
  if (v.is(Kind::text)) {
    Writer out(m);
    for (std::size_t i = 0; i < n && size > 0; ++i) out.add(v.text());
    return out.take(v.text().markup);
  }
  std::vector<Value> items;
  m.charge(n * size);
  for (std::size_t i = 0; i < n && size > 0; ++i) items.insert(items.end(), items_of(v).begin(), items_of(v).end());
  return make_list(std::move(items), v.as<List>().origin, v.kind());
}

inline Value add(Machine& m, const Value& a, const Value& b) {
  if (a.is(Kind::integer) && b.is(Kind::integer)) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a.integer(), b.integer(), &sum)) return Value::of(sum);
  }
  if (a.is(Kind::text) && b.is(Kind::text)) return concatenated(m, a, b);
  if (is_integer(a) && is_integer(b)) return integers::value(integers::plus(integers::number(a), integers::number(b)));
  if (is_number(a) && is_number(b)) return Value::of(as_real(a) + as_real(b));
  if (is_sequence(a) && a.kind() == b.kind()) {
    std::vector<Value> items = to_vector(m, a);
    m.charge(items_of(b).size() * sizeof(Value));
    items.insert(items.end(), items_of(b).begin(), items_of(b).end());
    return make_list(std::move(items), a.as<List>().origin == b.as<List>().origin ? a.as<List>().origin : by_template,
                     a.kind());
  }
  if (a.is(Kind::text) && !b.is(Kind::undefined))
    m.fail({"can only concatenate str (not \"", type_name(b), "\") to str"});
  fail_operands(m, "+", a, b);
}
inline Value subtract(Machine& m, const Value& a, const Value& b) {
  if (is_integer(a) && is_integer(b)) {
    integers::Number minus = integers::number(b);
    minus.negative = !minus.negative && !minus.digits.empty();
    return integers::value(integers::plus(integers::number(a), minus));
  }
  if (is_number(a) && is_number(b)) return Value::of(as_real(a) - as_real(b));
  fail_operands(m, "-", a, b);
}
inline Value multiply(Machine& m, const Value& a, const Value& b) {
  if (is_integer(a) && is_integer(b)) {
    std::int64_t product = 0;
    if (!a.is(Kind::big) && !b.is(Kind::big) && !__builtin_mul_overflow(a.integer(), b.integer(), &product))
      return Value::of(product);
    const integers::Number x = integers::number(a), y = integers::number(b);
    m.step(x.digits.size() * y.digits.size() / 16);
    return integers::value(integers::times(x, y));
  }
  if (is_number(a) && is_number(b)) return Value::of(as_real(a) * as_real(b));
  if ((a.is(Kind::text) || is_sequence(a)) && is_integer(b)) return repeated(m, a, b);
  if ((b.is(Kind::text) || is_sequence(b)) && is_integer(a)) return repeated(m, b, a);
  fail_operands(m, "*", a, b);
}
inline Value divide(Machine& m, const Value& a, const Value& b) {
  if (!is_number(a) || !is_number(b)) fail_operands(m, "/", a, b);
  const double x = as_real(a), y = as_real(b);
  if (y == 0) m.fail({"division by zero"});
  if (std::isinf(x) && !a.is(Kind::real)) m.fail({"integer division result too large for a float"});
  return Value::of(x / y);
}
/// Python's // or %.
inline Value divide_down(Machine& m, const Value& a, const Value& b, bool quotient) {
  if (!is_number(a) || !is_number(b)) fail_operands(m, quotient ? "//" : "%", a, b);
  if (is_integer(a) && is_integer(b)) {
    const integers::Number x = integers::number(a), y = integers::number(b);
    if (y.digits.empty()) m.fail({"integer division or modulo by zero"});
    if (!a.is(Kind::big) && !b.is(Kind::big) && b.integer() != -1) {
      const std::int64_t rest = a.integer() % b.integer(), wrong = rest != 0 && (rest < 0) != (b.integer() < 0) ? 1 : 0;
      return Value::of(quotient ? a.integer() / b.integer() - wrong : rest + wrong * b.integer());
    }
    m.step(2 * x.digits.size() * (x.digits.size() + y.digits.size()));
    auto [q, r] = integers::floor_divide(x, y);
    return integers::value(std::move(quotient ? q : r));
  }
  const double x = as_real(a), y = as_real(b);
  if (y == 0) m.fail({"float floor division or modulo by zero"});
  double rest = std::fmod(x, y), whole = (x - rest) / y;
  if (rest != 0 && (rest < 0) != (y < 0)) rest += y, whole -= 1;
  if (rest == 0) rest = std::copysign(0.0, y);
  if (!quotient) return Value::of(rest);
  if (whole == 0) return Value::of(std::copysign(0.0, x / y));
  const double down = std::floor(whole);
  return Value::of(whole - down > 0.5 ? down + 1 : down);
}
inline Value modulo(Machine& m, const Value& a, const Value& b) {
  return a.is(Kind::text) ? format_percent(m, a, b) : divide_down(m, a, b, false);
}
inline Value power(Machine& m, const Value& a, const Value& b) {
  if (!is_number(a) || !is_number(b)) fail_operands(m, "** or pow()", a, b);
  if (is_integer(a) && is_integer(b) && compare_numbers(b, Value::of(std::int64_t{0})) >= 0) {
    integers::Number base = integers::number(a), out = integers::number(1);
    const bool small = base.digits.empty() || (base.digits.size() == 1 && base.digits[0] == 1);
    if (b.is(Kind::big) || (b.integer() > 32 * static_cast<std::int64_t>(largest_integer) && !small))
      m.fail({"a power that is too large"});
    for (std::int64_t n = b.integer(); n > 0; n /= 2) {
      if (n % 2 == 1) out = integers::times(out, base);
      m.step(1 + base.digits.size() * base.digits.size() / 8);
      if (n > 1) base = integers::times(base, base);
    }
    return integers::value(std::move(out));
  }
  const double x = as_real(a), y = as_real(b);
  if (x == 0 && y < 0) m.fail({"0.0 cannot be raised to a negative power"});
  if (x < 0 && y != std::floor(y)) m.fail({"a power that is a complex number"});
  const double out = std::pow(x, y);
  if (std::isinf(out) && !std::isinf(x) && !std::isinf(y)) m.fail({"a power that is too large"});
  return Value::of(out);
}
inline Value negative(Machine& m, const Value& v) {
  if (v.is(Kind::real)) return Value::of(-v.real());
  if (is_integer(v)) return subtract(m, Value::of(std::int64_t{0}), v);
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  m.fail({"bad operand type for unary -: '", type_name(v), "'"});
}
inline Value positive(Machine& m, const Value& v) {
  if (v.is(Kind::boolean)) return Value::of(v.integer());
  if (is_number(v)) return v;
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  m.fail({"bad operand type for unary +: '", type_name(v), "'"});
}

/// Where `part` begins in `text`, from `from` on; npos: nowhere. In time linear in both (Knuth, Morris, Pratt 1977).
inline std::size_t find_text(Machine& m, std::string_view text, std::string_view part, std::size_t from = 0) {
  m.step((text.size() - std::min(from, text.size())) / 64);
  if (part.size() < 16) return text.find(part, from);
  if (from >= text.size()) return text.npos;
  m.step(part.size() / 4);
  // How much of `part` is still matched where the next character does not go on with so much of it.
  std::vector<std::size_t> shorter(part.size() + 1, 0);
  const auto advance = [&](std::size_t matched, char c) {
    while (matched > 0 && part[matched] != c) matched = shorter[matched];
    return matched + (part[matched] == c ? 1 : 0);
  };
  for (std::size_t i = 1; i < part.size(); ++i) shorter[i + 1] = advance(shorter[i], part[i]);
  for (std::size_t i = from, matched = 0; i < text.size(); ++i)
    if (matched = advance(matched, text[i]); matched == part.size()) return i + 1 - matched;
  return text.npos;
}

inline bool contains(Machine& m, const Value& whole, const Value& item) {
  if (whole.is(Kind::text)) {
    if (item.is(Kind::undefined)) fail_undefined(m, item);
    if (!item.is(Kind::text)) m.fail({"'in <string>' requires string as left operand, not ", type_name(item)});
    return find_text(m, whole.bytes(), item.bytes()) != std::string_view::npos;
  }
  if (whole.is(Kind::dict)) {
    if (!hash_of(item)) m.fail({"unhashable type: '", type_name(item), "'"});
    return find(&m, whole, item) != nullptr;
  }
  if (!is_iterable(whole) || whole.is(Kind::loop))
    m.fail({"argument of type '", type_name(whole), "' is not iterable"});
  Cursor cursor(m, whole);
  for (Value other; cursor.next(m, other);)
    if (equal(&m, other, item)) return true;
  return false;
}
inline bool compare(Machine& m, Sign sign, const Value& a, const Value& b) {
  switch (sign) {
    case Sign::equal: return equal(&m, a, b);
    case Sign::unequal: return !equal(&m, a, b);
    case Sign::less: return order(m, a, b, "<") < 0;
    case Sign::less_equal: return order(m, a, b, "<=") <= 0;
    case Sign::greater: return order(m, a, b, ">") > 0;
    case Sign::greater_equal: return order(m, a, b, ">=") >= 0;
    case Sign::in: return contains(m, b, a);
    case Sign::not_in: return !contains(m, b, a);
  }
  return false;
}

inline std::optional<std::size_t> length_of(const Value& v) {
  switch (v.kind()) {
    case Kind::undefined: return 0;
    case Kind::text: return characters(v.text());
    case Kind::list:
    case Kind::tuple: return items_of(v).size();
    case Kind::dict: return pairs_of(v).size();
    case Kind::range: return static_cast<std::size_t>(v.as<Range>().size);
    case Kind::view: return pairs_of(v.as<View>().dict).size();
    default: return std::nullopt;
  }
}
/// The element of this number; null where there is none such. The value is a text, a sequence or a range.
inline std::optional<Value> element(Machine& m, const Value& v, std::int64_t i) {
  if (v.is(Kind::text)) m.step(v.bytes().size() / 64);
  const auto length = static_cast<std::int64_t>(*length_of(v));
  if (i < 0) i += length;
  if (i < 0 || i >= length) return std::nullopt;
  const auto place = static_cast<std::size_t>(i);
  if (is_sequence(v)) return items_of(v)[place];
  if (v.is(Kind::range)) return Value::of(v.as<Range>().start + i * v.as<Range>().step);
  const std::size_t begin = byte_of(v.text(), place);
  std::size_t end = begin;
  character_at(v.bytes(), end);
  return part(m, v, begin, end);
}

/// v[begin:end:step]; null where v cannot be sliced so.
inline std::optional<Value> slice(Machine& m, const Value& v, const Value& begin, const Value& end, const Value& step) {
  if (!v.is(Kind::text) && !is_sequence(v) && !v.is(Kind::range)) return std::nullopt;
  for (const Value* bound : {&begin, &end, &step})
    if (!bound->is(Kind::none) && !bound->is(Kind::integer) && !bound->is(Kind::boolean)) return std::nullopt;
  const std::int64_t by = step.is(Kind::none) ? 1 : step.integer();
  if (by == 0 || by == INT64_MIN) return std::nullopt;
  const auto length = static_cast<std::int64_t>(*length_of(v));
  const auto clamp = [&](const Value& bound, std::int64_t otherwise) {
    if (bound.is(Kind::none)) return otherwise;
    std::int64_t i = bound.integer();
    if (i < 0) i = i < -length ? -1 : i + length;
    if (i < 0) return by < 0 ? std::int64_t{-1} : std::int64_t{0};
    return std::min(i, by < 0 ? length - 1 : length);
  };
  const std::int64_t from = clamp(begin, by < 0 ? length - 1 : 0), to = clamp(end, by < 0 ? -1 : length);
  const std::int64_t count =
      by > 0 ? (from < to ? (to - from - 1) / by + 1 : 0) : (to < from ? (from - to - 1) / -by + 1 : 0);
  m.step(static_cast<std::size_t>(count) + (v.is(Kind::text) ? v.bytes().size() / 64 : 0));
  if (v.is(Kind::text) && by == 1) {
    const std::size_t first = byte_of(v.text(), static_cast<std::size_t>(from));
    return part(m, v, first, count == 0 ? first : byte_of(v.text(), static_cast<std::size_t>(to)));
  }
  if (v.is(Kind::range)) {
    const Range& of = v.as<Range>();
    auto range = std::make_shared<Range>();
    range->start = of.start + from * of.step, range->step = of.step * by, range->size = count;
    range->stop = of.start + to * of.step;
    return Value(Kind::range, std::move(range));
  }
  if (v.is(Kind::text)) {
    std::vector<std::size_t> begins;
    m.charge((v.bytes().size() + 1) * sizeof(std::size_t));
    for (std::size_t at = 0; at < v.bytes().size(); character_at(v.bytes(), at)) begins.push_back(at);
    begins.push_back(v.bytes().size());
    Writer out(m);
    for (std::int64_t i = 0, at = from; i < count; ++i, at += by)
      out.add(v.text(), begins[static_cast<std::size_t>(at)], begins[static_cast<std::size_t>(at) + 1]);
    return out.take(v.text().markup);
  }
  std::vector<Value> items;
  for (std::int64_t i = 0, at = from; i < count; ++i, at += by)
    items.push_back(items_of(v)[static_cast<std::size_t>(at)]);
  return m.list(std::move(items), v.kind(), v.as<List>().origin);
}

}  // namespace tfm::inline TFM_ABI::jinja
