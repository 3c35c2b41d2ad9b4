#pragma once
// Calls: macros with their parameters, loops that go down, the functions that every template knows.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/loops.inl"
#include "tfm/text/jinja/strftime.inl"

namespace tfm::inline TFM_ABI::jinja {

/// Names whose number every program knows.
enum Known : std::uint32_t {
  known_loop,
  known_caller,
  known_varargs,
  known_kwargs,
  known_range,
  known_dict,
  known_namespace,
  known_cycler,
  known_joiner,
  known_lipsum,
  known_raise_exception,
  known_strftime_now,
  known_names
};

struct Macro : Object {
  const Node* node = nullptr;
  Frame* frame = nullptr;  // where it was made
};
enum class Flow : unsigned char { next, broken, continued };

inline Value eval(Machine& m, const Node& node, Frame* frame);      // evaluate.inl
inline Flow execute(Machine& m, const Nodes& nodes, Frame* frame);  // execute.inl
inline Flow run_loop(Machine& m, const Node& node, const Value& iterable, Frame* frame, std::int64_t level);

inline Value make_macro(const Node& node, Frame* frame) {
  auto macro = std::make_shared<Macro>();
  macro->node = &node;
  macro->frame = frame;
  Machine::keep(frame);
  return Value(Kind::macro, std::move(macro));
}
inline std::string macro_shown(const Value& v) { return joined({"<Macro '", v.as<Macro>().node->name, "'>"}); }
inline std::optional<Value> macro_attribute(Machine& m, const Value& v, std::string_view name) {
  const Node& node = *v.as<Macro>().node;
  if (name == "name") return m.text(node.name);
  if (name == "catch_kwargs") return Value::of(node.takes_kwargs);
  if (name == "catch_varargs") return Value::of(node.takes_varargs);
  if (name == "caller") return Value::of(node.takes_caller);
  if (name != "arguments") return std::nullopt;
  std::vector<Value> names;
  for (const std::uint32_t id : node.parameters) names.push_back(m.text(m.program.names[id]));
  return m.list(std::move(names), Kind::tuple);
}

/// What statements write, as a text of its own.
class Captured {
  Machine& m_;
  Writer* outer_;

