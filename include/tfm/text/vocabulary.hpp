#pragma once
// Vocabulary: the table that every tokenizer of pieces stands on: a token's spelling, bytes and type, and back.
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/random.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// What a piece is, with the numbers of sentencepiece and of GGUF's tokenizer.ggml.token_type.
enum class TokenType : std::int8_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

/// A piece that a file calls user-defined counts as control where it looks like a marker, <|im_end|>: converters write
/// the added tokens of chat models either way, and nobody should be able to type one.
inline TokenType effective_type(TokenType type, std::string_view piece) noexcept {
  const bool marker = piece.size() > 4 && piece.starts_with("<|") && piece.ends_with("|>");
  return type == TokenType::user_defined && marker ? TokenType::control : type;
}

/// The type that a file gives as a number; `what` names the vocabulary in the message.
inline TokenType token_type(std::int64_t number, Index token, std::string_view what) {
  if (number < 1 || number > 6) {
    raise<TokenizerError>({"tfm: ", what, ": piece ", token, " has type ", number, "; expected 1 (normal) to 6 (byte)"});
  }
  return static_cast<TokenType>(number);
}

/// The roles, once they fit the vocabulary. A padding token outside it means none, as several converters write it.
inline SpecialTokens checked(SpecialTokens special, Index size, std::string_view what) {
  const auto outside = [&](const std::optional<Token>& token) { return token && (*token < 0 || *token >= size); };
  const auto check = [&](const std::optional<Token>& token, const char* role) {
    if (outside(token)) {
      raise<TokenizerError>({"tfm: ", what, ": the ", role, " token is ", *token, ", outside the vocabulary of ", size});
    }
  };
  check(special.bos, "bos"), check(special.eos, "eos"), check(special.unknown, "unknown");
  if (outside(special.pad)) special.pad.reset();
  return special;
}

namespace detail {
/// The byte of "<0x0A>", or -1.
inline int byte_of_piece(std::string_view piece) noexcept {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  int value = 0;
  for (const char c : piece.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
}  // namespace detail

/// What happens to a piece's space at the beginning of a decoded text.
enum class LeadingSpace : unsigned char { keep, drop_one, drop_all };

class Vocabulary {
  std::vector<char> pieces_, bytes_;                    // one after another
  std::vector<std::uint32_t> piece_end_, bytes_end_;    // where each ends
  std::vector<TokenType> types_;
  std::vector<Token> table_;                            // open addressing by the piece's hash; -1 is a free place
  SpecialTokens special_;
  LeadingSpace leading_ = LeadingSpace::keep;
  std::unordered_map<Token, std::string> leading_bytes_;  // of those that do not follow the rule
  InvalidUtf8 invalid_ = InvalidUtf8::each_byte;
  std::string what_;

  static std::string_view slice(const std::vector<char>& text, const std::vector<std::uint32_t>& end, std::size_t i) {
    const std::size_t from = i == 0 ? 0 : end[i - 1];
    return {text.data() + from, end[i] - from};
  }
  std::size_t at(Token token) const {
    if (token < 0 || to_size(token) >= types_.size()) {
      raise<TokenizerError>({"tfm: ", what_, ": token ", token, " is outside the vocabulary of ", types_.size()});
    }
    return to_size(token);
  }
  /// The place of a piece in the table, or the free place where it belongs.
  std::size_t place(std::string_view piece) const {
    const std::size_t mask = table_.size() - 1;
    std::size_t i = static_cast<std::size_t>(mix(std::hash<std::string_view>{}(piece))) & mask;
    while (table_[i] >= 0 && slice(pieces_, piece_end_, to_size(table_[i])) != piece) i = (i + 1) & mask;
    return i;
  }
  static void append(std::vector<char>& text, std::vector<std::uint32_t>& end, std::string_view s) {
    text.insert(text.end(), s.begin(), s.end());
    end.push_back(static_cast<std::uint32_t>(text.size()));
  }

 public:
  /// Room for `size` pieces of `bytes` bytes in all. `what` names the vocabulary in messages.
  Vocabulary(Index size, std::size_t bytes, std::string what) : what_(std::move(what)) {
    if (size <= 0) raise<TokenizerError>({"tfm: ", what_, ": the vocabulary is empty"});
    if (size > std::numeric_limits<Token>::max() / 4 || bytes > std::numeric_limits<std::uint32_t>::max() / 2) {
      raise<TokenizerError>({"tfm: ", what_, ": a vocabulary of ", size, " pieces and ", bytes, " bytes is too large"});
    }
    std::size_t places = 2;
    while (places < 2 * to_size(size)) places *= 2;
    table_.assign(places, Token{-1});
    pieces_.reserve(bytes), bytes_.reserve(bytes);
    piece_end_.reserve(to_size(size)), bytes_end_.reserve(to_size(size)), types_.reserve(to_size(size));
  }

  /// The next token, which stands for these bytes (a control token for none). False if an earlier token has the same
  /// piece: that one is found, this one is only decoded.
  bool add(std::string_view piece, std::string_view stands_for, TokenType type) {
    const std::size_t i = place(piece);
    append(pieces_, piece_end_, piece);
    append(bytes_, bytes_end_, type == TokenType::control ? std::string_view() : stands_for);
    types_.push_back(type);
    if (table_[i] >= 0) return false;
    table_[i] = static_cast<Token>(types_.size() - 1);
    return true;
  }
  /// The next token, which no text becomes and no piece finds: the file gives it an empty spelling, or none.
  void add_nameless() {
    append(pieces_, piece_end_, {});
    append(bytes_, bytes_end_, {});
    types_.push_back(TokenType::unused);
  }
  void set_special(const SpecialTokens& special) { special_ = checked(special, size(), what_); }
  void set_leading_space(LeadingSpace rule) noexcept { leading_ = rule; }
  /// What the token stands for at the beginning of a text, where that does not follow the rule.
  void set_leading_bytes(Token token, std::string bytes) { leading_bytes_[token] = std::move(bytes); }
  void set_invalid(InvalidUtf8 rule) noexcept { invalid_ = rule; }

  Index size() const noexcept { return static_cast<Index>(types_.size()); }
  const SpecialTokens& special() const noexcept { return special_; }
  TokenType type(Token token) const { return types_[at(token)]; }
  bool is_control(Token token) const { return type(token) == TokenType::control; }
  std::string_view piece(Token token) const { return slice(pieces_, piece_end_, at(token)); }
  std::string_view bytes(Token token) const { return slice(bytes_, bytes_end_, at(token)); }
  std::string_view leading_bytes(Token token) const {
    std::string_view text = bytes(token);
    if (!leading_bytes_.empty())
      if (const auto found = leading_bytes_.find(token); found != leading_bytes_.end()) return found->second;
    const TokenType kind = type(token);
    const bool may_drop = leading_ != LeadingSpace::keep && kind != TokenType::byte && kind != TokenType::unknown;
    if (may_drop && text.starts_with(' ')) text.remove_prefix(1);
    return text;
  }
  bool trims_spaces() const noexcept { return leading_ == LeadingSpace::drop_all; }
  InvalidUtf8 invalid() const noexcept { return invalid_; }
  /// The first token with this piece.
  std::optional<Token> find(std::string_view piece) const {
    const Token token = table_[place(piece)];
    return token < 0 ? std::nullopt : std::optional<Token>(token);
  }
  const std::string& what() const noexcept { return what_; }
};

}  // namespace tfm::inline TFM_ABI
