// What byte_bpe.hpp declares.
#include <limits>
#include <string>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::size_t ByteBpeTokenizer::total_bytes(std::span<const std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  return bytes;
}

TFM_INLINE Vocabulary ByteBpeTokenizer::vocabulary_of(const ByteBpeTables& tables) {
  const auto count = static_cast<Index>(tables.pieces.size());
  if (!tables.types.empty() && tables.types.size() != tables.pieces.size()) {
    raise<TokenizerError>({"tfm: ", tables.what, ": ", tables.types.size(), " token types for ", count, " pieces"});
  }
  Vocabulary vocabulary(count, total_bytes(tables.pieces), std::string(tables.what));
  std::string bytes;
  for (Index i = 0; i < count; ++i) {
    const std::string_view piece = tables.pieces[to_size(i)];
    TokenType type = TokenType::normal;
    if (!tables.types.empty()) type = effective_type(token_type(tables.types[to_size(i)], i, tables.what), piece);
    if (i == tables.special.bos || i == tables.special.eos) type = TokenType::control;
    if (piece.empty()) {
      vocabulary.add_nameless();
      continue;
    }
    bytes.clear();
    if (type == TokenType::user_defined || !append_spelt_bytes(bytes, piece)) bytes = piece;
    vocabulary.add(piece, bytes, type);
  }
  vocabulary.set_special(tables.special);
  return vocabulary;
}

TFM_INLINE MergeTable ByteBpeTokenizer::merges_of(const ByteBpeTables& tables, const Vocabulary& vocabulary) {
  MergeTable merges(static_cast<Index>(tables.merges.size() + tables.merge_pairs.size()));
  std::string both;
  const auto add_merge = [&](std::string_view left, std::string_view right) {
    const auto token = [&](std::string_view piece) {
      const auto found = ordinary_token(vocabulary, piece);
      if (!found) {
        raise<TokenizerError>({"tfm: ", vocabulary.what(), ": merge ", merges.size(), ": '", piece.substr(0, 100),
                               "' is not an ordinary piece of the vocabulary"});
      }
      return *found;
    };
    both.assign(left).append(right);
    const Token first = token(left), second = token(right);
    merges.add(first, second, token(both));
  };
  for (const std::string_view merge : tables.merges) {
    const std::size_t space = merge.find(' ', 1);
    if (merge.empty() || space == std::string_view::npos) {
      raise<TokenizerError>({"tfm: ", vocabulary.what(), ": merge ", merges.size(), " is '", merge.substr(0, 100),
                             "'; expected two pieces with a space between"});
    }
    add_merge(merge.substr(0, space), merge.substr(space + 1));
  }
  for (const auto& [left, right] : tables.merge_pairs) add_merge(left, right);
  return merges;
}

TFM_INLINE void ByteBpeTokenizer::encode_stretch(std::string_view text, Workspace& work, std::vector<Token>& out) const {
  if (text.size() > to_size(std::numeric_limits<std::int32_t>::max() / 4)) {
    raise<TokenizerError>({"tfm: a text of ", text.size(), " bytes is too long to encode at once"});
  }
  std::string changed;
  if (!is_utf8(text)) text = changed = replace_invalid(text);
  if (nfc_) {
    if (changed.empty()) changed = text;
    normalize(changed, NormalForm::nfc);
    text = changed;
  }
  work.known.begin(text.size());
  pre_tokenize(pre_tokenizer_, text, work.cutting, [&](std::string_view word) {
    if (work.known.find(word, out)) return;
    const std::size_t from = out.size();
    model_.encode(vocabulary_, word, work.merging, out);
    work.known.remember(word, from, out);
  });
}

TFM_INLINE ByteBpeTokenizer::ByteBpeTokenizer(const ByteBpeTables& tables) : vocabulary_(vocabulary_of(tables)),
      pre_tokenizer_(tables.pre_tokenizer),
      model_(vocabulary_, merges_of(tables, vocabulary_), {.ignore_merges = pre_tokenizer_facts(tables.pre_tokenizer)->ignore_merges}),
      nfc_(pre_tokenizer_facts(tables.pre_tokenizer)->nfc) {
  const auto user_defined = [&](Token token) { return vocabulary_.type(token) == TokenType::user_defined; };
  user_markers_ = MarkerSplitter(vocabulary_, user_defined);
  template_markers_ =
      MarkerSplitter(vocabulary_, [&](Token token) { return user_defined(token) || vocabulary_.is_control(token); });
  for (const auto& [token, rule] : tables.rules)
    for (MarkerSplitter* const markers : {&user_markers_, &template_markers_}) markers->set_rule(token, rule);
}

TFM_INLINE std::vector<Token> ByteBpeTokenizer::encode(std::span<const TextSegment> segments) const {
  std::vector<Token> out;
  Workspace work;
  split_segments(
      vocabulary_, user_markers_, template_markers_, segments,
      [&](std::string_view stretch) { encode_stretch(stretch, work, out); }, [&](Token token) { out.push_back(token); });
  return out;
}

}  // namespace tfm::inline TFM_ABI
