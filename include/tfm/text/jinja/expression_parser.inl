#pragma once
// Expressions: tokens to nodes, by jinja2's grammar (its precedences: -2 ** 2 is 4, 2 ** 3 ** 2 is 64).
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/text/jinja/token_reader.inl"

namespace tfm::inline TFM_ABI::jinja {

class ExpressionParser : protected TokenReader {
 protected:
  using TokenReader::TokenReader;

  NodePtr expression(bool condition = true) { return condition ? conditional() : either(); }

  NodePtr conditional() {
    const Deeper deeper(*this);
    NodePtr then = either();
    while (is_name("if")) {
      NodePtr node = make(Op::condition, current().line);
      ++at_;
      adopt(*node, either());
      adopt(*node, std::move(then));
      adopt(*node, skip_name("else") ? conditional() : nullptr);
      then = std::move(node);
    }
    return then;
  }
  NodePtr either() {
    NodePtr left = both();
    for (std::uint32_t line = current().line; skip_name("or"); line = current().line)
      left = pair(Op::logical_or, line, std::move(left), both());
    return left;
  }
  NodePtr both() {
    NodePtr left = negation();
    for (std::uint32_t line = current().line; skip_name("and"); line = current().line)
      left = pair(Op::logical_and, line, std::move(left), negation());
    return left;
  }
  NodePtr negation() {
    if (!is_name("not")) return comparison();
    const Deeper deeper(*this);
    NodePtr node = make(Op::logical_not, tokens_[at_++].line);
    adopt(*node, negation());
    return node;
  }
  bool comparison_sign(Sign& sign) {
    constexpr std::array<std::string_view, 6> signs{"==", "!=", "<", "<=", ">", ">="};
    for (std::size_t i = 0; i < signs.size(); ++i)
      if (skip_sign(signs[i])) return sign = static_cast<Sign>(i), true;
    if (skip_name("in")) return sign = Sign::in, true;
    if (!is_name("not") || look().kind != Lexeme::name || look().text != "in") return false;
    at_ += 2;
    return sign = Sign::not_in, true;
  }
  NodePtr comparison() {
    NodePtr left = sum();
    Sign sign{};
    const std::uint32_t line = current().line;
    if (!comparison_sign(sign)) return left;
    NodePtr node = make(Op::compare, line);
    adopt(*node, std::move(left));
    do {
      node->signs.push_back(sign);
      adopt(*node, sum());
    } while (comparison_sign(sign));
    return node;
  }
  NodePtr sum() {
    NodePtr left = joined_text();
    while (is_sign("+") || is_sign("-")) {
      const Op op = is_sign("+") ? Op::add : Op::subtract;
      const std::uint32_t line = tokens_[at_++].line;
      left = pair(op, line, std::move(left), joined_text());
    }
    return left;
  }
  NodePtr joined_text() {
    NodePtr left = product();
    if (!is_sign("~")) return left;
    NodePtr node = make(Op::concatenate, current().line);
    adopt(*node, std::move(left));
    while (skip_sign("~")) adopt(*node, product());
    return node;
  }
  NodePtr product() {
    NodePtr left = powers();
    while (is_sign("*") || is_sign("/") || is_sign("//") || is_sign("%")) {
      const Op op = is_sign("*")    ? Op::multiply
                    : is_sign("/")  ? Op::divide
                    : is_sign("//") ? Op::floor_divide
                                    : Op::modulo;
      const std::uint32_t line = tokens_[at_++].line;
      left = pair(op, line, std::move(left), powers());
    }
    return left;
  }
  NodePtr powers() {
    NodePtr left = unary(true);
    for (std::uint32_t line = current().line; skip_sign("**"); line = current().line)
      left = pair(Op::power, line, std::move(left), unary(true));
    return left;
  }
  NodePtr unary(bool with_filter) {
    const Deeper deeper(*this);
    NodePtr node;
    if (is_sign("-") || is_sign("+")) {
      const Op op = is_sign("-") ? Op::negative : Op::positive;
      node = make(op, tokens_[at_++].line);
      adopt(*node, unary(false));
    } else {
      node = primary(false);
    }
    node = postfix(std::move(node));
    return with_filter ? filters_and_tests(std::move(node)) : std::move(node);
  }

