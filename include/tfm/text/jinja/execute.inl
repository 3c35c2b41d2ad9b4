#pragma once
// Statements carried out.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/evaluate.inl"

namespace tfm::inline TFM_ABI::jinja {

inline void assign(Machine& m, const Node& target, Value value, Frame* frame);

inline void assign_parts(Machine& m, const Node& target, const Value& value, Frame* frame) {
  const std::size_t expected = target.kids.size();
  if (value.is(Kind::undefined)) fail_undefined(m, value);
  std::vector<Value> parts;
  Cursor cursor(m, value);
  for (Value item; cursor.next(m, item); parts.push_back(std::move(item)))
    if (parts.size() == expected) m.fail({"too many values to unpack (expected ", expected, ")"});
  if (parts.size() < expected)
    m.fail({"not enough values to unpack (expected ", expected, ", got ", parts.size(), ")"});
  for (std::size_t i = 0; i < expected; ++i) assign(m, *target.kids[i], std::move(parts[i]), frame);
}
inline void assign(Machine& m, const Node& target, Value value, Frame* frame) {
  if (target.op == Op::name) return frame->set(target.id, std::move(value));
  if (target.op == Op::tuple) return assign_parts(m, target, value, frame);
  const Value space = variable(m, target, frame);
  if (!space.is(Kind::space)) m.fail({"cannot assign attribute on non-namespace object"});
  if (target.name.starts_with('_'))
    m.fail({"a namespace takes no attribute that begins with an underscore, but got '", target.name, "'"});
  m.charge(sizeof(Value));
  if (Value* known = space.as<Space>().find(target.name)) *known = std::move(value);
  else space.as<Space>().attributes.emplace_back(target.name, std::move(value));
}

inline void put_out(Machine& m, const Node& node, Frame* frame) {
  for (const NodePtr& kid : node.kids) {
    if (kid->op == Op::literal && kid->value.is(Kind::text)) m.out->add(kid->value.text());
    else write(m, *m.out, eval(m, *kid, frame));
  }
  if (m.out->size() > m.limits.output) m.fail({"writes more than ", m.limits.output, " bytes"});
}
inline Flow choose(Machine& m, const Node& node, Frame* frame) {
  for (std::size_t i = 0; i < node.kids.size(); ++i)
    if (node.kids[i] == nullptr || truth(eval(m, *node.kids[i], frame))) return execute(m, node.bodies[i], frame);
  return Flow::next;
}

/// The elements for which the loop's condition holds, tried one by one as they are asked for.
inline Value chosen(Machine& m, const Node& node, const Value& iterable, Frame* frame) {
  return make_iterator(iterable.depth(),
                       [&node, frame, cursor = Cursor(m, iterable)](Machine& machine, Value& out) mutable {
                         while (cursor.next(machine, out)) {
                           const Machine::Scope scope(machine, frame);
                           assign(machine, *node.kids[0], out, scope.get());
                           if (truth(eval(machine, *node.kids[2], scope.get()))) return true;
                         }
                         return false;
                       });
}
inline Flow run_loop(Machine& m, const Node& node, const Value& iterable, Frame* frame, std::int64_t level) {
  const auto loop = std::make_shared<Loop>(m, node.kids[2] != nullptr ? chosen(m, node, iterable, frame) : iterable);
  loop->node = &node;
  loop->frame = frame;
  loop->level = level;
  // Whoever kept `loop` finds it at its end, without what belongs to this scope.
  struct End {
    Machine& machine;
    Loop& loop;
    ~End() {
      loop.node = nullptr;
      loop.elements = Cursor(machine, Value());
      loop.looked = true;
      loop.changed.reset();
    }
  } const end{m, *loop};
  bool any = false;
  for (Value item; loop->advance(m, item); any = true) {
    const Machine::Scope scope(m, frame);
    scope->set(known_loop, Value(Kind::loop, loop));
    assign(m, *node.kids[0], std::move(item), scope.get());
    if (execute(m, node.bodies[0], scope.get()) == Flow::broken) return Flow::next;
  }
  if (any || node.bodies.size() < 2) return Flow::next;
  const Machine::Scope scope(m, frame);
  return execute(m, node.bodies[1], scope.get());  // a break there leaves the loop around this one
}

inline Flow execute_captured(Machine& m, const Node& node, Frame* frame) {
  const Machine::Scope scope(m, frame);
  Value written;
  {
    Captured captured(m);
    const Flow flow = execute(m, node.bodies[0], scope.get());
    if (flow != Flow::next) return flow;
    written = captured.writer.take();
  }
  const Node* filter = node.kids[node.op == Op::set_block ? 1 : 0].get();
  if (filter != nullptr) {
    m.captured = std::move(written);
    written = eval(m, *filter, scope.get());
  }
  if (node.op == Op::set_block) assign(m, *node.kids[0], std::move(written), frame);
  else write(m, *m.out, written);
  return Flow::next;
}
inline void execute_call(Machine& m, const Node& node, Frame* frame) {
  const Node& callee = *node.kids[0];
  Arguments a;
  const Value function = eval(m, *callee.kids[0], frame);
  gather(m, callee, frame, a);
  a.named.emplace_back("caller", make_macro(node, frame));
  m.line = node.line;
  write(m, *m.out, call(m, function, a));
}
inline void execute_generation(Machine& m, const Node& node, Frame* frame) {
  const Machine::Scope scope(m, frame);
  Captured captured(m);
  execute(m, node.bodies[0], scope.get());
  captured.writer.mark_generation();
  const Value written = captured.writer.take();
  captured.end();
  m.out->add(written.text());
}
inline Flow execute_with(Machine& m, const Node& node, Frame* frame) {
  const Machine::Scope scope(m, frame);
  for (std::size_t i = 0; i < node.kids.size(); i += 2)
    assign(m, *node.kids[i], eval(m, *node.kids[i + 1], frame), scope.get());
  return execute(m, node.bodies[0], scope.get());
}
inline void execute_block(Machine& m, const Node& node, Frame* frame) {
  const Machine::Scope scope(m, node.flag ? frame : &m.root);
  execute(m, node.bodies[0], scope.get());
}

inline Flow execute(Machine& m, const Node& node, Frame* frame) {
  m.step();
  m.line = node.line;
  switch (node.op) {
    case Op::output: put_out(m, node, frame); break;
    case Op::branch: return choose(m, node, frame);
    case Op::loop: return run_loop(m, node, eval(m, *node.kids[1], frame), frame, 0);
    case Op::set: assign(m, *node.kids[0], eval(m, *node.kids[1], frame), frame); break;
    case Op::set_block:
    case Op::filter_block: return execute_captured(m, node, frame);
    case Op::with: return execute_with(m, node, frame);
    case Op::macro: frame->set(node.id, make_macro(node, frame)); break;
    case Op::call_block: execute_call(m, node, frame); break;
    case Op::block: execute_block(m, node, frame); break;
    case Op::generation: execute_generation(m, node, frame); break;
    case Op::break_loop: return Flow::broken;
    case Op::continue_loop: return Flow::continued;
    default: m.fail({"{% ", node.name, " %}: a template has no others beside it"});
  }
  return Flow::next;
}
inline Flow execute(Machine& m, const Nodes& nodes, Frame* frame) {
  const Machine::Deeper deeper(m);
  for (const NodePtr& node : nodes) {
    const Flow flow = execute(m, *node, frame);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

}  // namespace tfm::inline TFM_ABI::jinja
