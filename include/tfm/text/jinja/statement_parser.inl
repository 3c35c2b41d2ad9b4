#pragma once
// Statements: tokens to a program.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/expression_parser.inl"

namespace tfm::inline TFM_ABI::jinja {

class Parser : ExpressionParser {
  std::vector<std::string> open_;  // the blocks that are not closed
  int loops_ = 0;                  // around this, in the same function
  std::vector<std::string> blocks_;

 public:
  Parser(std::vector<Token> tokens, Program& program) : ExpressionParser(std::move(tokens), program) {}

  void parse() {
    program_.body = body({});
    std::sort(program_.attributes.begin(), program_.attributes.end());
  }
  /// The number of each of these names, in their order, before anything else is read: the interpreter knows them by it.
  void reserve(std::initializer_list<const char*> names) {
    for (const char* name : names) id_of(name);
  }

 private:
  using Ends = std::initializer_list<std::string_view>;

  bool at_end(Ends ends) const {
    return current().kind == Lexeme::name && std::find(ends.begin(), ends.end(), current().text) != ends.end();
  }
  /// Statements as far as {% and one of `ends`, which is the current token then; or, without ends, the end of the
  /// template.
  Nodes body(Ends ends) {
    const Deeper deeper(*this);
    Nodes out;
    while (current().kind != Lexeme::end) {
      if (current().kind == Lexeme::block_begin) {
        ++at_;
        if (at_end(ends)) return out;
        NodePtr node = statement();
        if (node) out.push_back(std::move(node));
        expect(Lexeme::block_end, "'%}'");
        continue;
      }
      NodePtr node = make(Op::output, current().line);
      if (current().kind == Lexeme::data) {
        adopt(*node, constant(Value::of(std::move(tokens_[at_++].text)), node->line));
      } else {
        expect(Lexeme::variable_begin, "text");
        adopt(*node, tuple(false, true, {}));
        expect(Lexeme::variable_end, "'}}'");
      }
      out.push_back(std::move(node));
    }
    if (ends.size() > 0)
      refuse(
          {"unexpected end of the template: {% ", open_.back(), " %} is open, expected {% ", *(ends.end() - 1), " %}"});
    return out;
  }
  /// What `node` encloses: behind its tag's end, as far as one of `ends`.
  void enclose(Node& node, Ends ends) {
    skip_sign(":");
    expect(Lexeme::block_end, "'%}'");
    Nodes statements = body(ends);
    for (const NodePtr& statement : statements) raise_to(node, statement->height);
    node.bodies.push_back(std::move(statements));
  }
  void enclose_whole(Node& node, std::string_view end) {
    enclose(node, {end});
    ++at_;
  }
  /// The same of what is a function of its own: loops around it cannot be left from there.
  void enclose_function(Node& node, std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    enclose_whole(node, end);
    loops_ = loops;
  }

  NodePtr statement() {
    const std::uint32_t line = current().line;
    const std::string tag = expect_name("a tag's name");
    open_.push_back(tag);
    NodePtr node = statement(tag, line);
    open_.pop_back();
    return node;
  }
  NodePtr statement(const std::string& tag, std::uint32_t line) {
    if (tag == "if") return branch(line);
    if (tag == "for") return loop(line);
    if (tag == "set") return assignment(line);
    if (tag == "macro") return macro(line);
    if (tag == "call") return call_block(line);
    if (tag == "with") return with(line);
    if (tag == "filter") return filter_block(line);
    if (tag == "generation") {
      NodePtr node = make(Op::generation, line);
      program_.generation = true;
      enclose_function(*node, "endgeneration");
      return node;
    }
    if (tag == "break" || tag == "continue") {
      if (loops_ == 0) refuse({"'", tag, "' outside of a loop"});
      return make(tag == "break" ? Op::break_loop : Op::continue_loop, line);
    }
    if (tag == "print") {
      NodePtr node = make(Op::output, line);
      while (current().kind != Lexeme::block_end) {
        if (!node->kids.empty()) expect_sign(",");
        adopt(*node, expression());
      }
      return node;
    }
    if (tag == "block") return block(line);
    if (tag == "autoescape") refuse({"{% autoescape %} is not supported"});
    if (tag == "include" || tag == "import" || tag == "from" || tag == "extends") {
      NodePtr node = make(Op::do_not_load, line);
      node->name = tag;
      while (current().kind != Lexeme::block_end && current().kind != Lexeme::end) ++at_;
      return node;
    }
    refuse({"unknown tag '", tag, "'",
            open_.size() > 1 ? ", inside of {% " + open_[open_.size() - 2] + " %}" : std::string()});
  }