  NodePtr constant(Value value, std::uint32_t line) const {
    NodePtr node = make(Op::literal, line);
    node->value = std::move(value);
    return node;
  }
  NodePtr variable(const std::string& name, std::uint32_t line) {
    NodePtr node = make(Op::name, line);
    node->name = name;
    node->id = id_of(name);
    node->value = undefined("'" + name + "' is undefined");
    return node;
  }
  /// `target`: a dot behind a name means an attribute of a namespace, which is assigned to.
  NodePtr primary(bool target) {
    const Token& token = current();
    switch (token.kind) {
      case Lexeme::name: {
        const std::string name = token.text;
        const std::uint32_t line = tokens_[at_++].line;
        if (name == "true" || name == "True" || name == "false" || name == "False")
          return constant(Value::of(name.size() == 4), line);
        if (name == "none" || name == "None") return constant(Value::none(), line);
        NodePtr node = variable(name, line);
        if (target && skip_sign(".")) {
          node->op = Op::assign_space;
          node->name = expect_name("a name");
        }
        return node;
      }
      case Lexeme::string: {
        std::string text;
        const std::uint32_t line = token.line;
        while (current().kind == Lexeme::string) text += tokens_[at_++].text;
        program_.attributes.push_back(text);
        return constant(Value::of(std::move(text)), line);
      }
      case Lexeme::number: {
        const std::string text = token.text;
        const std::uint32_t line = tokens_[at_++].line;
        if (text.size() > 1 && text[0] == '0' && text.find_first_of("xob", 1) == 1) {
          return constant(integer_of(std::string_view(text).substr(2), text[1] == 'x'   ? 16
                                                                       : text[1] == 'o' ? 8
                                                                                        : 2),
                          line);
        }
        return constant(text.find_first_of(".e") == text.npos ? integer_of(text, 10) : real_of(text), line);
      }
      case Lexeme::sign: break;
      default: refuse({"expected an expression, found ", shown(token)});
    }
    if (skip_sign("(")) {
      NodePtr node = tuple(true, true, {});
      expect_sign(")");
      return node;
    }
    if (is_sign("[")) return list();
    if (is_sign("{")) return dictionary();
    refuse({"expected an expression, found ", shown(token)});
  }
  NodePtr list() {
    NodePtr node = make(Op::list, tokens_[at_++].line);
    while (!is_sign("]")) {
      if (!node->kids.empty()) expect_sign(",");
      if (is_sign("]")) break;
      adopt(*node, expression());
    }
    ++at_;
    return node;
  }
  NodePtr dictionary() {
    NodePtr node = make(Op::dict, tokens_[at_++].line);
    while (!is_sign("}")) {
      if (!node->kids.empty()) expect_sign(",");
      if (is_sign("}")) break;
      adopt(*node, expression());
      expect_sign(":");
      adopt(*node, expression());
    }
    ++at_;
    return node;
  }
  /// Expressions with commas between them, or one alone. `end`: a name that ends them too.
  NodePtr tuple(bool parentheses, bool condition, std::string_view end) {
    return several(parentheses, end, [&] { return expression(condition); });
  }
  template <class One>
  NodePtr several(bool parentheses, std::string_view end, One one) {
    NodePtr node = make(Op::tuple, current().line);
    bool comma = false;
    while (true) {
      if (!node->kids.empty()) expect_sign(",");
      if (current().kind == Lexeme::variable_end || current().kind == Lexeme::block_end || is_sign(")") ||
          (!end.empty() && is_name(end)))
        break;
      adopt(*node, one());
      if (!is_sign(",")) break;
      comma = true;
    }
    if (comma) return node;
    if (!node->kids.empty()) return std::move(node->kids[0]);
    if (!parentheses) refuse({"expected an expression, found ", shown(current())});
    return node;
  }

