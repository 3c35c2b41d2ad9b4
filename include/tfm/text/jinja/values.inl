#pragma once
// Values as Python treats them: equality, order, hash, truth, iteration.
#include <algorithm>
#include <cmath>
#include <compare>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/machine.inl"

namespace tfm::inline TFM_ABI::jinja {

struct Range : Object {
  std::int64_t start = 0, stop = 0, step = 1, size = 0;
};
struct View : Object {  // what dict.keys(), .values() and .items() give
  enum class Of : unsigned char { keys, values, items };
  Value dict;
  Of of = Of::items;
};
struct Iterator : Object {  // can be gone through once
  std::function<bool(Machine&, Value&)> next;
  const char* type = "generator";
};
struct Opaque : Object {  // what templates only print, and what has no text at all
  std::string shown;
  const char* type = "";
};
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<std::string, Value>> named;
};
struct Function : Object {
  std::string name;
  Value self;  // of a method
  Value (*call)(Machine&, const Function&, Arguments&) = nullptr;
  const char* type = "builtin_function_or_method";
};

inline bool is_number(const Value& v) {
  return v.is(Kind::integer) || v.is(Kind::boolean) || v.is(Kind::real) || v.is(Kind::big);
}
inline bool is_integer(const Value& v) { return v.is(Kind::integer) || v.is(Kind::boolean) || v.is(Kind::big); }
inline bool is_sequence(const Value& v) { return v.is(Kind::list) || v.is(Kind::tuple); }
inline const std::vector<Value>& items_of(const Value& v) { return v.as<List>().items; }
inline const std::vector<std::pair<Value, Value>>& pairs_of(const Value& v) { return v.as<Dict>().items; }

/// Python's name of the value's type, for messages.
inline const char* type_name(const Value& v) {
  switch (v.kind()) {
    case Kind::undefined: return "Undefined";
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer:
    case Kind::big: return "int";
    case Kind::real: return "float";
    case Kind::text: return v.text().markup ? "Markup" : "str";
    case Kind::list: return "list";
    case Kind::tuple: return "tuple";
    case Kind::dict: return "dict";
    case Kind::range: return "range";
    case Kind::view:
      return v.as<View>().of == View::Of::items  ? "dict_items"
             : v.as<View>().of == View::Of::keys ? "dict_keys"
                                                 : "dict_values";
    case Kind::iterator: return v.as<Iterator>().type;
    case Kind::function: return v.as<Function>().type;
    case Kind::macro: return "Macro";
    case Kind::loop: return "LoopContext";
    case Kind::space: return "Namespace";
    case Kind::cycler: return "Cycler";
    case Kind::joiner: return "Joiner";
    case Kind::opaque: return v.as<Opaque>().type;
  }
  return "";
}

/// Equal numbers have equal hashes, whatever their types. Null where the type has none.
inline std::optional<std::size_t> hash_of(const Value& v) {
  switch (v.kind()) {
    case Kind::list:
    case Kind::dict:
    case Kind::view: return std::nullopt;
    case Kind::undefined:
    case Kind::none: return static_cast<std::size_t>(v.kind());
    case Kind::boolean:
    case Kind::integer:
    case Kind::big:
    case Kind::real: return std::hash<double>()(as_real(v));
    case Kind::text: return std::hash<std::string_view>()(v.bytes());
    case Kind::tuple: {
      std::size_t hash = 17;
      for (const Value& item : items_of(v)) {
        const auto of_item = hash_of(item);
        if (!of_item) return std::nullopt;
        hash = hash * 1'000'003 + *of_item;
      }
      return hash;
    }
    default: return std::hash<const void*>()(v.object().get());
  }
}

inline std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  if (is_integer(a) && is_integer(b)) {
    if (!a.is(Kind::big) && !b.is(Kind::big)) return a.integer() <=> b.integer();
    return integers::compare(integers::number(a), integers::number(b)) <=> 0;
  }
  const double x = as_real(a), y = as_real(b);
  if (x != y || (a.is(Kind::real) && b.is(Kind::real))) return x <=> y;
  // An integer that a double may not hold exactly: the double is whole, or infinite.
  if (std::isinf(x)) return a.is(Kind::real) ? x <=> 0.0 : 0.0 <=> y;
  return integers::compare(integers::number(a.is(Kind::real) ? whole_of(x) : a),
                           integers::number(b.is(Kind::real) ? whole_of(y) : b)) <=> 0;
}

inline const Value* find(Machine* m, const Value& dict, const Value& key);