  NodePtr branch(std::uint32_t line) {
    NodePtr node = make(Op::branch, line);
    while (true) {
      adopt(*node, tuple(false, false, {}));
      enclose(*node, {"elif", "else", "endif"});
      const std::string next = tokens_[at_++].text;
      if (next == "endif") return node;
      if (next == "elif") continue;
      node->kids.push_back(nullptr);
      enclose_whole(*node, "endif");
      return node;
    }
  }
  NodePtr loop(std::uint32_t line) {
    NodePtr node = make(Op::loop, line);
    adopt(*node, target("in", false));
    if (assigns_to(*node->kids[0], "loop")) refuse({"a loop's own variable cannot be called 'loop'"});
    if (!skip_name("in")) refuse({"expected 'in', found ", shown(current())});
    adopt(*node, tuple(false, false, "recursive"));
    adopt(*node, skip_name("if") ? expression() : nullptr);
    node->flag = skip_name("recursive");
    ++loops_;
    enclose(*node, {"endfor", "else"});
    --loops_;
    if (tokens_[at_++].text == "else") enclose_whole(*node, "endfor");
    return node;
  }
  static bool assigns_to(const Node& target, std::string_view name) {
    if (target.op == Op::name) return target.name == name;
    return std::any_of(target.kids.begin(), target.kids.end(),
                       [&](const NodePtr& kid) { return assigns_to(*kid, name); });
  }
  /// What is assigned to: a name, names with commas between them, or attributes of namespaces where `spaces`.
  NodePtr target(std::string_view end, bool spaces) {
    NodePtr node = several(false, end, [&] { return primary(spaces); });
    require_target(*node);
    return node;
  }
  void require_target(const Node& node) const {
    if (node.op == Op::tuple) {
      for (const NodePtr& kid : node.kids) require_target(*kid);
    } else if (node.op != Op::name && node.op != Op::assign_space) {
      refuse({"expected a name that can be assigned to"});
    }
  }
  NodePtr assignment(std::uint32_t line) {
    NodePtr to = target({}, true);
    if (skip_sign("=")) return pair(Op::set, line, std::move(to), tuple(false, true, {}));
    NodePtr node = make(Op::set_block, line);
    adopt(*node, std::move(to));
    adopt(*node, is_sign("|") ? filters(nullptr) : nullptr);
    enclose_whole(*node, "endset");
    return node;
  }
  NodePtr with(std::uint32_t line) {
    NodePtr node = make(Op::with, line);
    while (current().kind != Lexeme::block_end) {
      if (!node->kids.empty()) expect_sign(",");
      adopt(*node, one_target());
      expect_sign("=");
      adopt(*node, expression());
    }
    enclose_whole(*node, "endwith");
    return node;
  }
  NodePtr one_target() {
    NodePtr node = primary(false);
    require_target(*node);
    return node;
  }
  NodePtr filter_block(std::uint32_t line) {
    NodePtr node = make(Op::filter_block, line);
    adopt(*node, filters(nullptr, true));
    enclose_whole(*node, "endfilter");
    return node;
  }
  NodePtr block(std::uint32_t line) {
    NodePtr node = make(Op::block, line);
    node->name = expect_name("a block's name");
    if (std::find(blocks_.begin(), blocks_.end(), node->name) != blocks_.end())
      refuse({"block '", node->name, "' twice"});
    blocks_.push_back(node->name);
    node->flag = skip_name("scoped");
    skip_name("required");
    enclose_function(*node, "endblock");
    skip_name(node->name);
    return node;
  }

  /// (a, b=1): ids, and their defaults behind the kids that the node has; null where there is none.
  void signature(Node& node) {
    expect_sign("(");
    for (bool comma = false, defaults = false; !is_sign(")"); comma = true) {
      if (comma) expect_sign(",");
      const NodePtr name = one_target();
      if (name->op != Op::name) refuse({"expected an argument's name"});
      if (std::find(node.parameters.begin(), node.parameters.end(), name->id) != node.parameters.end())
        refuse({"argument '", name->name, "' twice"});
      node.parameters.push_back(name->id);
      const bool has_default = skip_sign("=");
      if (!has_default && defaults) refuse({"argument '", name->name, "' without a default behind one with a default"});
      if (!has_default && name->name == "caller") refuse({"the argument 'caller' needs a default"});
      defaults = has_default;
      adopt(node, has_default ? expression() : nullptr);
    }
    ++at_;
  }
  NodePtr macro(std::uint32_t line) {
    NodePtr node = make(Op::macro, line);
    const NodePtr name = one_target();
    if (name->op != Op::name) refuse({"expected a macro's name"});
    node->name = name->name;
    node->id = name->id;
    signature(*node);
    function_body(*node, "endmacro");
    return node;
  }
  NodePtr call_block(std::uint32_t line) {
    NodePtr node = make(Op::call_block, line);
    node->name = "caller";
    node->kids.push_back(nullptr);
    if (is_sign("(")) signature(*node);
    NodePtr call = expression();
    if (call->op != Op::call) refuse({"expected a call"});
    raise_to(*node, call->height);
    node->kids[0] = std::move(call);
    function_body(*node, "endcall");
    return node;
  }
  /// A macro's body; what it takes beside its parameters shows in what it reads, as far as that is not assigned to in
  /// it.
  void function_body(Node& node, std::string_view end) {
    const std::size_t begin = at_;
    enclose_function(node, end);
    const auto reads = [&](std::string_view name) {
      for (std::size_t i = begin; i < at_; ++i) {
        if (tokens_[i].kind != Lexeme::name || tokens_[i].text != name) continue;
        const Token &before = tokens_[i - 1], &after = tokens_[i + 1];
        const bool attribute = before.kind == Lexeme::sign && before.text == ".";
        const bool assigned = before.kind == Lexeme::name && before.text == "set";
        const bool keyword = after.kind == Lexeme::sign && after.text == "=";
        if (!attribute && !assigned && !keyword) return true;
      }
      return false;
    };
    const auto is_parameter = [&](std::string_view name) {
      return std::any_of(node.parameters.begin(), node.parameters.end(),
                         [&](std::uint32_t id) { return program_.names[id] == name; });
    };
    node.takes_caller = reads("caller") && !is_parameter("caller");
    node.takes_varargs = reads("varargs") && !is_parameter("varargs");
    node.takes_kwargs = reads("kwargs") && !is_parameter("kwargs");
  }
};

}  // namespace tfm::inline TFM_ABI::jinja