  NodePtr postfix(NodePtr node) {
    while (true) {
      if (is_sign(".")) node = dotted(std::move(node));
      else if (is_sign("[")) node = subscript(std::move(node));
      else if (is_sign("(")) node = call(std::move(node));
      else return node;
    }
  }
  NodePtr dotted(NodePtr object) {
    const std::uint32_t line = tokens_[at_++].line;
    if (current().kind == Lexeme::number && current().text.find_first_of(".exob") == std::string::npos) {
      return pair(Op::item, line, std::move(object), constant(integer_of(tokens_[at_++].text, 10), line));
    }
    NodePtr node = make(Op::attribute, line);
    adopt(*node, std::move(object));
    node->name = expect_name("a name or a number");
    node->value = Value::of(node->name);
    program_.attributes.push_back(node->name);
    return node;
  }
  NodePtr subscript(NodePtr object) {
    const std::uint32_t line = tokens_[at_++].line;
    NodePtr keys = make(Op::tuple, line);
    while (!is_sign("]")) {
      if (!keys->kids.empty()) expect_sign(",");
      adopt(*keys, key());
    }
    ++at_;
    if (keys->kids.size() != 1) return pair(Op::item, line, std::move(object), std::move(keys));
    NodePtr only = std::move(keys->kids[0]);
    if (only->op != Op::slice) return pair(Op::item, line, std::move(object), std::move(only));
    raise_to(*only, object->height);
    only->kids[0] = std::move(object);
    return only;
  }
  NodePtr key() {
    const std::uint32_t line = current().line;
    NodePtr begin = is_sign(":") ? nullptr : expression();
    if (!skip_sign(":")) return begin;
    NodePtr node = make(Op::slice, line);
    node->kids.push_back(nullptr);  // the object, which comes later
    adopt(*node, std::move(begin));
    const auto bound = [&] { return is_sign(":") || is_sign("]") || is_sign(",") ? nullptr : expression(); };
    adopt(*node, bound());
    adopt(*node, skip_sign(":") ? bound() : nullptr);
    return node;
  }

  /// The arguments in parentheses, into `node`, behind the kids it has.
  void arguments(Node& node) {
    const Deeper deeper(*this);
    expect_sign("(");
    for (bool comma = false; !is_sign(")"); comma = true) {
      if (comma) expect_sign(",");
      if (comma && is_sign(")")) break;
      if (is_sign("*") || is_sign("**")) {
        const bool one = is_sign("*");
        if (node.stars || (one && node.star)) refuse({"expected ')' behind *arguments and **arguments"});
        ++at_;
        NodePtr value = expression();
        raise_to(node, value->height);
        (one ? node.star : node.stars) = std::move(value);
      } else if (current().kind == Lexeme::name && look().kind == Lexeme::sign && look().text == "=") {
        if (node.stars) refuse({"an argument behind **arguments"});
        std::string name = expect_name("a name");
        ++at_;
        NodePtr value = expression();
        raise_to(node, value->height);
        for (const auto& [other, unused] : node.keywords)
          if (other == name) refuse({"the argument '", name, "' twice"});
        node.keywords.emplace_back(std::move(name), std::move(value));
      } else {
        if (node.star || node.stars || !node.keywords.empty())
          refuse({"an argument without a name behind one with a name"});
        adopt(node, expression());
      }
    }
    ++at_;
  }
  NodePtr call(NodePtr callee) {
    NodePtr node = make(Op::call, current().line);
    adopt(*node, std::move(callee));
    arguments(*node);
    return node;
  }
  NodePtr filters_and_tests(NodePtr node) {
    while (true) {
      if (is_sign("|")) node = filters(std::move(node));
      else if (is_name("is")) node = test(std::move(node));
      else if (is_sign("(")) node = call(std::move(node));
      else return node;
    }
  }
  std::string dotted_name(std::string_view what) {
    std::string name = expect_name(what);
    while (skip_sign(".")) name += "." + expect_name(what);
    return name;
  }
  /// One filter behind the other; the first one's operand may be null: a block's.
  NodePtr filters(NodePtr operand, bool began = false) {
    while (began || is_sign("|")) {
      if (!began) ++at_;
      began = false;
      NodePtr node = make(Op::filter, current().line);
      node->name = dotted_name("a filter's name");
      adopt(*node, std::move(operand));
      if (is_sign("(")) arguments(*node);
      operand = std::move(node);
    }
    return operand;
  }
  NodePtr test(NodePtr operand) {
    NodePtr node = make(Op::test, tokens_[at_++].line);
    const bool negated = skip_name("not");
    node->name = dotted_name("a test's name");
    adopt(*node, std::move(operand));
    const Token& next = current();
    if (is_sign("(")) {
      arguments(*node);
    } else if (next.kind == Lexeme::string || next.kind == Lexeme::number || is_sign("[") || is_sign("{") ||
               (next.kind == Lexeme::name && next.text != "else" && next.text != "or" && next.text != "and")) {
      if (next.text == "is" && next.kind == Lexeme::name) refuse({"tests cannot be chained with 'is'"});
      adopt(*node, postfix(primary(false)));
    }
    if (!negated) return node;
    NodePtr inverted = make(Op::logical_not, node->line);
    adopt(*inverted, std::move(node));
    return inverted;
  }
};

}  // namespace tfm::inline TFM_ABI::jinja
