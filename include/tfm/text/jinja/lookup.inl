#pragma once
// object.name and object[key], as jinja2's sandbox finds them: methods before keys by a dot, keys before methods by
// brackets; nothing that changes a list or a dictionary.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/text_methods.inl"

namespace tfm::inline TFM_ABI::jinja {

inline std::optional<Value> loop_attribute(Machine& m, const Value& loop, std::string_view name);    // loops.inl
inline std::optional<Value> macro_attribute(Machine& m, const Value& macro, std::string_view name);  // calls.inl

struct Cycler : Object {
  std::vector<Value> items;
  std::size_t at = 0;
};
struct Joiner : Object {
  Value text;
  bool used = false;
};

inline Value unsafe(std::string_view name, const Value& of) {
  return undefined(joined({"access to attribute '", name, "' of '", type_name(of), "' object is unsafe."}));
}

namespace container_methods {
inline Value view(const Value& dict, View::Of of) {
  auto made = std::make_shared<View>();
  made->dict = dict;
  made->of = of;
  made->depth = deeper(dict.depth());
  return Value(Kind::view, std::move(made));
}
template <View::Of of>
Value view_of(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return view(f.self, of);
}
inline Value get(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", ""}, 1);
  if (!hash_of(p[0])) m.fail({"unhashable type: '", type_name(p[0]), "'"});
  const Value* found = find(&m, f.self, p[0]);
  return found != nullptr ? *found : p.value(1, Value::none());
}
inline Value copy(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return f.self;  // nothing can change it
}
inline Value index(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", "", ""}, 1);
  const std::vector<Value> items = to_vector(m, f.self);
  const auto n = static_cast<std::int64_t>(items.size());
  const auto clamp = [&](std::int64_t i) { return std::clamp<std::int64_t>(i < 0 ? i + n : i, 0, n); };
  for (std::int64_t i = clamp(p.integer(1, 0)); i < clamp(p.integer(2, n)); ++i)
    if (equal(&m, items[static_cast<std::size_t>(i)], p[0])) return Value::of(i);
  m.fail({"the value is not in the ", type_name(f.self)});
}
inline Value count(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {""}, 1);
  const std::vector<Value> items = to_vector(m, f.self);
  return Value::of(static_cast<std::int64_t>(
      std::count_if(items.begin(), items.end(), [&](const Value& item) { return equal(&m, item, p[0]); })));
}
inline Value bit_length(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  const integers::Number n = integers::number(f.self);
  return Value::of(n.digits.empty() ? std::int64_t{0}
                                    : static_cast<std::int64_t>(32 * n.digits.size()) - __builtin_clz(n.digits.back()));
}
inline Value is_whole(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  return Value::of(std::isfinite(f.self.real()) && f.self.real() == std::floor(f.self.real()));
}
inline Value cycler_next(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  Cycler& cycler = f.self.as<Cycler>();
  const Value out = cycler.items[cycler.at];
  cycler.at = (cycler.at + 1) % cycler.items.size();
  return out;
}
inline Value cycler_reset(Machine& m, const Function& f, Arguments& a) {
  Parameters(m, f.name, a, {});
  f.self.as<Cycler>().at = 0;
  return Value::none();
}
inline Value fromkeys(Machine& m, const Function& f, Arguments& a) {
  const Parameters p(m, f.name, a, {"", ""}, 1);
  std::vector<std::pair<Value, Value>> pairs;
  for (Value& key : to_vector(m, p[0])) pairs.emplace_back(std::move(key), p.value(1, Value::none()));
  return make_dict(std::move(pairs));
}

inline bool among(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

inline std::optional<Value> of_dict(const Value& v, std::string_view name) {
  if (name == "get") return make_method("get", v, get);
  if (name == "items") return make_method("items", v, view_of<View::Of::items>);
  if (name == "keys") return make_method("keys", v, view_of<View::Of::keys>);
  if (name == "values") return make_method("values", v, view_of<View::Of::values>);
  if (name == "copy") return make_method("copy", v, copy);
  if (name == "fromkeys") return make_method("fromkeys", v, fromkeys);
  if (among(name, {"clear", "pop", "popitem", "setdefault", "update"})) return unsafe(name, v);
  return std::nullopt;
}
inline std::optional<Value> of_sequence(const Value& v, std::string_view name) {
  if (name == "index") return make_method("index", v, index);
  if (name == "count") return make_method("count", v, count);
  if (v.is(Kind::tuple) && v.as<List>().group && (name == "grouper" || name == "list"))
    return items_of(v)[name == "list" ? 1 : 0];
  if (!v.is(Kind::list)) return std::nullopt;
  if (name == "copy") return make_method("copy", v, copy);
  if (among(name, {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"})) return unsafe(name, v);
  return std::nullopt;
}
inline std::optional<Value> of_number(const Value& v, std::string_view name) {
  if (name == "imag") return v.is(Kind::real) ? Value::of(0.0) : Value::of(std::int64_t{0});
  if (name == "real" || (name == "numerator" && !v.is(Kind::real)))
    return v.is(Kind::boolean) ? Value::of(v.integer()) : v;
  if (v.is(Kind::real))
    return name == "is_integer" ? std::optional(make_method("is_integer", v, is_whole)) : std::nullopt;
  if (name == "denominator") return Value::of(std::int64_t{1});
  return name == "bit_length" ? std::optional(make_method("bit_length", v, bit_length)) : std::nullopt;
}
inline std::optional<Value> of_cycler(const Value& v, std::string_view name) {
  if (name == "next") return make_method("next", v, cycler_next);
  if (name == "reset") return make_method("reset", v, cycler_reset);
  if (name == "current") return v.as<Cycler>().items[v.as<Cycler>().at];
  return std::nullopt;
}
inline std::optional<Value> of_range(const Value& v, std::string_view name) {
  const Range& range = v.as<Range>();
  if (name == "start" || name == "stop" || name == "step")
    return Value::of(name == "start" ? range.start : name == "stop" ? range.stop : range.step);
  return of_sequence(v, name);
}
}  // namespace container_methods

/// What Python's getattr() finds, as far as templates may see it.
inline std::optional<Value> python_attribute(Machine& m, const Value& v, std::string_view name) {
  if (name.size() > 4 && name.starts_with("__") && name.ends_with("__")) return unsafe(name, v);
  switch (v.kind()) {
    case Kind::text: return text_method(v, name);
    case Kind::dict: return container_methods::of_dict(v, name);
    case Kind::list:
    case Kind::tuple: return container_methods::of_sequence(v, name);
    case Kind::boolean:
    case Kind::integer:
    case Kind::big:
    case Kind::real: return container_methods::of_number(v, name);
    case Kind::range: return container_methods::of_range(v, name);
    case Kind::space: {
      const Value* found = v.as<Space>().find(name);
      return found != nullptr ? std::optional(*found) : std::nullopt;
    }
    case Kind::cycler: return container_methods::of_cycler(v, name);
    case Kind::loop: return loop_attribute(m, v, name);
    case Kind::macro: return macro_attribute(m, v, name);
    case Kind::function:
      if (v.as<Function>().name == "dict" && name == "fromkeys")
        return make_method("fromkeys", v, container_methods::fromkeys);
      return std::nullopt;
    default: return std::nullopt;
  }
}
/// What Python's [] finds. The key is no slice.
inline std::optional<Value> python_item(Machine& m, const Value& v, const Value& key) {
  if (v.is(Kind::dict)) {
    if (!hash_of(key)) return std::nullopt;
    const Value* found = find(&m, v, key);
    return found != nullptr ? std::optional(*found) : std::nullopt;
  }
  const bool has_places = v.is(Kind::text) || is_sequence(v) || v.is(Kind::range);
  if (!has_places || !(key.is(Kind::integer) || key.is(Kind::boolean))) return std::nullopt;
  return element(m, v, key.integer());
}

inline std::string object_name(const Value& v) {
  return v.is(Kind::none) ? "None" : joined({"'", type_name(v), " object'"});
}

inline std::optional<Value> get_attribute(Machine& m, const Value& object, std::string_view name) {
  if (object.is(Kind::undefined)) fail_undefined(m, object);
  if (auto found = python_attribute(m, object, name)) return found;
  if (!object.is(Kind::dict)) return std::nullopt;
  const Value* found = find(object, name);
  return found != nullptr ? std::optional(*found) : std::nullopt;
}
inline Value get_attribute(Machine& m, const Value& object, const Value& name) {
  if (auto found = get_attribute(m, object, name.bytes())) return *found;
  return undefined(joined({object_name(object), " has no attribute '", name.bytes(), "'"}));
}
inline Value get_item(Machine& m, const Value& object, const Value& key) {
  if (object.is(Kind::undefined)) fail_undefined(m, object);
  if (auto found = python_item(m, object, key)) return *found;
  if (key.is(Kind::text)) {
    if (auto found = python_attribute(m, object, key.bytes())) return *found;
    return undefined(joined({object_name(object), " has no attribute '", key.bytes().substr(0, 80), "'"}));
  }
  return undefined(joined({object_name(object), " has no such element"}));
}

}  // namespace tfm::inline TFM_ABI::jinja
