#pragma once
// Filters of sequences. Those that Python writes as generators compute an element when it is asked for, and can be gone
// through once.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/filters.inl"

namespace tfm::inline TFM_ABI::jinja {

inline Value apply_filter(Machine& m, std::string_view name, const Value& operand, Arguments& a);
inline bool apply_test(Machine& m, std::string_view name, const Value& operand, Arguments& a);

namespace filters {

/// attribute="a.b.0" of an element.
class Getter {
  std::vector<Value> path_;
  Value otherwise_;
  bool has_otherwise_;

 public:
  Getter(Machine& m, const Value* attribute, const Value* otherwise = nullptr)
      : otherwise_(otherwise != nullptr ? *otherwise : Value()),
        has_otherwise_(otherwise != nullptr && !otherwise->is(Kind::none)) {
    if (attribute == nullptr || attribute->is(Kind::none)) return;
    if (!attribute->is(Kind::text)) {
      path_.push_back(*attribute);
      return;
    }
    for (const auto& [begin, end] : separated(m, attribute->bytes(), ".", -1, false)) {
      const std::string_view name = attribute->bytes().substr(begin, end - begin);
      const bool number = !name.empty() && name.size() < 10 && name.find_first_not_of("0123456789") == name.npos;
      path_.push_back(number ? integer_of(name, 10) : m.text(std::string(name)));
    }
  }
  Value operator()(Machine& m, Value item) const {
    for (const Value& key : path_) {
      item = get_item(m, item, key);
      if (has_otherwise_ && item.is(Kind::undefined)) item = otherwise_;
    }
    return item;
  }
  int depth() const { return otherwise_.depth(); }
};
inline Value ignoring_case(Machine& m, const Value& v, bool case_sensitive) {
  return !case_sensitive && v.is(Kind::text) ? cased(m, v, Case::lower) : v;
}
inline const Value* argument(const Parameters& p, std::size_t i) { return p.says(i) ? &p[i] : nullptr; }

inline int depth_of(const Arguments& a) {
  int depth = 0;
  for (const Value& v : a.values) depth = std::max(depth, v.depth());
  for (const auto& [name, v] : a.named) depth = std::max(depth, v.depth());
  return depth;
}

inline Value map(Machine& m, const Value& v, Arguments& a) {
  if (!truth(v)) return make_iterator(0, [](Machine&, Value&) { return false; });
  const bool by_attribute = a.values.empty() && std::any_of(a.named.begin(), a.named.end(), [](const auto& named) {
                              return named.first == "attribute";
                            });
  const int depth = std::max(v.depth(), depth_of(a));
  if (by_attribute) {
    const Parameters p(m, "map", a, {"attribute", "default"}, 1);
    return make_iterator(depth, [get = Getter(m, argument(p, 0), argument(p, 1)), cursor = Cursor(m, v)](
                                    Machine& machine, Value& out) mutable {
      if (!cursor.next(machine, out)) return false;
      out = get(machine, std::move(out));
      return true;
    });
  }
  if (a.values.empty() || !a.values[0].is(Kind::text)) m.fail({"map requires a filter argument"});
  const std::string name(a.values[0].bytes());
  a.values.erase(a.values.begin());
  return make_iterator(depth, [name, arguments = a, cursor = Cursor(m, v)](Machine& machine, Value& out) mutable {
    if (!cursor.next(machine, out)) return false;
    const Machine::Deeper deeper(machine);
    Arguments once = arguments;
    out = apply_filter(machine, name, out, once);
    return true;
  });
}
template <bool wanted, bool by_attribute>
Value select(Machine& m, const Value& v, Arguments& a) {
  if (!truth(v)) return make_iterator(0, [](Machine&, Value&) { return false; });
  const int depth = std::max(v.depth(), depth_of(a));
  if (by_attribute && a.values.empty()) m.fail({"Missing parameter for attribute name"});
  const Getter get(m, by_attribute ? &a.values[0] : nullptr);
  if (by_attribute) a.values.erase(a.values.begin());
  std::string test;
  if (!a.values.empty()) {
    if (!a.values[0].is(Kind::text))
      m.fail({"the name of a test is of type '", type_name(a.values[0]), "', expected a string"});
    test = a.values[0].bytes();
    a.values.erase(a.values.begin());
  }
  return make_iterator(depth, [get, test, arguments = a, cursor = Cursor(m, v)](Machine& machine, Value& out) mutable {
    while (cursor.next(machine, out)) {
      const Machine::Deeper deeper(machine);
      const Value of = get(machine, out);
      Arguments once = arguments;
      if ((test.empty() ? truth(of) : apply_test(machine, test, of, once)) == wanted) return true;
    }
    return false;
  });
}

inline Value first(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "first", a, {});
  Value out;
  return Cursor(m, v).next(m, out) ? out : undefined("No first item, sequence was empty.");
}
inline Value reversed(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "reverse", a, {});
  if (v.is(Kind::text)) return *slice(m, v, Value::none(), Value::none(), Value::of(std::int64_t{-1}));
  if (!is_iterable(v) || v.is(Kind::loop)) m.fail({"argument must be iterable"});
  std::vector<Value> items = to_vector(m, v);
  std::reverse(items.begin(), items.end());
  const Value list = m.list(std::move(items));
  if (v.is(Kind::iterator) || v.is(Kind::undefined)) return list;
  const char* type = v.is(Kind::list) ? "list_reverseiterator" : "reversed";
  return make_iterator(
      list.depth(),
      [cursor = Cursor(m, list)](Machine& machine, Value& out) mutable { return cursor.next(machine, out); }, type);
}
inline Value last(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "last", a, {});
  if (v.is(Kind::iterator) || !is_iterable(v)) m.fail({"'", type_name(v), "' object is not reversible"});
  const std::vector<Value> items = to_vector(m, v);
  return items.empty() ? undefined("No last item, sequence was empty.") : items.back();
}
/// The first: a rendering is the same every time.
inline Value random(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "random", a, {});
  if (!length_of(v) || v.is(Kind::dict) || v.is(Kind::view))
    m.fail({"random: found a value of type '", type_name(v), "', expected a sequence"});
  return *length_of(v) == 0 ? undefined("No random item, sequence was empty.") : *element(m, v, 0);
}
template <bool largest>
Value extreme(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, largest ? "max" : "min", a, {"case_sensitive", "attribute"});
  const Getter get(m, argument(p, 1));
  Cursor cursor(m, v);
  Value best, best_key;
  if (!cursor.next(m, best)) return undefined("No aggregated item, sequence was empty.");
  best_key = ignoring_case(m, get(m, best), p.flag(0, false));
  for (Value item; cursor.next(m, item);) {
    Value key = ignoring_case(m, get(m, item), p.flag(0, false));
    if (largest ? order(m, key, best_key, ">") > 0 : order(m, key, best_key) < 0)
      best = std::move(item), best_key = std::move(key);
  }
  return best;
}
inline Value sum(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "sum", a, {"attribute", "start"});
  const Getter get(m, argument(p, 0));
  Value total = p.value(1, Value::of(std::int64_t{0}));
  if (total.is(Kind::text)) m.fail({"sum() can't sum strings [use ''.join(seq) instead]"});
  Cursor cursor(m, v);
  for (Value item; cursor.next(m, item);) total = add(m, total, get(m, std::move(item)));
  return total;
}