 public:
  Writer writer;
  explicit Captured(Machine& m) : m_(m), outer_(m.out), writer(m) { m.out = &writer; }
  ~Captured() { end(); }
  /// Statements write where they did before.
  void end() { m_.out = outer_; }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;
};

inline std::optional<Value> take_named(Arguments& a, std::string_view name) {
  for (auto at = a.named.begin(); at != a.named.end(); ++at) {
    if (at->first != name) continue;
    Value value = std::move(at->second);
    a.named.erase(at);
    return value;
  }
  return std::nullopt;
}
inline void bind_macro(Machine& m, const Node& node, Arguments& a, Frame* frame) {
  const std::size_t count = node.parameters.size(), first_default = node.kids.size() - count;
  std::vector<std::optional<Value>> given(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (i < a.values.size()) given[i] = a.values[i];
    else given[i] = take_named(a, m.program.names[node.parameters[i]]);
  }
  if (node.takes_caller) {
    auto caller = take_named(a, "caller");
    frame->set(known_caller, caller ? *caller : undefined("No caller defined"));
  }
  if (node.takes_kwargs) {
    std::vector<std::pair<Value, Value>> rest;
    for (auto& [name, value] : a.named) rest.emplace_back(m.text(name), std::move(value));
    frame->set(known_kwargs, make_dict(std::move(rest)));
  } else if (!a.named.empty()) {
    m.fail({"macro '", node.name, "' takes no keyword argument '", a.named[0].first, "'"});
  }
  if (node.takes_varargs) {
    const auto rest = a.values.begin() + static_cast<std::ptrdiff_t>(std::min(count, a.values.size()));
    frame->set(known_varargs, m.list(std::vector(rest, a.values.end()), Kind::tuple));
  } else if (a.values.size() > count) {
    m.fail({"macro '", node.name, "' takes not more than ", count, " argument(s)"});
  }
  for (std::size_t i = 0; i < count; ++i) {
    const Node* otherwise = node.kids[first_default + i].get();
    Value value = given[i] ? *given[i]
                  : otherwise != nullptr
                      ? eval(m, *otherwise, frame)
                      : undefined(joined({"parameter '", m.program.names[node.parameters[i]], "' was not provided"}));
    frame->set(node.parameters[i], std::move(value));
  }
}
inline Value call_macro(Machine& m, const Macro& macro, Arguments& a) {
  const Machine::Deeper deeper(m);
  const Machine::Scope scope(m, macro.frame);
  bind_macro(m, *macro.node, a, scope.get());
  Captured captured(m);
  execute(m, macro.node->bodies[0], scope.get());
  return captured.writer.take();
}
inline Value call_loop(Machine& m, const Value& v, Arguments& a) {
  const Machine::Deeper deeper(m);
  const Parameters p(m, "loop", a, {"iterable"}, 1);
  const Loop& loop = v.as<Loop>();
  if (loop.node == nullptr || !loop.node->flag)
    m.fail({"the loop must have the 'recursive' marker, and be under way, to be called"});
  Captured captured(m);
  run_loop(m, *loop.node, p[0], loop.frame, loop.level + 1);
  return captured.writer.take();
}
inline Value call(Machine& m, const Value& callee, Arguments& a) {
  m.step();
  switch (callee.kind()) {
    case Kind::function: {
      const auto held = callee.object();
      const Function& function = callee.as<Function>();
      return function.call(m, function, a);
    }
    case Kind::macro: return call_macro(m, callee.as<Macro>(), a);
    case Kind::loop: return call_loop(m, callee, a);
    case Kind::joiner: {
      const Parameters p(m, "joiner", a, {});
      if (std::exchange(callee.as<Joiner>().used, true)) return callee.as<Joiner>().text;
      return Value::of("");
    }
    case Kind::undefined: fail_undefined(m, callee);
    default: m.fail({"'", type_name(callee), "' object is not callable"});
  }
}
inline bool is_callable(const Value& v) {
  return v.is(Kind::function) || v.is(Kind::macro) || v.is(Kind::loop) || v.is(Kind::joiner) || v.is(Kind::undefined);
}

namespace globals {
inline Value range(Machine& m, const Function&, Arguments& a) {
  const Parameters p(m, "range", a, {"", "", ""}, 1);
  auto made = std::make_shared<Range>();
  for (std::size_t i = 0; i < 3; ++i)
    if (p.has(i) && p[i].is(Kind::big)) m.fail({"Range too big."});
  made->start = p.has(1) ? p.integer(0, 0) : 0;
  made->stop = p.has(1) ? p.integer(1, 0) : p.integer(0, 0);
  made->step = p.integer(2, 1);
  if (made->step == 0 || made->step == INT64_MIN) m.fail({"range() arg 3 must not be zero"});
  const bool up = made->step > 0;
  if (up ? made->start < made->stop : made->start > made->stop) {
    const std::uint64_t span = up ? static_cast<std::uint64_t>(made->stop) - static_cast<std::uint64_t>(made->start)
                                  : static_cast<std::uint64_t>(made->start) - static_cast<std::uint64_t>(made->stop);
    const std::uint64_t size = (span - 1) / static_cast<std::uint64_t>(up ? made->step : -made->step) + 1;
    if (size > 100'000) m.fail({"Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."});
    made->size = static_cast<std::int64_t>(size);
  }
  return Value(Kind::range, std::move(made));
}
/// The pairs that dict(mapping or pairs, name=value) holds.
inline std::vector<std::pair<Value, Value>> pairs(Machine& m, std::string_view function, Arguments& a) {
  std::vector<std::pair<Value, Value>> out;
  if (a.values.size() > 1) m.fail({function, " expected at most 1 argument, got ", a.values.size()});
  if (!a.values.empty() && a.values[0].is(Kind::dict)) {
    m.charge(pairs_of(a.values[0]).size() * 2 * sizeof(Value));
    out = pairs_of(a.values[0]);
  } else if (!a.values.empty()) {
    for (const Value& item : to_vector(m, a.values[0])) {
      const std::vector<Value> pair = to_vector(m, item);
      if (pair.size() != 2) m.fail({function, ": an element has length ", pair.size(), "; 2 is required"});
      out.emplace_back(pair[0], pair[1]);
    }
  }
  for (auto& [name, value] : a.named) out.emplace_back(m.text(name), std::move(value));
  return out;
}
inline Value dict(Machine& m, const Function&, Arguments& a) { return make_dict(pairs(m, "dict", a)); }
inline Value name_space(Machine& m, const Function&, Arguments& a) {
  std::vector<std::pair<std::string, Value>> attributes;
  const Value given = make_dict(pairs(m, "namespace", a));
  for (const auto& [key, value] : pairs_of(given)) {
    if (!key.is(Kind::text)) m.fail({"a namespace's attribute is of type '", type_name(key), "', expected a name"});
    if (key.bytes().starts_with('_'))
      m.fail({"a namespace takes no attribute that begins with an underscore, but got '", key.bytes(), "'"});
    attributes.emplace_back(key.bytes(), value);
  }
  return m.make_space(std::move(attributes));
}
inline Value cycler(Machine& m, const Function&, Arguments& a) {
  if (a.values.empty() || !a.named.empty()) m.fail({"at least one item has to be provided"});
  auto made = std::make_shared<Cycler>();
  made->depth = deeper(make_list(a.values).depth());
  made->items = a.values;
  return Value(Kind::cycler, std::move(made));
}
inline Value joiner(Machine& m, const Function&, Arguments& a) {
  const Parameters p(m, "joiner", a, {"sep"});
  auto made = std::make_shared<Joiner>();
  made->text = p.value(0, Value::of(", "));
  made->depth = deeper(made->text.depth());
  return Value(Kind::joiner, std::move(made));
}
inline Value lipsum(Machine& m, const Function&, Arguments&) { m.fail({"lipsum() is not supported: it is random"}); }
inline Value raise_exception(Machine& m, const Function&, Arguments& a) {
  const Parameters p(m, "raise_exception", a, {"message"}, 1);
  raise(Raised(std::string(as_text(m, p[0]).bytes())));
}
inline Value strftime_now(Machine& m, const Function&, Arguments& a) {
  const Parameters p(m, "strftime_now", a, {"format"}, 1);
  return m.text(time_text(*m.context.now, p.text(0).bytes()));
}

/// What every template knows, by Known.
inline Value known(std::uint32_t id) {
  switch (id) {
    case known_range: return make_method("range", {}, range);
    case known_dict: return make_method("dict", {}, dict);
    case known_namespace: return make_method("namespace", {}, name_space);
    case known_cycler: return make_method("cycler", {}, cycler);
    case known_joiner: return make_method("joiner", {}, joiner);
    case known_lipsum: return make_method("lipsum", {}, lipsum);
    case known_raise_exception: return make_method("raise_exception", {}, raise_exception);
    case known_strftime_now: return make_method("strftime_now", {}, strftime_now);
    default: return {};
  }
}
}  // namespace globals

}  // namespace tfm::inline TFM_ABI::jinja
