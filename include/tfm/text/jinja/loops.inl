#pragma once
// `loop`: where a {% for %} is. Elements are fetched one ahead only where the template asks for what comes next.
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/lookup.inl"

namespace tfm::inline TFM_ABI::jinja {

struct Loop : Object {
  Cursor elements;
  std::optional<std::size_t> length{};  // of all of them, once it is known
  std::int64_t index = 0;               // of the current one, from 1
  std::optional<Value> after{}, current{}, before{};
  bool looked = false;  // `after` was fetched; it may be the end
  std::optional<std::vector<Value>> changed{};
  const Node* node = nullptr;  // and the scope that it stands in, where it is recursive
  Frame* frame = nullptr;
  std::int64_t level = 0;

  Loop(Machine& m, const Value& of) : elements(m, of), length(length_of(of)) { depth = deeper(of.depth()); }

  const std::optional<Value>& peek(Machine& m) {
    if (looked) return after;
    looked = true;
    Value next;
    if (elements.next(m, next)) after = std::move(next);
    return after;
  }
  bool advance(Machine& m, Value& out) {
    if (!peek(m)) return false;
    before = std::move(current);
    current = std::move(after);
    after.reset();
    looked = false;
    ++index;
    out = *current;
    return true;
  }
  std::int64_t count(Machine& m) {
    if (!length) {
      std::vector<Value> rest;
      for (Value item; elements.next(m, item); rest.push_back(std::move(item))) m.charge(sizeof(Value));
      length = rest.size() + static_cast<std::size_t>(index) + (after ? 1 : 0);
      elements = Cursor(m, m.list(std::move(rest)));
    }
    return static_cast<std::int64_t>(*length);
  }
};

namespace loops {
inline Value cycle(Machine& m, const Function& f, Arguments& a) {
  if (a.values.empty()) m.fail({"no items for cycling given"});
  return a.values[static_cast<std::size_t>(f.self.as<Loop>().index - 1) % a.values.size()];
}
inline Value changed(Machine& m, const Function& f, Arguments& a) {
  auto& last = f.self.as<Loop>().changed;
  const bool same = last && last->size() == a.values.size() &&
                    std::equal(last->begin(), last->end(), a.values.begin(),
                               [&](const Value& x, const Value& y) { return equal(&m, x, y); });
  if (!same) {
    for (const Value& value : a.values)
      f.self.as<Loop>().depth = std::max(f.self.as<Loop>().depth, deeper(value.depth()));
    last = a.values;
  }
  return Value::of(!same);
}
}  // namespace loops

inline std::optional<Value> loop_attribute(Machine& m, const Value& v, std::string_view name) {
  Loop& loop = v.as<Loop>();
  if (name == "index") return Value::of(loop.index);
  if (name == "index0") return Value::of(loop.index - 1);
  if (name == "first") return Value::of(loop.index == 1);
  if (name == "last") return Value::of(!loop.peek(m).has_value());
  if (name == "length") return Value::of(loop.count(m));
  if (name == "revindex") return Value::of(loop.count(m) - loop.index + 1);
  if (name == "revindex0") return Value::of(loop.count(m) - loop.index);
  if (name == "depth") return Value::of(loop.level + 1);
  if (name == "depth0") return Value::of(loop.level);
  if (name == "previtem")
    return loop.index == 1 || !loop.before ? undefined("there is no previous item") : *loop.before;
  if (name == "nextitem") return loop.peek(m) ? *loop.after : undefined("there is no next item");
  if (name == "cycle") return make_method("cycle", v, loops::cycle);
  if (name == "changed") return make_method("changed", v, loops::changed);
  return std::nullopt;
}
inline std::string loop_shown(Machine& m, const Value& v) {
  return joined({"<LoopContext ", v.as<Loop>().index, "/", v.as<Loop>().count(m), ">"});
}

}  // namespace tfm::inline TFM_ABI::jinja
