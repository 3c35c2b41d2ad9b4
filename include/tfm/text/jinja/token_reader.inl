#pragma once
// What both halves of the parser stand on: the tokens, and nodes that do not grow too high.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/jinja/integer.inl"
#include "tfm/text/jinja/lexer.inl"

namespace tfm::inline TFM_ABI::jinja {
inline Value real_of(std::string_view digits) {
  double value = 0;
  read_real(digits, value);
  return Value::of(value);
}

class TokenReader {
 protected:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::uint32_t nesting_ = 0;
  Program& program_;
  std::map<std::string, std::uint32_t, std::less<>> ids_;

  explicit TokenReader(std::vector<Token> tokens, Program& program) : tokens_(std::move(tokens)), program_(program) {}

  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  bool is_sign(std::string_view text) const { return current().kind == Lexeme::sign && current().text == text; }
  bool is_name(std::string_view text) const { return current().kind == Lexeme::name && current().text == text; }
  bool skip_sign(std::string_view text) { return is_sign(text) && ++at_ > 0; }
  bool skip_name(std::string_view text) { return is_name(text) && ++at_ > 0; }

  [[noreturn, gnu::cold]] void refuse(std::initializer_list<TextPart> why) const { refuse_source(current().line, why); }
  static std::string shown(const Token& token) {
    switch (token.kind) {
      case Lexeme::data: return "text";
      case Lexeme::variable_begin: return "{{";
      case Lexeme::variable_end: return "}}";
      case Lexeme::block_begin: return "{%";
      case Lexeme::block_end: return "%}";
      case Lexeme::string: return "a string";
      case Lexeme::end: return "the end of the template";
      default: return "'" + token.text + "'";
    }
  }
  void expect_sign(std::string_view text) {
    if (!skip_sign(text)) refuse({"expected '", text, "', found ", shown(current())});
  }
  std::string expect_name(std::string_view what) {
    if (current().kind != Lexeme::name) refuse({"expected ", what, ", found ", shown(current())});
    return tokens_[at_++].text;
  }
  void expect(Lexeme kind, std::string_view what) {
    if (current().kind != kind) refuse({"expected ", what, ", found ", shown(current())});
    ++at_;
  }

  std::uint32_t id_of(const std::string& name) {
    const auto [place, fresh] = ids_.emplace(name, static_cast<std::uint32_t>(program_.names.size()));
    if (fresh) program_.names.push_back(name);
    return place->second;
  }
  NodePtr make(Op op, std::uint32_t line) const {
    auto node = std::make_unique<Node>();
    node->op = op;
    node->line = line;
    return node;
  }
  /// `kid` belongs to `node` now; both together must not be too high.
  void adopt(Node& node, NodePtr kid) const {
    if (kid) raise_to(node, kid->height);
    node.kids.push_back(std::move(kid));
  }
  void raise_to(Node& node, std::uint32_t below) const {
    node.height = std::max(node.height, below + 1);
    if (node.height > deepest_node)
      refuse({"expressions and blocks lie more than ", deepest_node, " deep in one another"});
  }
  NodePtr pair(Op op, std::uint32_t line, NodePtr left, NodePtr right) const {
    NodePtr node = make(op, line);
    adopt(*node, std::move(left));
    adopt(*node, std::move(right));
    return node;
  }
  /// Counts how deep the parser itself is.
  struct Deeper {
    TokenReader& parser;
    explicit Deeper(TokenReader& p) : parser(p) {
      if (++parser.nesting_ > deepest_node)
        parser.refuse({"expressions and blocks lie more than ", deepest_node, " deep in one another"});
    }
    ~Deeper() { --parser.nesting_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
  };
};

}  // namespace tfm::inline TFM_ABI::jinja
