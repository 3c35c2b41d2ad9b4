#pragma once
// A template's source as tokens, with jinja2's rules of white space (trim_blocks, lstrip_blocks, the last line break
// dropped).
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/jinja/nodes.inl"
#include "tfm/text/utf8.hpp"
#include "tfm/text/white_space.hpp"

namespace tfm::inline TFM_ABI::jinja {

enum class Lexeme : unsigned char {
  data,
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,
  number,
  sign,
  end
};

struct Token {
  Lexeme kind;
  std::uint32_t line;
  std::string text;  // of data and of a string what it stands for; of a number its digits, without _
};

class Lexer {
  static constexpr std::size_t npos = std::string::npos;
  std::string source_;
  std::size_t at_ = 0, counted_ = 0;
  std::uint32_t line_ = 1;
  bool line_starts_ = true;  // what was read last ended a line
  std::vector<Token> tokens_;

  static constexpr std::array<std::string_view, 26> signs{"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                                          "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                          ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

 public:
  explicit Lexer(std::string_view source) {
    source_.reserve(source.size());
    for (std::size_t i = 0; i < source.size(); ++i) {
      const bool pair = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
      if (!pair) source_ += source[i] == '\r' ? '\n' : source[i];
    }
    if (source_.ends_with('\n')) source_.pop_back();
    if (!is_utf8(source_)) refuse_source(1, {"the source is not UTF-8"});
  }

  std::vector<Token> tokens() {
    while (at_ < source_.size()) root();
    put(Lexeme::end, {});
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  void put(Lexeme kind, std::string text) {
    for (; counted_ < at_; ++counted_) line_ += source_[counted_] == '\n' ? 1 : 0;
    tokens_.push_back({kind, line_, std::move(text)});
  }
  void data(std::string_view text) {
    if (!text.empty()) put(Lexeme::data, std::string(text));
  }
  void skip_space() {
    while (const std::size_t space = leading_white_space(rest())) at_ += space;
  }
  /// Takes what a tag may end with: + and -, which says whether the white space behind is dropped. `dropped` is for
  /// blocks: one line break.
  bool tag_end(std::string_view end, bool plus, bool line_break) {
    std::string_view text = rest();
    const char sign = text.empty() ? '\0' : text[0];
    if (sign == '-' || (plus && sign == '+')) text.remove_prefix(1);
    if (!text.starts_with(end) || ((sign == '-' || sign == '+') && text.size() == rest().size())) return false;
    const bool marked = text.size() < rest().size();
    const std::size_t begin = at_;
    at_ = source_.size() - text.size() + end.size();
    if (marked && sign == '-') skip_space();
    else if (!marked && line_break && rest().starts_with('\n')) ++at_;
    line_starts_ = source_[at_ - 1] == '\n' && at_ > begin;
    return true;
  }
  /// The text before a tag at `tag` that begins with this sign, without what the tag drops of it.
  std::string_view before(std::size_t tag, char sign, bool variable) const {
    std::string_view text = std::string_view(source_).substr(at_, tag - at_);
    if (sign == '-') return trimmed_right(text);
    if (sign == '+' || variable) return text;
    const std::size_t line = text.rfind('\n') + 1;  // 0 where there is none
    if (line == 0 && !line_starts_) return text;
    return trimmed_left(text.substr(line)).empty() ? text.substr(0, line) : text;
  }

  void root() {
    std::size_t tag = at_;
    while (tag < source_.size() && !begins_tag(tag)) ++tag;
    if (tag == source_.size()) {
      data(rest());
      at_ = tag;
      return;
    }
    const char kind = source_[tag + 1];
    char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    if (sign != '-' && sign != '+') sign = '\0';
    data(before(tag, sign, kind == '{'));
    line_starts_ = false;
    at_ = tag + (sign == '\0' ? 2 : 3);
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    put(kind == '%' ? Lexeme::block_begin : Lexeme::variable_begin, {});
    inside(kind == '%');
  }
  bool begins_tag(std::size_t at) const {
    return source_[at] == '{' && at + 1 < source_.size() &&
           (source_[at + 1] == '%' || source_[at + 1] == '{' || source_[at + 1] == '#');
  }
  void comment() {
    for (; at_ < source_.size(); ++at_)
      if (tag_end("#}", true, true)) return;
    put(Lexeme::data, {});
    refuse_source(line_, {"a comment without its end"});
  }
  /// {% raw %}: the text up to {% endraw %}. False where this is another block.
  bool raw() {
    const std::size_t begin = at_;
    skip_space();
    if (rest().starts_with("raw")) {
      at_ += 3;
      skip_space();
      if (tag_end("%}", false, false)) return raw_text(), true;
    }
    at_ = begin;
    return false;
  }
  void raw_text() {
    for (std::size_t tag = source_.find("{%", at_); tag != npos; tag = source_.find("{%", tag + 1)) {
      const std::size_t begin = at_;
      const bool starts = line_starts_;
      const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const std::string_view text = before(tag, sign, false);
      at_ = tag + (sign == '-' || sign == '+' ? 3 : 2);
      skip_space();
      if (rest().starts_with("endraw")) {
        at_ += 6;
        skip_space();
        if (tag_end("%}", true, true)) return data(text);
      }
      at_ = begin;
      line_starts_ = starts;
    }
    put(Lexeme::data, {});
    refuse_source(line_, {"{% raw %} without {% endraw %}"});
  }

  /// What stands between a tag's begin and end.
  void inside(bool block) {
    std::string open;  // brackets that were not closed
    while (true) {
      skip_space();
      if (at_ >= source_.size())
        refuse_source(line_, {"unexpected end of the template inside of ", block ? "{% %}" : "{{ }}"});
      if (open.empty() && tag_end(block ? "%}" : "}}", block, block))
        return put(block ? Lexeme::block_end : Lexeme::variable_end, {});
      const char c = source_[at_];
      if (number()) continue;
      if (word_at(at_) > 0) {
        std::size_t end = at_;
        while (const std::size_t length = word_at(end)) end += length;
        put(Lexeme::name, source_.substr(at_, end - at_));
        at_ = end;
      } else if (c == '\'' || c == '"') {
        string();
      } else {
        sign(open);
      }
    }
  }
  /// The bytes of the letter, digit or underscore there; 0: none. What is no ASCII counts as a letter.
  std::size_t word_at(std::size_t at) const {
    if (at >= source_.size()) return 0;
    const char c = source_[at];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_') return 1;
    if (static_cast<unsigned char>(c) < 0x80 || leading_white_space(std::string_view(source_).substr(at)) > 0) return 0;
    return static_cast<std::size_t>(utf8_character(std::string_view(source_).substr(at)));
  }
  void sign(std::string& open) {
    for (const std::string_view s : signs) {
      if (!rest().starts_with(s)) continue;
      if (s == "(" || s == "[" || s == "{") open += s == "(" ? ')' : s == "[" ? ']' : '}';
      if (s == ")" || s == "]" || s == "}") {
        if (open.empty() || open.back() != s[0]) refuse_source(line_, {"unexpected '", s, "'"});
        open.pop_back();
      }
      put(Lexeme::sign, std::string(s));
      at_ += s.size();
      return;
    }
    put(Lexeme::sign, {});
    refuse_source(line_, {"unexpected character '",
                          rest().substr(0, static_cast<std::size_t>(std::max(utf8_character(rest()), 1))), "'"});
  }

  // Digits of a base, single underscores between them; at moves behind them. False where there are none.
  template <class IsDigit>
  bool digits(std::size_t& at, std::string& out, IsDigit is_digit, bool leading_underscore = false) const {
    const std::size_t before = out.size();
    if (leading_underscore && at < source_.size() && source_[at] == '_') ++at;
    while (at < source_.size()) {
      if (is_digit(source_[at])) out += source_[at++];
      else if (out.size() > before && source_[at] == '_' && at + 1 < source_.size() && is_digit(source_[at + 1])) ++at;
      else break;
    }
    return out.size() > before;
  }
  bool number() {
    const auto decimal = [](char c) { return c >= '0' && c <= '9'; };
    if (!decimal(source_[at_])) return false;
    const char mark = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
    std::string out;
    std::size_t at = at_;
    if (source_[at_] == '0' && (mark == 'x' || mark == 'o' || mark == 'b')) {
      at += 2;
      const auto of_base = [&](char c) {
        const char small = static_cast<char>(c | 0x20);
        return mark == 'b'   ? c == '0' || c == '1'
               : mark == 'o' ? c >= '0' && c <= '7'
                             : decimal(c) || (small >= 'a' && small <= 'f');
      };
      out = {'0', mark};
      if (digits(at, out, of_base, true)) return take_number(at, std::move(out));
      out.clear(), at = at_;
    }
    digits(at, out, decimal);
    const std::size_t whole_end = at;
    const std::string whole = out;
    bool real = false;
    if (at_ == 0 || source_[at_ - 1] != '.') {
      if (at + 1 < source_.size() && source_[at] == '.' && decimal(source_[at + 1])) {
        out += source_[at++];
        real = digits(at, out, decimal);
      }
      std::size_t exponent = at;
      if (exponent < source_.size() && (source_[exponent] | 0x20) == 'e') {
        std::string power = "e";
        if (++exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-'))
          power += source_[exponent++];
        if (digits(exponent, power, decimal)) real = true, out += power, at = exponent;
      }
    }
    if (real) return take_number(at, std::move(out));
    if (whole[0] != '0') return take_number(whole_end, whole);
    // A whole number begins with 0 only if it consists of zeros; what follows is another token, which no grammar
    // allows.
    const std::size_t zeros = whole.find_first_not_of('0');
    return take_number(zeros == npos ? whole_end : at_ + zeros, whole.substr(0, zeros));
  }
  bool take_number(std::size_t end, std::string text) {
    put(Lexeme::number, std::move(text));
    at_ = end;
    return true;
  }

  void string() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) {
      put(Lexeme::string, {});
      refuse_source(line_, {"a string without its end"});
    }
    put(Lexeme::string, {});
    tokens_.back().text = unescaped(std::string_view(source_).substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
  }
  /// Python's escapes (its codec unicode_escape).
  std::string unescaped(std::string_view text) const {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
        continue;
      }
      const char c = text[++i];
      constexpr std::string_view names = "\\'\"abfnrtv", values = "\\'\"\a\b\f\n\r\t\v";
      if (const std::size_t known = names.find(c); known != npos) out += values[known];
      else if (c >= '0' && c <= '7') append_utf8(out, octal(text, i));
      else if (c == 'x' || c == 'u' || c == 'U') append_utf8(out, character(text, i, c == 'x' ? 2 : c == 'u' ? 4 : 8));
      else if (c == 'N') refuse_source(line_, {"characters by name (\\N{...}) are not supported"});
      else if (static_cast<unsigned char>(c) >= 0x80) i = spelt_out(text, i, out);
      else if (c != '\n') out += '\\', out += c;
    }
    return out;
  }
  static char32_t octal(std::string_view text, std::size_t& i) {
    char32_t code = 0;
    const std::size_t end = std::min(text.size(), i + 3);
    for (; i < end && text[i] >= '0' && text[i] <= '7'; ++i) code = code * 8 + static_cast<char32_t>(text[i] - '0');
    --i;
    return code;
  }
  char32_t hexadecimal(std::string_view text, std::size_t& i, std::size_t length) const {
    unsigned code = 0;
    const std::string_view digits = text.substr(i + 1, length);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() < length || error != std::errc() || end != digits.data() + length)
      refuse_source(line_, {"a truncated escape in a string"});
    i += length;
    return code;
  }
  char32_t character(std::string_view text, std::size_t& i, std::size_t length) const {
    char32_t code = hexadecimal(text, i, length);
    if (code >= 0xD800 && code < 0xDC00 && text.substr(i + 1).starts_with("\\u")) {
      std::size_t next = i + 2;
      const char32_t low = hexadecimal(text, next, 4);
      if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00), i = next;
    }
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
      refuse_source(line_, {"an escape in a string that is no character"});
    return code;
  }
  /// A backslash before what is not ASCII stays, and the character becomes the escape's digits: so does Python's codec.
  static std::size_t spelt_out(std::string_view text, std::size_t i, std::string& out) {
    const char32_t code = next_code_point(text, i);
    char digits[8];
    const auto end = std::to_chars(digits, digits + 8, static_cast<unsigned>(code), 16).ptr;
    const auto length = static_cast<std::size_t>(end - digits), width = code < 0x100     ? std::size_t{2}
                                                                        : code < 0x10000 ? 4
                                                                                         : 8;
    out += code < 0x100 ? "\\x" : code < 0x10000 ? "\\u" : "\\U";
    out.append(width - length, '0').append(digits, length);
    return i - 1;
  }
};

}  // namespace tfm::inline TFM_ABI::jinja
