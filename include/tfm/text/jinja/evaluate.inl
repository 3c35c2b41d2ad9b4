#pragma once
// Expressions computed.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/calls.inl"
#include "tfm/text/jinja/tests.inl"

namespace tfm::inline TFM_ABI::jinja {

inline Value variable(Machine& m, const Node& node, Frame* frame) {
  for (Frame* scope = frame; scope != nullptr; scope = scope->parent)
    if (const Value* found = scope->find(node.id)) return *found;
  const Value& global = m.globals[node.id];
  return global.is(Kind::undefined) ? node.value : global;
}
inline Value make_sequence(Machine& m, const Node& node, Frame* frame) {
  std::vector<Value> items;
  items.reserve(node.kids.size());
  for (const NodePtr& kid : node.kids) items.push_back(eval(m, *kid, frame));
  return m.list(std::move(items), node.op == Op::list ? Kind::list : Kind::tuple);
}
inline Value make_dictionary(Machine& m, const Node& node, Frame* frame) {
  std::vector<std::pair<Value, Value>> items;
  for (std::size_t i = 0; i < node.kids.size(); i += 2) {
    Value key = eval(m, *node.kids[i], frame);
    items.emplace_back(std::move(key), eval(m, *node.kids[i + 1], frame));
  }
  m.charge(items.size() * 2 * sizeof(Value) + sizeof(Dict));
  return make_dict(std::move(items));
}
inline Value arithmetic(Machine& m, const Node& node, Frame* frame) {
  const Value a = eval(m, *node.kids[0], frame), b = eval(m, *node.kids[1], frame);
  m.line = node.line;
  switch (node.op) {
    case Op::add: return add(m, a, b);
    case Op::subtract: return subtract(m, a, b);
    case Op::multiply: return multiply(m, a, b);
    case Op::divide: return divide(m, a, b);
    case Op::floor_divide: return divide_down(m, a, b, true);
    case Op::modulo: return modulo(m, a, b);
    default: return power(m, a, b);
  }
}
inline Value concatenate(Machine& m, const Node& node, Frame* frame) {
  Writer out(m);
  for (const NodePtr& kid : node.kids) write(m, out, eval(m, *kid, frame));
  return out.take();
}
inline Value comparison(Machine& m, const Node& node, Frame* frame) {
  Value left = eval(m, *node.kids[0], frame);
  for (std::size_t i = 0; i < node.signs.size(); ++i) {
    Value right = eval(m, *node.kids[i + 1], frame);
    m.line = node.line;
    if (!compare(m, node.signs[i], left, right)) return Value::of(false);
    left = std::move(right);
  }
  return Value::of(true);
}
inline Value conditional(Machine& m, const Node& node, Frame* frame) {
  if (truth(eval(m, *node.kids[0], frame))) return eval(m, *node.kids[1], frame);
  if (node.kids[2] != nullptr) return eval(m, *node.kids[2], frame);
  return undefined("the inline if-expression evaluated to false and no else section was defined.");
}
inline Value subscript(Machine& m, const Node& node, Frame* frame) {
  const Value object = eval(m, *node.kids[0], frame), key = eval(m, *node.kids[1], frame);
  m.line = node.line;
  return get_item(m, object, key);
}
inline Value sliced(Machine& m, const Node& node, Frame* frame) {
  if (node.kids[0] == nullptr) m.fail({"a slice among several keys"});
  const Value object = eval(m, *node.kids[0], frame);
  const auto bound = [&](std::size_t i) {
    return node.kids[i] == nullptr ? Value::none() : eval(m, *node.kids[i], frame);
  };
  const Value begin = bound(1), end = bound(2), step = bound(3);
  m.line = node.line;
  if (object.is(Kind::undefined)) fail_undefined(m, object);
  if (step.is(Kind::integer) && step.integer() == 0) m.fail({"slice step cannot be zero"});
  auto found = slice(m, object, begin, end, step);
  if (!found) m.fail({object_name(object), " cannot be sliced so"});
  return *std::move(found);
}
inline void gather(Machine& m, const Node& node, Frame* frame, Arguments& a) {
  for (std::size_t i = 1; i < node.kids.size(); ++i) a.values.push_back(eval(m, *node.kids[i], frame));
  for (const auto& [name, value] : node.keywords) a.named.emplace_back(name, eval(m, *value, frame));
  if (node.star) {
    for (Value& value : to_vector(m, eval(m, *node.star, frame))) a.values.push_back(std::move(value));
  }
  if (node.stars) {
    const Value more = eval(m, *node.stars, frame);
    if (!more.is(Kind::dict)) m.fail({"argument after ** must be a mapping, not ", type_name(more)});
    for (const auto& [key, value] : pairs_of(more)) {
      if (!key.is(Kind::text)) m.fail({"keywords must be strings"});
      a.named.emplace_back(key.bytes(), value);
    }
  }
}
inline Value called(Machine& m, const Node& node, Frame* frame) {
  const Value callee = eval(m, *node.kids[0], frame);
  Arguments a;
  gather(m, node, frame, a);
  m.line = node.line;
  return call(m, callee, a);
}
inline Value filtered(Machine& m, const Node& node, Frame* frame) {
  const Value operand = node.kids[0] == nullptr ? std::exchange(m.captured, {}) : eval(m, *node.kids[0], frame);
  Arguments a;
  gather(m, node, frame, a);
  m.line = node.line;
  return apply_filter(m, node.name, operand, a);
}
inline Value tested(Machine& m, const Node& node, Frame* frame) {
  const Value operand = eval(m, *node.kids[0], frame);
  Arguments a;
  gather(m, node, frame, a);
  m.line = node.line;
  return Value::of(apply_test(m, node.name, operand, a));
}
inline Value attribute(Machine& m, const Node& node, Frame* frame) {
  const Value object = eval(m, *node.kids[0], frame);
  m.line = node.line;
  return get_attribute(m, object, node.value);
}

inline Value eval(Machine& m, const Node& node, Frame* frame) {
  const Machine::Deeper deeper(m);
  m.step();
  switch (node.op) {
    case Op::literal: return node.value;
    case Op::name: return variable(m, node, frame);
    case Op::list:
    case Op::tuple: return make_sequence(m, node, frame);
    case Op::dict: return make_dictionary(m, node, frame);
    case Op::negative: return negative(m, eval(m, *node.kids[0], frame));
    case Op::positive: return positive(m, eval(m, *node.kids[0], frame));
    case Op::logical_not: return Value::of(!truth(eval(m, *node.kids[0], frame)));
    case Op::logical_and:
    case Op::logical_or: {
      Value left = eval(m, *node.kids[0], frame);
      return truth(left) == (node.op == Op::logical_or) ? left : eval(m, *node.kids[1], frame);
    }
    case Op::add:
    case Op::subtract:
    case Op::multiply:
    case Op::divide:
    case Op::floor_divide:
    case Op::modulo:
    case Op::power: return arithmetic(m, node, frame);
    case Op::concatenate: return concatenate(m, node, frame);
    case Op::compare: return comparison(m, node, frame);
    case Op::condition: return conditional(m, node, frame);
    case Op::attribute: return attribute(m, node, frame);
    case Op::item: return subscript(m, node, frame);
    case Op::slice: return sliced(m, node, frame);
    case Op::call: return called(m, node, frame);
    case Op::filter: return filtered(m, node, frame);
    case Op::test: return tested(m, node, frame);
    default: m.fail({"a statement stands where a value is expected"});
  }
}

}  // namespace tfm::inline TFM_ABI::jinja
