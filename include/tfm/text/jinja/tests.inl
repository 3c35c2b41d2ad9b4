#pragma once
// `is`: the tests of a value.
#include <algorithm>
#include <array>
#include <string_view>

#include "tfm/text/jinja/calls.inl"
#include "tfm/text/jinja/filters_of_many.inl"

namespace tfm::inline TFM_ABI::jinja {
namespace tests {

using Test = bool (*)(Machine&, const Value&, Arguments&);

template <bool (*is)(const Value&)>
bool plain(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "test", a, {});
  return is(v);
}
template <Sign sign>
bool compared(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "test", a, {""}, 1);
  return compare(m, sign, v, p[0]);
}
template <bool large>
bool cased(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "test", a, {});
  return text_methods::all_cased(m, as_text(m, v).bytes(), large);
}
template <std::int64_t rest>
bool halved(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "test", a, {});
  return equal(&m, divide_down(m, v, Value::of(std::int64_t{2}), false), Value::of(rest));
}
inline bool divisible(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "divisibleby", a, {"num"}, 1);
  return equal(&m, modulo(m, v, p[0]), Value::of(std::int64_t{0}));
}
inline bool same(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "sameas", a, {"other"}, 1);
  if (v.kind() != p[0].kind()) return false;
  return is_number(v) ? equal(&m, v, p[0]) : v.object() == p[0].object();
}
inline bool is_filter(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "filter", a, {});
  return v.is(Kind::text) && filters::named(v.bytes()) != nullptr;
}
inline bool is_test(Machine& m, const Value& v, Arguments& a);

inline bool boolean(const Value& v) { return v.is(Kind::boolean); }
inline bool defined(const Value& v) { return !v.is(Kind::undefined); }
inline bool not_defined(const Value& v) { return v.is(Kind::undefined); }
inline bool escaped(const Value& v) { return v.is(Kind::text) && v.text().markup; }
inline bool is_false(const Value& v) { return v.is(Kind::boolean) && !v.boolean(); }
inline bool is_true(const Value& v) { return v.is(Kind::boolean) && v.boolean(); }
inline bool real(const Value& v) { return v.is(Kind::real); }
inline bool integer(const Value& v) { return v.is(Kind::integer) || v.is(Kind::big); }
inline bool mapping(const Value& v) { return v.is(Kind::dict); }
inline bool none(const Value& v) { return v.is(Kind::none); }
inline bool string(const Value& v) { return v.is(Kind::text); }
inline bool sequence(const Value& v) {
  return v.is(Kind::text) || is_sequence(v) || v.is(Kind::dict) || v.is(Kind::range) || v.is(Kind::undefined);
}

struct Named {
  std::string_view name;
  Test test;
};
inline constexpr std::array table{
    Named{"!=", compared<Sign::unequal>},
    Named{"<", compared<Sign::less>},
    Named{"<=", compared<Sign::less_equal>},
    Named{"==", compared<Sign::equal>},
    Named{">", compared<Sign::greater>},
    Named{">=", compared<Sign::greater_equal>},
    Named{"boolean", plain<boolean>},
    Named{"callable", plain<is_callable>},
    Named{"defined", plain<defined>},
    Named{"divisibleby", divisible},
    Named{"eq", compared<Sign::equal>},
    Named{"equalto", compared<Sign::equal>},
    Named{"escaped", plain<escaped>},
    Named{"even", halved<0>},
    Named{"false", plain<is_false>},
    Named{"filter", is_filter},
    Named{"float", plain<real>},
    Named{"ge", compared<Sign::greater_equal>},
    Named{"greaterthan", compared<Sign::greater>},
    Named{"gt", compared<Sign::greater>},
    Named{"in", compared<Sign::in>},
    Named{"integer", plain<integer>},
    Named{"iterable", plain<is_iterable>},
    Named{"le", compared<Sign::less_equal>},
    Named{"lessthan", compared<Sign::less>},
    Named{"lower", cased<false>},
    Named{"lt", compared<Sign::less>},
    Named{"mapping", plain<mapping>},
    Named{"ne", compared<Sign::unequal>},
    Named{"none", plain<none>},
    Named{"number", plain<is_number>},
    Named{"odd", halved<1>},
    Named{"sameas", same},
    Named{"sequence", plain<sequence>},
    Named{"string", plain<string>},
    Named{"test", is_test},
    Named{"true", plain<is_true>},
    Named{"undefined", plain<not_defined>},
    Named{"upper", cased<true>},
};
inline Test named(std::string_view name) {
  const auto at = std::lower_bound(table.begin(), table.end(), name,
                                   [](const Named& test, std::string_view of) { return test.name < of; });
  return at != table.end() && at->name == name ? at->test : nullptr;
}
inline bool is_test(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "test", a, {});
  return v.is(Kind::text) && named(v.bytes()) != nullptr;
}
}  // namespace tests

inline bool apply_test(Machine& m, std::string_view name, const Value& operand, Arguments& a) {
  const tests::Test test = tests::named(name);
  if (test == nullptr) m.fail({"No test named '", name, "'."});
  m.step();
  return test(m, operand, a);
}

}  // namespace tfm::inline TFM_ABI::jinja