using Keyed = std::vector<std::pair<Value, Value>>;  // a key, and the element that it is of
inline void sort_by_key(Machine& m, Keyed& items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const auto& x, const auto& y) {
    return order(m, reverse ? y.first : x.first, reverse ? x.first : y.first) < 0;
  });
}
inline Value elements_of(Machine& m, Keyed items) {
  std::vector<Value> out;
  for (auto& [key, item] : items) out.push_back(std::move(item));
  return m.list(std::move(out));
}
inline Value sort(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "sort", a, {"reverse", "case_sensitive", "attribute"});
  std::vector<Getter> getters;
  if (p.says(2) && p[2].is(Kind::text)) {
    for (const Value& name : texts_of(m, p[2], separated(m, p[2].bytes(), ",", -1, false)))
      getters.emplace_back(m, &name);
  } else {
    getters.emplace_back(m, argument(p, 2));
  }
  Keyed items;
  for (Value& item : to_vector(m, v)) {
    std::vector<Value> keys;
    for (const Getter& get : getters) keys.push_back(ignoring_case(m, get(m, item), p.flag(1, false)));
    items.emplace_back(m.list(std::move(keys)), std::move(item));
  }
  sort_by_key(m, items, p.flag(0, false));
  return elements_of(m, std::move(items));
}
inline Value dictsort(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "dictsort", a, {"case_sensitive", "by", "reverse"});
  const std::string_view by = p.has(1) ? p.text(1).bytes() : "key";
  if (by != "key" && by != "value") m.fail({"You can only sort by either \"key\" or \"value\""});
  if (v.is(Kind::undefined)) fail_undefined(m, v);
  if (!v.is(Kind::dict)) m.fail({"dictsort: found a value of type '", type_name(v), "', expected a mapping"});
  Keyed items;
  for (const auto& [key, value] : pairs_of(v))
    items.emplace_back(ignoring_case(m, by == "key" ? key : value, p.flag(0, false)),
                       m.list({key, value}, Kind::tuple, v.as<Dict>().origin));
  sort_by_key(m, items, p.flag(2, false));
  return elements_of(m, std::move(items));
}
inline Value groupby(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "groupby", a, {"attribute", "default", "case_sensitive"}, 1);
  const Getter get(m, argument(p, 0), argument(p, 1));
  Keyed items;
  for (Value& item : to_vector(m, v))
    items.emplace_back(ignoring_case(m, get(m, item), p.flag(2, false)), std::move(item));
  sort_by_key(m, items, false);
  std::vector<Value> groups;
  for (std::size_t begin = 0, end = 0; begin < items.size(); begin = end) {
    std::vector<Value> group;
    for (end = begin; end < items.size() && equal(&m, items[begin].first, items[end].first); ++end)
      group.push_back(items[end].second);
    Value key = get(m, group[0]);
    Value pair = m.list({std::move(key), m.list(std::move(group))}, Kind::tuple);
    pair.as<List>().group = true;
    groups.push_back(std::move(pair));
  }
  return m.list(std::move(groups));
}
inline Value unique(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "unique", a, {"case_sensitive", "attribute"});
  const bool case_sensitive = p.flag(0, false);
  auto seen = std::make_shared<std::vector<std::pair<std::size_t, Value>>>();
  return make_iterator(v.depth(), [get = Getter(m, argument(p, 1)), case_sensitive, seen, cursor = Cursor(m, v)](
                                      Machine& machine, Value& out) mutable {
    while (cursor.next(machine, out)) {
      Value key = ignoring_case(machine, get(machine, out), case_sensitive);
      const auto hash = hash_of(key);
      if (!hash) machine.fail({"unhashable type: '", type_name(key), "'"});
      machine.step(seen->size() / 16);
      if (std::any_of(seen->begin(), seen->end(),
                      [&](const auto& other) { return other.first == *hash && equal(&machine, other.second, key); }))
        continue;
      seen->emplace_back(*hash, std::move(key));
      return true;
    }
    return false;
  });
}
inline Value batch(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "batch", a, {"linecount", "fill_with"}, 1);
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(p.integer(0, 1), 0));
  const Value fill = p.value(1, Value::none());
  return make_iterator(std::max(v.depth(), fill.depth()),
                       [count, fill, cursor = Cursor(m, v)](Machine& machine, Value& out) mutable {
                         std::vector<Value> items;
                         for (Value item; (items.size() < count || count == 0) && cursor.next(machine, item);
                              items.push_back(std::move(item)))
                           machine.charge(sizeof(Value));
                         if (items.empty()) return false;
                         for (; !fill.is(Kind::none) && items.size() < count; items.push_back(fill))
                           machine.charge(sizeof(Value));
                         out = machine.list(std::move(items));
                         return true;
                       });
}
inline Value slices(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "slice", a, {"slices", "fill_with"}, 1);
  const std::vector<Value> items = to_vector(m, v);
  const std::int64_t count = p.integer(0, 1);
  if (count <= 0) m.fail({"slice into ", count, " parts, expected at least 1"});
  m.charge(static_cast<std::size_t>(std::min<std::int64_t>(count, 1 << 24)) * sizeof(List));
  const auto parts = static_cast<std::size_t>(count), each = items.size() / parts, more = items.size() % parts;
  std::vector<Value> out;
  for (std::size_t i = 0, at = 0; i < parts; ++i) {
    const std::size_t length = each + (i < more ? 1 : 0);
    std::vector<Value> one(items.begin() + static_cast<std::ptrdiff_t>(at),
                           items.begin() + static_cast<std::ptrdiff_t>(at + length));
    if (p.says(1) && i >= more) one.push_back(p[1]);
    out.push_back(m.list(std::move(one)));
    at += length;
  }
  const Value list = m.list(std::move(out));
  return make_iterator(list.depth(), [cursor = Cursor(m, list)](Machine& machine, Value& item) mutable {
    return cursor.next(machine, item);
  });
}
inline Value items(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "items", a, {});
  if (!v.is(Kind::dict) && !v.is(Kind::undefined)) m.fail({"Can only get item pairs from a mapping."});
  const Value pairs = v.is(Kind::dict) ? container_methods::view(v, View::Of::items) : v;
  return make_iterator(pairs.depth(), [cursor = Cursor(m, pairs)](Machine& machine, Value& out) mutable {
    return cursor.next(machine, out);
  });
}
inline Value join(Machine& m, const Value& v, Arguments& a) {
  const Parameters p(m, "join", a, {"d", "attribute"});
  const Value between = p.has(0) ? as_text(m, p[0]) : Value::of("");
  if (!p.says(1)) return joined_by(m, between, v, false);
  std::vector<Value> of;
  const Getter get(m, argument(p, 1));
  for (Value& item : to_vector(m, v)) of.push_back(get(m, std::move(item)));
  return joined_by(m, between, m.list(std::move(of)), false);
}
inline Value list(Machine& m, const Value& v, Arguments& a) {
  Parameters(m, "list", a, {});
  const Origin origin = is_sequence(v) ? v.as<List>().origin : by_template;
  return m.list(to_vector(m, v), Kind::list, origin);
}

