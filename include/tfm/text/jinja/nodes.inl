#pragma once
// A template taken apart: expressions and statements as a tree.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tfm/text/jinja/value.hpp"

namespace tfm::inline TFM_ABI::jinja {

struct Undefined : Object {
  std::string why;  // the message of an error where it is used
};
inline Value undefined(std::string why) {
  auto made = std::make_shared<Undefined>();
  made->why = std::move(why);
  return Value(Kind::undefined, std::move(made));
}

[[noreturn, gnu::cold]] inline void refuse_source(std::uint32_t line, std::initializer_list<TextPart> why) {
  raise<TemplateError>({"tfm: chat template, line ", line, ": ", joined(why)});
}

struct Node;
using NodePtr = std::unique_ptr<Node>;
using Nodes = std::vector<NodePtr>;

enum class Op : unsigned char {
  // Expressions; `kids` are operands in their order.
  literal,  // value
  name,     // id, value: what it is where nobody defined it
  list,
  tuple,
  dict,  // dict: key, value, key, ...
  negative,
  positive,
  logical_not,
  logical_and,
  logical_or,
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  concatenate,
  compare,    // signs, one for each kid but the first
  condition,  // test, then, otherwise (may be missing)
  attribute,  // name
  item,       // object, key
  slice,      // object, begin, end, step; each may be null
  call,       // callee, arguments; keywords, star, stars
  filter,     // the same with name; no callee
  test,
  // Statements; `body` and `otherwise` are what they enclose.
  output,        // what is written
  branch,        // kids: the conditions, null for else; bodies
  loop,          // target, iterable, condition (may be null); flag: recursive
  set,           // target, value
  set_block,     // target, filter (may be null)
  with,          // target, value, target, value, ...
  macro,         // name, id, parameters, defaults in kids (null: none)
  call_block,    // kids: the call; parameters and defaults as a macro's, behind it
  filter_block,  // the filter
  block,
  generation,
  break_loop,
  continue_loop,
  do_not_load,  // include, import, extends: no template has others beside it
  assign_space  // as a target: name.attribute
};

enum class Sign : unsigned char { equal, unequal, less, less_equal, greater, greater_equal, in, not_in };

struct Node {
  Op op;
  bool flag = false;
  std::uint32_t line = 0, height = 1;
  std::uint32_t id = 0;  // of a name, in Program::names
  std::string name{};
  Value value{};
  Nodes kids{};
  std::vector<Sign> signs{};
  std::vector<std::pair<std::string, NodePtr>> keywords{};
  NodePtr star{}, stars{};
  std::vector<Nodes> bodies{};  // of a branch; of others the body, and else's
  std::vector<std::uint32_t> parameters{};
  bool takes_caller = false, takes_varargs = false, takes_kwargs = false;  // of a macro, by what its body reads
};

struct Program {
  std::vector<std::string> names;
  Nodes body;
  std::vector<std::string> attributes;  // names of attributes and string literals, sorted: what mentions() looks at
  bool generation = false;
};

/// How deep a template's expressions and blocks may lie in one another.
inline constexpr std::uint32_t deepest_node = 300;

}  // namespace tfm::inline TFM_ABI::jinja
