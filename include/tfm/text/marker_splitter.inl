// What marker_splitter.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE std::size_t trailing_space(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t at = end - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    if (utf8_character(text.substr(at, end - at)) != static_cast<int>(end - at)) break;
    std::size_t next = at;
    if (!is_white_space(next_code_point(text, next))) break;
    end = at;
  }
  return end;
}

TFM_INLINE std::size_t leading_space(std::string_view text) {
  std::size_t at = 0;
  for (std::size_t next = 0; at < text.size() && utf8_character(text.substr(at)) > 0; at = next)
    if (next = at; !is_white_space(next_code_point(text, next))) break;
  return at;
}

TFM_INLINE bool is_word(char32_t c) noexcept {
  const CharClass kind = char_class(c);
  return kind == CharClass::letter || kind == CharClass::number || c == '_';
}

TFM_INLINE bool begins_with_word(std::string_view text) {
  std::size_t at = 0;
  return !text.empty() && utf8_character(text) > 0 && is_word(next_code_point(text, at));
}

TFM_INLINE bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return begins_with_word(text.substr(at));
}

}  // namespace detail

TFM_INLINE void MarkerSplitter::add(std::string_view text, Token token, MarkerRule rule, bool closed) {
  trie_.add(text, static_cast<std::int32_t>(markers_.size()));
  markers_.push_back({token, rule, closed});
}

TFM_INLINE void MarkerSplitter::set_rule(Token token, MarkerRule rule) {
  for (Marker& marker : markers_)
    if (marker.token == token) marker.rule = rule;
}

}  // namespace tfm::inline TFM_ABI