inline bool equal(Machine* m, const Value& a, const Value& b) {
  if (m != nullptr) m->step();
  if (is_number(a) && is_number(b)) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::undefined:
    case Kind::none: return true;
    case Kind::text:
      if (m != nullptr && a.bytes().size() == b.bytes().size()) m->step(a.bytes().size() / 64);
      return a.bytes() == b.bytes();
    case Kind::list:
    case Kind::tuple: {
      const auto &x = items_of(a), &y = items_of(b);
      return x.size() == y.size() &&
             std::equal(x.begin(), x.end(), y.begin(), [&](const Value& p, const Value& q) { return equal(m, p, q); });
    }
    case Kind::dict: {
      if (pairs_of(a).size() != pairs_of(b).size()) return false;
      for (const auto& [key, value] : pairs_of(a)) {
        const Value* other = find(m, b, key);
        if (other == nullptr || !equal(m, value, *other)) return false;
      }
      return true;
    }
    case Kind::range: {
      const Range &x = a.as<Range>(), &y = b.as<Range>();
      return x.size == y.size && (x.size == 0 || (x.start == y.start && (x.size == 1 || x.step == y.step)));
    }
    default: return a.object() == b.object();
  }
}

/// The place of a key among a dictionary's pairs; their number where it is not there. The key has a hash.
inline std::size_t place_of(Machine* m, const Dict& dict, const Value& key) {
  const auto& items = dict.items;
  if (dict.index.empty()) {
    for (std::size_t i = 0; i < items.size(); ++i)
      if (equal(m, items[i].first, key)) return i;
    return items.size();
  }
  const std::size_t hash = hash_of(key).value_or(0);
  for (auto at = std::lower_bound(dict.index.begin(), dict.index.end(), std::pair(hash, std::size_t{0}));
       at != dict.index.end() && at->first == hash; ++at)
    if (equal(m, items[at->second].first, key)) return at->second;
  return items.size();
}
inline const Value* find(Machine* m, const Value& dict, const Value& key) {
  const Dict& of = dict.as<Dict>();
  const std::size_t place = place_of(m, of, key);
  return place == of.items.size() ? nullptr : &of.items[place].second;
}
TFM_JINJA const Value* find(const Value& dict, std::string_view key) {
  if (!dict.is(Kind::dict)) return nullptr;
  for (const auto& [name, value] : pairs_of(dict))
    if (name.is(Kind::text) && name.bytes() == key) return &value;
  return nullptr;
}

inline int deeper(int depth) {
  if (depth >= deepest_value)
    raise<TemplateError>({"tfm: chat template: values lie more than ", deepest_value, " deep in one another"});
  return depth + 1;
}
TFM_JINJA Value make_list(std::vector<Value> items, Origin origin, Kind kind) {
  auto list = std::make_shared<List>();
  int depth = 0;
  for (const Value& item : items) depth = std::max(depth, item.depth());
  list->depth = deeper(depth);
  list->items = std::move(items);
  list->origin = origin;
  return Value(kind, std::move(list));
}
TFM_JINJA Value make_dict(std::vector<std::pair<Value, Value>> items, Origin origin) {
  auto dict = std::make_shared<Dict>();
  int depth = 0;
  std::vector<std::pair<std::size_t, std::size_t>> index;  // (hash, place), sorted: equal keys stand side by side
  for (std::size_t i = 0; i < items.size(); ++i) {
    depth = std::max({depth, items[i].first.depth(), items[i].second.depth()});
    const auto hash = hash_of(items[i].first);
    if (!hash) raise<TemplateError>({"tfm: chat template: unhashable type: '", type_name(items[i].first), "'"});
    index.emplace_back(*hash, i);
  }
  std::sort(index.begin(), index.end());
  std::vector<bool> again(items.size());
  bool any = false;
  for (std::size_t i = 0; i < index.size(); ++i) {
    for (std::size_t j = i; j-- > 0 && index[j].first == index[i].first;) {
      if (again[index[j].second] || !equal(nullptr, items[index[j].second].first, items[index[i].second].first))
        continue;
      items[index[j].second].second = std::move(items[index[i].second].second);
      again[index[i].second] = any = true;
      break;
    }
  }
  dict->depth = deeper(depth);
  dict->origin = origin;
  if (!any) {
    dict->items = std::move(items);
    if (dict->items.size() > 8) dict->index = std::move(index);
    return Value(Kind::dict, std::move(dict));
  }
  std::vector<std::pair<Value, Value>> unique;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (!again[i]) unique.push_back(std::move(items[i]));
  return make_dict(std::move(unique), origin);
}
TFM_JINJA Value with_origin(const Value& value, Origin origin) {
  switch (value.kind()) {
    case Kind::text: {
      Value text = Value::of(value.text().bytes, origin);
      text.as<Text>().markup = value.text().markup;
      return text;
    }
    case Kind::list:
    case Kind::tuple: {
      std::vector<Value> items;
      for (const Value& item : items_of(value)) items.push_back(with_origin(item, origin));
      return make_list(std::move(items), origin, value.kind());
    }
    case Kind::dict: {
      std::vector<std::pair<Value, Value>> items;
      for (const auto& [key, item] : pairs_of(value))
        items.emplace_back(with_origin(key, origin), with_origin(item, origin));
      return make_dict(std::move(items), origin);
    }
    default: return value;
  }
}

