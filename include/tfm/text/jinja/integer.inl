#pragma once
// Integers of any size, as Python has them: 64 bits where they suffice, else sign and magnitude in digits of 32 bits
// (Knuth, TAOCP 4.3.1).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/read_real.inl"
#include "tfm/text/jinja/value.hpp"

namespace tfm::inline TFM_ABI::jinja {

struct Big : Object {
  std::vector<std::uint32_t> digits;  // lowest first, without zeros at the end
  bool negative = false;
};

/// 16 Kibit: what a power or a product may have at most.
inline constexpr std::size_t largest_integer = 512;

namespace integers {
using Digits = std::vector<std::uint32_t>;
struct Number {
  Digits digits;
  bool negative = false;
};

inline void trim(Digits& a) {
  while (!a.empty() && a.back() == 0) a.pop_back();
}
inline Number number(std::int64_t i) {
  const std::uint64_t size = i < 0 ? 0 - static_cast<std::uint64_t>(i) : static_cast<std::uint64_t>(i);
  Number out{{static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(size >> 32)}, i < 0};
  trim(out.digits);
  return out;
}
inline Number number(const Value& value) {
  if (!value.is(Kind::big)) return number(value.integer());
  return {value.as<Big>().digits, value.as<Big>().negative};
}
/// As a value: of 64 bits where it fits.
inline Value value(Number n) {
  trim(n.digits);
  if (n.digits.size() > largest_integer)
    raise<TemplateError>({"tfm: chat template: an integer of more than ", largest_integer * 32, " bits"});
  if (n.digits.size() <= 2) {
    std::uint64_t size = 0;
    for (std::size_t i = n.digits.size(); i-- > 0;) size = size << 32 | n.digits[i];
    const std::uint64_t limit = std::uint64_t{1} << 63;
    if (size < limit) return Value::of(n.negative ? -static_cast<std::int64_t>(size) : static_cast<std::int64_t>(size));
    if (size == limit && n.negative) return Value::of(INT64_MIN);
  }
  auto big = std::make_shared<Big>();
  big->digits = std::move(n.digits);
  big->negative = n.negative;
  return Value(Kind::big, std::move(big));
}
inline int compare(const Digits& a, const Digits& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}
inline int compare(const Number& a, const Number& b) {
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  return a.negative ? -compare(a.digits, b.digits) : compare(a.digits, b.digits);
}
inline Digits plus(const Digits& a, const Digits& b) {
  Digits out(std::max(a.size(), b.size()) + 1);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    carry += (i < a.size() ? a[i] : 0) + std::uint64_t{i < b.size() ? b[i] : 0};
    out[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  trim(out);
  return out;
}
inline Digits minus(const Digits& a, const Digits& b) {  // a is not smaller
  Digits out(a.size());
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t digit = std::int64_t{a[i]} - (i < b.size() ? std::int64_t{b[i]} : 0) + borrow;
    borrow = digit < 0 ? -1 : 0;
    if (digit < 0) digit += std::int64_t{1} << 32;
    out[i] = static_cast<std::uint32_t>(digit);
  }
  trim(out);
  return out;
}
inline Number plus(const Number& a, const Number& b) {
  if (a.negative == b.negative) return {plus(a.digits, b.digits), a.negative};
  const int order = compare(a.digits, b.digits);
  if (order == 0) return {};
  return order > 0 ? Number{minus(a.digits, b.digits), a.negative} : Number{minus(b.digits, a.digits), b.negative};
}
inline Number times(const Number& a, const Number& b) {
  if (a.digits.size() + b.digits.size() > largest_integer + 1)
    raise<TemplateError>({"tfm: chat template: an integer of more than ", largest_integer * 32, " bits"});
  Number out{Digits(a.digits.size() + b.digits.size()), a.negative != b.negative};
  for (std::size_t i = 0; i < a.digits.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.digits.size(); ++j) {
      carry += std::uint64_t{a.digits[i]} * b.digits[j] + out.digits[i + j];
      out.digits[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    out.digits[i + b.digits.size()] = static_cast<std::uint32_t>(carry);
  }
  trim(out.digits);
  if (out.digits.empty()) out.negative = false;
  return out;
}
/// Divides by one digit; the remainder.
inline std::uint32_t divide(Digits& a, std::uint32_t by) {
  std::uint64_t rest = 0;
  for (std::size_t i = a.size(); i-- > 0;) {
    rest = rest << 32 | a[i];
    a[i] = static_cast<std::uint32_t>(rest / by);
    rest %= by;
  }
  trim(a);
  return static_cast<std::uint32_t>(rest);
}
/// Quotient and remainder of magnitudes, bit by bit.
inline std::pair<Digits, Digits> divide(const Digits& a, const Digits& b) {
  Digits quotient(a.size()), rest;
  for (std::size_t bit = a.size() * 32; bit-- > 0;) {
    rest = plus(rest, rest);
    if ((a[bit / 32] >> (bit % 32) & 1) != 0) rest = plus(rest, {1});
    if (compare(rest, b) < 0) continue;
    rest = minus(rest, b);
    quotient[bit / 32] |= std::uint32_t{1} << (bit % 32);
  }
  trim(quotient);
  return {std::move(quotient), std::move(rest)};
}
/// Python's // and %: the quotient is rounded down, the remainder has the divisor's sign. b is not 0.
inline std::pair<Number, Number> floor_divide(const Number& a, const Number& b) {
  auto [quotient, rest] = divide(a.digits, b.digits);
  Number q{std::move(quotient), a.negative != b.negative}, r{std::move(rest), a.negative};
  if (!r.digits.empty() && a.negative != b.negative) {
    q = {plus(q.digits, {1}), true};
    r = plus(r, b);
  }
  if (q.digits.empty()) q.negative = false;
  if (r.digits.empty()) r.negative = false;
  return {std::move(q), std::move(r)};
}
inline std::string decimal(Number n) {
  std::string out;
  while (!n.digits.empty()) {
    std::uint32_t part = divide(n.digits, 1'000'000'000);
    for (int i = 0; i < 9; ++i, part /= 10) out += static_cast<char>('0' + part % 10);
  }
  while (!out.empty() && out.back() == '0') out.pop_back();
  if (out.empty()) return "0";
  if (n.negative) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}
}  // namespace integers

inline std::string decimal(const Value& integer) {
  return integer.is(Kind::big) ? integers::decimal(integers::number(integer)) : std::to_string(integer.integer());
}

/// Digits of a base up to 36, without a sign. They are well-formed.
inline Value integer_of(std::string_view digits, int base) {
  std::int64_t small = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), small, base);
  if (error == std::errc() && end == digits.data() + digits.size()) return Value::of(small);
  if (digits.size() > 4300)
    raise<TemplateError>({"tfm: chat template: an integer of ", digits.size(), " digits, expected at most 4300"});
  integers::Number n;
  for (const char c : digits) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    n = integers::plus(integers::times(n, integers::number(base)), integers::number(digit));
  }
  return integers::value(std::move(n));
}

/// The nearest double; infinite where there is none.
inline double as_real(const Value& number) {
  if (number.is(Kind::real)) return number.real();
  if (!number.is(Kind::big)) return static_cast<double>(number.integer());
  const std::string digits = decimal(number);
  double out = 0;
  read_real(digits, out);
  return out;
}
/// What is left of the point. The number is finite.
inline Value whole_of(double number) {
  number = std::trunc(number);
  if (std::abs(number) < 9.2e18) return Value::of(static_cast<std::int64_t>(number));
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(number), &exponent);  // exponent is above 53
  integers::Number n = integers::number(static_cast<std::int64_t>(std::ldexp(mantissa, 53)));
  integers::Digits scale(static_cast<std::size_t>((exponent - 53) / 32) + 1);
  scale.back() = std::uint32_t{1} << ((exponent - 53) % 32);
  n = integers::times(n, {std::move(scale), false});
  n.negative = number < 0;
  return integers::value(std::move(n));
}

}  // namespace tfm::inline TFM_ABI::jinja