struct Named {
  std::string_view name;
  Filter filter;
};
inline constexpr std::array table{
    Named{"abs", absolute},
    Named{"attr", attr},
    Named{"batch", batch},
    Named{"capitalize", text_filter<capitalized>},
    Named{"center", center},
    Named{"count", length},
    Named{"d", otherwise},
    Named{"default", otherwise},
    Named{"dictsort", dictsort},
    Named{"e", escape},
    Named{"escape", escape},
    Named{"filesizeformat", filesizeformat},
    Named{"first", first},
    Named{"float", to_real},
    Named{"forceescape", forceescape},
    Named{"format", format},
    Named{"groupby", groupby},
    Named{"indent", indent},
    Named{"int", to_integer},
    Named{"items", items},
    Named{"join", join},
    Named{"last", last},
    Named{"length", length},
    Named{"list", list},
    Named{"lower", text_filter<to_lower>},
    Named{"map", map},
    Named{"max", extreme<true>},
    Named{"min", extreme<false>},
    Named{"random", random},
    Named{"reject", select<false, false>},
    Named{"rejectattr", select<false, true>},
    Named{"replace", replace},
    Named{"reverse", reversed},
    Named{"round", round},
    Named{"safe", safe},
    Named{"select", select<true, false>},
    Named{"selectattr", select<true, true>},
    Named{"slice", slices},
    Named{"sort", sort},
    Named{"string", text_filter<same_text>},
    Named{"striptags", striptags},
    Named{"sum", sum},
    Named{"title", text_filter<title_words>},
    Named{"tojson", to_json_text},
    Named{"trim", trim},
    Named{"truncate", truncate},
    Named{"unique", unique},
    Named{"upper", text_filter<to_upper>},
    Named{"urlencode", urlencode},
    Named{"wordcount", wordcount},
    Named{"wordwrap", wordwrap},
    Named{"xmlattr", xmlattr},
};
inline Filter named(std::string_view name) {
  const auto at = std::lower_bound(table.begin(), table.end(), name,
                                   [](const Named& filter, std::string_view of) { return filter.name < of; });
  return at != table.end() && at->name == name ? at->filter : nullptr;
}
}  // namespace filters

inline Value apply_filter(Machine& m, std::string_view name, const Value& operand, Arguments& a) {
  const Filter filter = filters::named(name);
  if (filter == nullptr) m.fail({"No filter named '", name, "'."});
  m.step();
  return filter(m, operand, a);
}

}  // namespace tfm::inline TFM_ABI::jinja