/// Elements, keys, characters; null where the value has no length.
inline std::optional<std::size_t> length_of(const Value& v);

inline bool truth(const Value& v) {
  switch (v.kind()) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean:
    case Kind::integer: return v.integer() != 0;
    case Kind::real: return v.real() != 0;
    case Kind::text: return !v.bytes().empty();
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
    case Kind::range:
    case Kind::view: return length_of(v) != std::size_t{0};
    default: return true;
  }
}

[[noreturn, gnu::cold]] inline void fail_undefined(const Machine& m, const Value& v) {
  m.fail({v.object() ? std::string_view(v.as<Undefined>().why) : std::string_view("a value is undefined")});
}

/// Goes through a value's elements.
class Cursor {
  Value of_;
  std::size_t at_ = 0;

 public:
  Cursor(Machine& m, Value of) : of_(std::move(of)) {
    switch (of_.kind()) {
      case Kind::undefined:
      case Kind::text:
      case Kind::list:
      case Kind::tuple:
      case Kind::dict:
      case Kind::range:
      case Kind::view:
      case Kind::iterator: return;
      default: m.fail({"'", type_name(of_), "' object is not iterable"});
    }
  }
  bool next(Machine& m, Value& out) {
    m.step();
    switch (of_.kind()) {
      case Kind::text: {
        const Text& text = of_.text();
        if (at_ >= text.bytes.size()) return false;
        const std::size_t begin = at_;
        character_at(text.bytes, at_);
        Writer writer(m);
        writer.add(text, begin, at_);
        out = writer.take();
        return true;
      }
      case Kind::list:
      case Kind::tuple: return at_ < items_of(of_).size() && (out = items_of(of_)[at_++], true);
      case Kind::dict: return at_ < pairs_of(of_).size() && (out = pairs_of(of_)[at_++].first, true);
      case Kind::range: {
        const Range& range = of_.as<Range>();
        if (static_cast<std::int64_t>(at_) >= range.size) return false;
        out = Value::of(range.start + static_cast<std::int64_t>(at_++) * range.step);
        return true;
      }
      case Kind::view: return of_view(m, out);
      case Kind::iterator: return of_.as<Iterator>().next(m, out);
      default: return false;
    }
  }

 private:
  bool of_view(Machine& m, Value& out) {
    const View& view = of_.as<View>();
    const auto& pairs = pairs_of(view.dict);
    if (at_ >= pairs.size()) return false;
    const auto& [key, value] = pairs[at_++];
    out = view.of == View::Of::keys ? key : view.of == View::Of::values ? value : m.list({key, value}, Kind::tuple);
    return true;
  }
};

inline bool is_iterable(const Value& v) {
  return v.is(Kind::undefined) || v.is(Kind::text) || v.is(Kind::list) || v.is(Kind::tuple) || v.is(Kind::dict) ||
         v.is(Kind::range) || v.is(Kind::view) || v.is(Kind::iterator) || v.is(Kind::loop);
}
inline std::vector<Value> to_vector(Machine& m, const Value& v) {
  if (is_sequence(v)) return m.charge(items_of(v).size() * sizeof(Value)), items_of(v);
  std::vector<Value> out;
  Cursor cursor(m, v);
  for (Value item; cursor.next(m, item); out.push_back(std::move(item))) m.charge(sizeof(Value));
  return out;
}
inline Value make_iterator(int depth, std::function<bool(Machine&, Value&)> next, const char* type = "generator") {
  auto made = std::make_shared<Iterator>();
  made->next = std::move(next);
  made->type = type;
  made->depth = deeper(depth);
  return Value(Kind::iterator, std::move(made));
}

/// Whether a comes before b. Errors: TemplateError where Python compares no such types.
inline std::partial_ordering order(Machine& m, const Value& a, const Value& b, const char* sign = "<") {
  m.step();
  if (is_number(a) && is_number(b)) return compare_numbers(a, b);
  if (a.is(Kind::text) && b.is(Kind::text)) return a.bytes().compare(b.bytes()) <=> 0;  // UTF-8 sorts as code points do
  if (a.is(Kind::undefined)) fail_undefined(m, a);
  if (b.is(Kind::undefined)) fail_undefined(m, b);
  if (is_sequence(a) && a.kind() == b.kind()) {
    const auto &x = items_of(a), &y = items_of(b);
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
      if (!equal(&m, x[i], y[i])) return order(m, x[i], y[i], sign);
    return x.size() <=> y.size();
  }
  m.fail({"'", sign, "' not supported between instances of '", type_name(a), "' and '", type_name(b), "'"});
}

}  // namespace tfm::inline TFM_ABI::jinja
