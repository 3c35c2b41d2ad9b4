// What sentencepiece_tables.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void check_counts(const SentencePieceTables& tables) {
  const auto expect = [&](std::size_t found, const char* of) {
    if (found == tables.pieces.size()) return;
    sentencepiece_error(tables.what, {found, " ", of, " for ", tables.pieces.size(), " pieces"});
  };
  expect(tables.scores.size(), "scores");
  if (!tables.types.empty()) expect(tables.types.size(), "token types");
}

/// The type of one piece before the roles are known.
TFM_INLINE TokenType type_in(const SentencePieceTables& tables, std::size_t i) {
  const std::string_view piece = tables.pieces[i];
  if (tables.types.empty()) return byte_of_piece(piece) >= 0 ? TokenType::byte : TokenType::normal;
  return effective_type(token_type(tables.types[i], static_cast<Index>(i), tables.what), piece);
}

}  // namespace detail

TFM_INLINE SentencePieceModel sentencepiece_model_of(const SentencePieceTables& tables) {
  detail::check_counts(tables);
  SentencePieceModel model;
  model.kind = SentencePieceModel::Kind::bpe;
  model.add_dummy_prefix = tables.add_space_prefix;
  model.remove_extra_whitespaces = tables.remove_extra_whitespaces;
  model.what = tables.what;
  model.special = checked(tables.special, static_cast<Index>(tables.pieces.size()), tables.what);
  auto& [bos, eos, unknown, pad, add_bos, add_eos] = model.special;
  std::size_t bytes = 0;
  model.pieces.reserve(tables.pieces.size());
  for (std::size_t i = 0; i < tables.pieces.size(); ++i) {
    const auto token = static_cast<Token>(i);
    TokenType type = detail::type_in(tables, i);
    if (type == TokenType::unknown && !unknown) unknown = token;
    if (type == TokenType::unknown && unknown != token) type = TokenType::unused;
    if (token == bos || token == eos) type = TokenType::control;
    const bool nameless = tables.pieces[i].empty();
    if (nameless && type != TokenType::unknown) type = TokenType::unused;
    if (type == TokenType::byte) ++bytes;
    model.pieces.push_back({tables.pieces[i], tables.scores[i], type, nameless});
  }
  model.byte_fallback = bytes > 0;
  model.some_bytes_missing = bytes > 0 && bytes < 256;
  if (!unknown) {
    detail::sentencepiece_error(tables.what, {"no unknown piece: no id names one, and no piece has the type"});
  }
  if (unknown == bos || unknown == eos) {
    detail::sentencepiece_error(tables.what, {"token ", *unknown, " is the unknown piece and begins or ends a text, in one"});
  }
  model.pieces[to_size(*unknown)].type = TokenType::unknown;
  return model;
}

}  // namespace tfm::inline TFM_ABI
