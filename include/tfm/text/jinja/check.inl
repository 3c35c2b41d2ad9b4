#pragma once
// A program's filters and tests, looked for before it runs: jinja2 refuses an unknown one at once, but not in an {% if
// %} or an inline if.
#include "tfm/text/jinja/execute.inl"

namespace tfm::inline TFM_ABI::jinja {

/// `soft`: what is unknown here fails only when it is reached.
inline void check_names(const Node& node, bool soft);

inline void check_names(const Nodes& nodes, bool soft) {
  for (const NodePtr& node : nodes)
    if (node != nullptr) check_names(*node, soft);
}
inline void check_names(const Node& node, bool soft) {
  if (!soft && node.op == Op::filter && filters::named(node.name) == nullptr)
    refuse_source(node.line, {"No filter named '", node.name, "'."});
  if (!soft && node.op == Op::test && tests::named(node.name) == nullptr)
    refuse_source(node.line, {"No test named '", node.name, "'."});
  const bool choice = node.op == Op::branch || node.op == Op::condition;
  const bool scope = node.op == Op::macro || node.op == Op::set_block || node.op == Op::filter_block;
  for (std::size_t i = 0; i < node.kids.size(); ++i) {
    const bool own_scope = scope || (node.op == Op::loop && i == 2) || (node.op == Op::call_block && i > 0);
    if (node.kids[i] != nullptr) check_names(*node.kids[i], choice || (soft && !own_scope));
  }
  for (const auto& [name, value] : node.keywords) check_names(*value, soft);
  if (node.star) check_names(*node.star, soft);
  if (node.stars) check_names(*node.stars, soft);
  for (const Nodes& body : node.bodies) check_names(body, choice);
}

}  // namespace tfm::inline TFM_ABI::jinja
