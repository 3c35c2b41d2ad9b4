// What vocabulary.hpp declares.
#include <functional>
#include <limits>

namespace tfm::inline TFM_ABI {

TFM_INLINE TokenType effective_type(TokenType type, std::string_view piece) noexcept {
  const bool marker = piece.size() > 4 && piece.starts_with("<|") && piece.ends_with("|>");
  return type == TokenType::user_defined && marker ? TokenType::control : type;
}

TFM_INLINE TokenType token_type(std::int64_t number, Index token, std::string_view what) {
  if (number < 1 || number > 6) {
    raise<TokenizerError>({"tfm: ", what, ": piece ", token, " has type ", number, "; expected 1 (normal) to 6 (byte)"});
  }
  return static_cast<TokenType>(number);
}

TFM_INLINE SpecialTokens checked(SpecialTokens special, Index size, std::string_view what) {
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

TFM_INLINE int byte_of_piece(std::string_view piece) noexcept {
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

TFM_INLINE std::string_view Vocabulary::slice(const std::vector<char>& text, const std::vector<std::uint32_t>& end, std::size_t i) {
  const std::size_t from = i == 0 ? 0 : end[i - 1];
  return {text.data() + from, end[i] - from};
}

TFM_INLINE std::size_t Vocabulary::at(Token token) const {
  if (token < 0 || to_size(token) >= types_.size()) {
    raise<TokenizerError>({"tfm: ", what_, ": token ", token, " is outside the vocabulary of ", types_.size()});
  }
  return to_size(token);
}

TFM_INLINE std::size_t Vocabulary::place(std::string_view piece) const {
  const std::size_t mask = table_.size() - 1;
  std::size_t i = static_cast<std::size_t>(splitmix64(std::hash<std::string_view>{}(piece))) & mask;
  while (table_[i] >= 0 && slice(pieces_, piece_end_, to_size(table_[i])) != piece) i = (i + 1) & mask;
  return i;
}

TFM_INLINE void Vocabulary::append(std::vector<char>& text, std::vector<std::uint32_t>& end, std::string_view s) {
  text.insert(text.end(), s.begin(), s.end());
  end.push_back(static_cast<std::uint32_t>(text.size()));
}

TFM_INLINE Vocabulary::Vocabulary(Index size, std::size_t bytes, std::string what) : what_(std::move(what)) {
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

TFM_INLINE bool Vocabulary::add(std::string_view piece, std::string_view stands_for, TokenType type) {
  const std::size_t i = place(piece);
  append(pieces_, piece_end_, piece);
  append(bytes_, bytes_end_, type == TokenType::control ? std::string_view() : stands_for);
  types_.push_back(type);
  if (table_[i] >= 0) return false;
  table_[i] = static_cast<Token>(types_.size() - 1);
  return true;
}

TFM_INLINE void Vocabulary::add_nameless() {
  append(pieces_, piece_end_, {});
  append(bytes_, bytes_end_, {});
  types_.push_back(TokenType::unused);
}

TFM_INLINE std::string_view Vocabulary::leading_bytes(Token token) const {
  std::string_view text = bytes(token);
  if (!leading_bytes_.empty())
    if (const auto found = leading_bytes_.find(token); found != leading_bytes_.end()) return found->second;
  const TokenType kind = type(token);
  const bool may_drop = leading_ != LeadingSpace::keep && kind != TokenType::byte && kind != TokenType::unknown;
  if (may_drop && text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

TFM_INLINE std::optional<Token> Vocabulary::find(std::string_view piece) const {
  const Token token = table_[place(piece)];
  return token < 0 ? std::nullopt : std::optional<Token>(token);
}

}  // namespace tfm::inline TFM_ABI
