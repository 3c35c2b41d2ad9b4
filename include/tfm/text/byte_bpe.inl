// What byte_bpe.hpp declares.
#include <string>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/quotes.hpp"
#include "tfm/text/byte_alphabet.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What a piece stands for inside a text.
TFM_INLINE void spell_piece(std::string_view piece, TokenType type, bool characters, std::string& bytes) {
  bytes.clear();
  if (!characters) {
    if (type == TokenType::user_defined || !append_spelt_bytes(bytes, piece)) bytes = piece;
    return;
  }
  constexpr std::string_view space = "\xE2\x96\x81";  // U+2581
  if (const int byte = byte_of_piece(piece); byte >= 0 && type == TokenType::byte) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
    return;
  }
  for (std::size_t at = 0; at < piece.size();) {
    const bool is_space = piece.substr(at).starts_with(space);
    bytes.push_back(is_space ? ' ' : piece[at]);
    at += is_space ? space.size() : 1;
  }
}

TFM_INLINE Vocabulary vocabulary_of(const ByteBpeTables& tables, bool characters) {
  const auto count = static_cast<Index>(tables.pieces.size());
  if (!tables.types.empty() && tables.types.size() != tables.pieces.size())
    raise<TokenizerError>({"tfm: ", tables.what, ": ", tables.types.size(), " token types for ", count, " pieces"});
  std::size_t total = 0;
  for (const std::string_view piece : tables.pieces) total += piece.size();
  Vocabulary vocabulary(count, total, std::string(tables.what));
  std::string bytes;
  for (Index i = 0; i < count; ++i) {
    const std::string_view piece = tables.pieces[to_size(i)];
    TokenType type = TokenType::normal;
    if (!tables.types.empty()) type = effective_type(token_type(tables.types[to_size(i)], i, tables.what), piece);
    if (characters && type == TokenType::normal && byte_of_piece(piece) >= 0) type = TokenType::byte;
    if (i == tables.special.bos || i == tables.special.eos) type = TokenType::control;
    if (piece.empty()) {
      vocabulary.add_nameless();
      continue;
    }
    spell_piece(piece, type, characters, bytes);
    vocabulary.add(piece, bytes, type);
  }
  vocabulary.set_special(tables.special);
  return vocabulary;
}

TFM_INLINE MergeTable merges_of(const ByteBpeTables& tables, const Vocabulary& vocabulary) {
  MergeTable merges(static_cast<Index>(tables.merges.size() + tables.merge_pairs.size()));
  std::string both;
  const auto add_merge = [&](std::string_view left, std::string_view right) {
    const auto token = [&](std::string_view piece) {
      const auto found = vocabulary.find(piece);
      if (!found || vocabulary.is_control(*found))
        raise<TokenizerError>({"tfm: ", vocabulary.what(), ": merge ", merges.size(), ": '", piece.substr(0, 100),
                               "' is not an ordinary piece of the vocabulary"});
      return *found;
    };
    both.assign(left).append(right);
    const Token first = token(left), second = token(right);
    merges.add(first, second, token(both));
  };
  for (const std::string_view merge : tables.merges) {
    const std::size_t space = merge.find(' ', 1);
    if (merge.empty() || space == std::string_view::npos)
      raise<TokenizerError>({"tfm: ", vocabulary.what(), ": merge ", merges.size(), " is '", merge.substr(0, 100),
                             "'; expected two pieces with a space between"});
    add_merge(merge.substr(0, space), merge.substr(space + 1));
  }
  for (const auto& [left, right] : tables.merge_pairs) add_merge(left, right);
  return merges;
}

TFM_INLINE PipelineTokenizer byte_bpe_pipeline(const ByteBpeTables& tables) {
  PreTokenizer pre_tokenizer(tables.pre_tokenizer);
  const PreTokenizerFacts& facts = *pre_tokenizer_facts(tables.pre_tokenizer);
  Vocabulary vocabulary = vocabulary_of(tables, facts.characters);
  Normalizer normalizer;
  if (facts.nfc) normalizer.add({.kind = NormalizerStep::Kind::nfc});
  if (facts.small_letters) normalizer.add({.kind = NormalizerStep::Kind::lowercase});
  if (facts.characters && !facts.small_letters)
    normalizer.add(
        {.kind = NormalizerStep::Kind::replace, .text = "\xE2\x96\x81", .pattern = Pattern(" ", facts.name)});
  BpeModel model(vocabulary, merges_of(tables, vocabulary),
                 {.bytes = !facts.characters, .ignore_merges = facts.ignore_merges, .byte_fallback = facts.characters,
                  .unknown = facts.characters ? tables.special.unknown : std::nullopt});
  std::vector<PipelineMarker> markers;
  for (Token token = 0; token < vocabulary.size(); ++token) {
    const TokenType type = vocabulary.type(token);
    const std::string_view piece = vocabulary.piece(token);
    if ((type == TokenType::control || type == TokenType::user_defined) && vocabulary.find(piece) == token)
      markers.push_back({.token = token, .text = std::string(piece), .special = type == TokenType::control});
  }
  return PipelineTokenizer(std::move(vocabulary), std::move(normalizer), std::move(pre_tokenizer), std::move(model),
                           markers);
}

}  // namespace detail

TFM_INLINE ByteBpeTokenizer::ByteBpeTokenizer(const ByteBpeTables& tables)
    : PipelineTokenizer(detail::byte_bpe_pipeline(tables)) {}

}  // namespace tfm::inline TFM_ABI
