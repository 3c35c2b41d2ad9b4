#pragma once
// Vocabulary: the table that every tokenizer of pieces stands on: a token's spelling, bytes and type, and back.
#include <cstdint>
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
TokenType effective_type(TokenType type, std::string_view piece) noexcept;

/// The type that a file gives as a number; `what` names the vocabulary in the message.
TokenType token_type(std::int64_t number, Index token, std::string_view what);

/// The roles, once they fit the vocabulary. A padding token outside it means none, as several converters write it.
SpecialTokens checked(SpecialTokens special, Index size, std::string_view what);

namespace detail {
/// The byte of "<0x0A>", or -1.
int byte_of_piece(std::string_view piece) noexcept;
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

  static std::string_view slice(const std::vector<char>& text, const std::vector<std::uint32_t>& end, std::size_t i);
  std::size_t at(Token token) const;
  /// The place of a piece in the table, or the free place where it belongs.
  std::size_t place(std::string_view piece) const;
  static void append(std::vector<char>& text, std::vector<std::uint32_t>& end, std::string_view s);

 public:
  /// Room for `size` pieces of `bytes` bytes in all. `what` names the vocabulary in messages.
  Vocabulary(Index size, std::size_t bytes, std::string what);

  /// The next token, which stands for these bytes (a control token for none). False if an earlier token has the same
  /// piece: that one is found, this one is only decoded.
  bool add(std::string_view piece, std::string_view stands_for, TokenType type);
  /// The next token, which no text becomes and no piece finds: the file gives it an empty spelling, or none.
  void add_nameless();
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
  std::string_view leading_bytes(Token token) const;
  bool trims_spaces() const noexcept { return leading_ == LeadingSpace::drop_all; }
  InvalidUtf8 invalid() const noexcept { return invalid_; }
  /// The first token with this piece.
  std::optional<Token> find(std::string_view piece) const;
  const std::string& what() const noexcept { return what_; }
};

/// What a tokenizer answers out of its vocabulary alone; it derives from this and adds how texts become tokens.
class VocabularyTokenizer {
 protected:
  Vocabulary vocabulary_;
  explicit VocabularyTokenizer(Vocabulary vocabulary) noexcept : vocabulary_(std::move(vocabulary)) {}

 public:
  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  Index size() const noexcept { return vocabulary_.size(); }
  const SpecialTokens& special() const noexcept { return vocabulary_.special(); }
  bool is_control(Token token) const { return vocabulary_.is_control(token); }
  std::string_view bytes(Token token) const { return vocabulary_.bytes(token); }
  std::string_view leading_bytes(Token token) const { return vocabulary_.leading_bytes(token); }
  bool trims_spaces() const noexcept { return vocabulary_.trims_spaces(); }
  InvalidUtf8 invalid() const noexcept { return vocabulary_.invalid(); }
  std::string_view piece(Token token) const { return vocabulary_.piece(token); }
  std::optional<Token> find(std::string_view piece) const { return vocabulary_.find(piece); }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/vocabulary.inl"
#endif
