// What tokenizer_json.hpp declares.
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "tfm/checkpoint/tokenizer_config.hpp"
#include "tfm/checkpoint/tokenizer_json_parts.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// The pieces by number, as the model has them and as they are added.
struct JsonPieces {
  std::vector<std::string> spelt;  // an empty one has no piece
  std::vector<double> scores;      // of Unigram
  std::vector<PipelineMarker> markers;
  std::optional<Token> unknown;
  std::vector<std::string> notes;

  std::string& at(const Json& id) {
    const auto place = to_size(id.integer(0, most_json_tokens - 1));
    if (place >= spelt.size()) spelt.resize(place + 1);
    return spelt[place];
  }
  std::optional<Token> find(std::string_view piece) const {
    for (std::size_t i = 0; i < spelt.size(); ++i)
      if (!piece.empty() && spelt[i] == piece) return static_cast<Token>(i);
    return std::nullopt;
  }
};

TFM_INLINE void read_json_vocabulary(const Json& model, JsonPieces& out) {
  const Json vocab = model.at("vocab");
  if (vocab.is(JsonKind::array)) {
    for (const Json entry : vocab.elements()) {
      if (entry.size() != 2) entry.refuse({"found ", entry.size(), " values, expected a piece and its score"});
      if (out.spelt.size() >= to_size(most_json_tokens))
        vocab.refuse({"found ", vocab.size(), " pieces, expected at most ", most_json_tokens});
      auto part = entry.elements().begin();
      out.spelt.emplace_back((*part).text());
      out.scores.push_back((*++part).number());
    }
    return;
  }
  for (const Json id : vocab.members()) {
    std::string& piece = out.at(id);
    if (!piece.empty() && piece != id.key())
      id.refuse({"token ", id.integer(), " is ", in_quotes(piece), " and ", in_quotes(id.key()),
                 ", expected one piece for a number"});
    piece = id.key();
  }
}

TFM_INLINE void read_json_added(const Json& root, JsonPieces& out) {
  const auto list = root.find_value("added_tokens");
  if (!list) return;
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < out.spelt.size(); ++i)
    if (!out.spelt[i].empty()) known.emplace(out.spelt[i], i);
  for (const Json entry : list->elements()) {
    AddedToken token = read_added_token(entry);
    const Json id = entry.at("id");
    const auto said = to_size(id.integer(0, most_json_tokens - 1));
    if (token.content.empty()) {
      out.notes.push_back("the added token " + std::to_string(said) + " has no text: it is left out");
      continue;
    }
    const auto [is, fresh] = known.try_emplace(token.content, said);
    if (is->second != said)
      id.refuse(
          {"found ", said, ", expected ", is->second, ", by which the vocabulary knows ", in_quotes(token.content)});
    if (fresh) {
      std::string& piece = out.at(id);
      if (!piece.empty())
        id.refuse(
            {"found ", said, " for ", in_quotes(token.content), ", which is ", in_quotes(piece), " in the vocabulary"});
      piece = token.content;
    }
    out.markers.push_back(
        {static_cast<Token>(said), std::move(token.content), token.rule, token.special, token.normalized});
  }
}

/// Calls merge(left, right) for each of the merges, in order.
template <class F>
void each_json_merge(const Json& merges, F&& on_merge) {
  for (const Json merge : merges.elements()) {
    if (merge.is(JsonKind::text)) {
      const std::string_view both = merge.text();
      const std::size_t space = both.empty() ? std::string_view::npos : both.find(' ', 1);
      if (space == std::string_view::npos)
        merge.refuse({"found ", merge.found(), ", expected two pieces with a space between"});
      on_merge(merge, both.substr(0, space), both.substr(space + 1));
    } else {
      if (merge.size() != 2) merge.refuse({"found ", merge.size(), " pieces, expected two"});
      auto part = merge.elements().begin();
      const std::string_view left = (*part).text();
      on_merge(merge, left, (*++part).text());
    }
  }
}

/// A merge of a piece that only a template may write, or into one, is left out.
TFM_INLINE MergeTable read_json_merges(const Json& model, const Vocabulary& vocabulary) {
  const Json merges = model.at("merges");
  MergeTable table(merges.size());
  std::string both;
  each_json_merge(merges, [&](const Json& merge, std::string_view left, std::string_view right) {
    const auto token = [&](std::string_view piece) {
      const auto found = vocabulary.find(piece);
      if (!found) merge.refuse({"found ", in_quotes(piece), ", which 'vocab' does not have"});
      return *found;
    };
    const auto closed = [&](Token of) {
      return vocabulary.is_control(of) || vocabulary.type(of) == TokenType::unknown;
    };
    both.assign(left).append(right);
    const Token first = token(left), second = token(right), result = token(both);
    if (!closed(first) && !closed(second) && !closed(result)) table.add(first, second, result);
  });
  return table;
}

/// Which model it is; files of before the type was written say it by what they have.
TFM_INLINE std::string_view json_model_type(const Json& model) {
  if (const auto type = model.find_value("type")) return type->text();
  if (model.find("merges")) return "BPE";
  if (model.at("vocab").is(JsonKind::array)) return "Unigram";
  if (model.find("max_input_chars_per_word")) return "WordPiece";
  model.refuse("found no 'type', 'merges' or scores, expected a BPE, Unigram or WordPiece");
}

TFM_INLINE BpeModel read_json_bpe(const Json& model, const Vocabulary& vocabulary, const JsonPieces& pieces, bool bytes) {
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (const auto value = model.find_value(key); value && !value->text().empty())
      value->refuse({"found ", value->found(), ", expected none"});
  if (const auto dropout = model.find_value("dropout"); dropout && dropout->number() != 0)
    dropout->refuse({"found ", dropout->found(), ", expected none"});
  return BpeModel(vocabulary, read_json_merges(model, vocabulary),
                  {.bytes = bytes,
                   .ignore_merges = json_flag(model, "ignore_merges", false),
                   .byte_fallback = json_flag(model, "byte_fallback", false),
                   .fuse_unknown = json_flag(model, "fuse_unk", false),
                   .unknown = pieces.unknown});
}

TFM_INLINE TokenModel read_json_model(const Json& model, const Vocabulary& vocabulary, const JsonPieces& pieces,
                                  bool bytes) {
  const std::string_view type = json_model_type(model);
  if (type == "BPE") return read_json_bpe(model, vocabulary, pieces, bytes);
  if (bytes) model.refuse("a 'ByteLevel' pre-tokenizer before a model that is no BPE, which is not supported");
  if (type == "Unigram")
    return UnigramModel(vocabulary, pieces.scores, pieces.unknown, json_flag(model, "byte_fallback", false));
  const auto prefix = model.find_value("continuing_subword_prefix"),
             most = model.find_value("max_input_chars_per_word");
  return WordPieceModel{.unknown = pieces.unknown.value(),
                        .prefix = std::string(prefix ? prefix->text() : "##"),
                        .most_characters = most ? to_size(most->integer(0, 10'000)) : 100};
}

/// The token for what is no piece: a number in Unigram, a piece in the others.
TFM_INLINE void read_json_unknown(const Json& model, JsonPieces& out) {
  const std::string_view type = json_model_type(model);
  if (type != "BPE" && type != "Unigram" && type != "WordPiece") {
    const Json said = model.at("type");
    said.refuse({"found ", said.found(), ", expected 'BPE', 'Unigram' or 'WordPiece'"});
  }
  if (const bool scores = !out.scores.empty(), unigram = type == "Unigram"; scores != unigram)
    model.at("vocab").refuse(unigram ? "found no scores, expected an array of pieces with their scores"
                                     : "found an array, expected pieces with their numbers");
  if (type == "Unigram") {
    const auto id = model.find_value("unk_id");
    if (id) out.unknown = static_cast<Token>(id->integer(0, static_cast<Index>(out.spelt.size()) - 1));
    return;
  }
  const auto piece = type == "WordPiece" ? std::optional(model.at("unk_token")) : model.find_value("unk_token");
  if (!piece || piece->text().empty()) return;
  out.unknown = out.find(piece->text());
  if (!out.unknown) piece->refuse({"found ", piece->found(), ", which the vocabulary does not have"});
}

/// bos and eos: the one token that the post-processor writes before a text, and behind it.
TFM_INLINE SpecialTokens special_of(const PostProcessor& post_processor, std::optional<Token> unknown) {
  SpecialTokens special{.unknown = unknown};
  std::vector<Token> around[2];
  int side = 0;
  for (const PostProcessor::Part& part : post_processor.single)
    if (part.text >= 0) side = 1;
    else around[side].insert(around[side].end(), part.tokens.begin(), part.tokens.end());
  if (around[0].size() == 1) special.bos = around[0].front(), special.add_bos = true;
  if (around[1].size() == 1) special.eos = around[1].front(), special.add_eos = true;
  return special;
}

TFM_INLINE Vocabulary json_vocabulary(const JsonPieces& pieces, const TokenizerDecoder& decoder,
                                  const SpecialTokens& special, const std::string& what) {
  std::size_t total = 0;
  for (const std::string& piece : pieces.spelt) total += piece.size() + 1;
  Vocabulary vocabulary(static_cast<Index>(pieces.spelt.size()), total, what);
  vocabulary.set_leading_space(decoder.leading());
  vocabulary.set_invalid(decoder.invalid());
  std::vector<TokenType> types(pieces.spelt.size(), TokenType::normal);
  for (const PipelineMarker& marker : pieces.markers)
    types[to_size(marker.token)] = marker.special ? TokenType::control : TokenType::user_defined;
  for (const auto& token : {special.bos, special.eos})
    if (token && to_size(*token) < types.size()) types[to_size(*token)] = TokenType::control;
  if (pieces.unknown) {
    TokenType& type = types[to_size(*pieces.unknown)];
    type = type == TokenType::control ? TokenType::unknown : type;
  }
  for (std::size_t i = 0; i < pieces.spelt.size(); ++i) {
    const std::string& piece = pieces.spelt[i];
    if (piece.empty()) {
      vocabulary.add_nameless();
      continue;
    }
    const bool silent = types[i] == TokenType::control || types[i] == TokenType::unknown;
    vocabulary.add(piece, silent ? std::string() : decoder.spell(piece, false), types[i]);
    const auto token = static_cast<Token>(i);
    if (silent) continue;
    if (std::string first = decoder.spell(piece, true); vocabulary.leading_bytes(token) != first)
      vocabulary.set_leading_bytes(token, std::move(first));
  }
  vocabulary.set_special(special);
  return vocabulary;
}

}  // namespace detail

TFM_INLINE TokenizerJson read_tokenizer_json(const JsonDocument& document) {
  const Json root = document.root();
  const Json model = root.at("model");
  detail::JsonPieces pieces;
  detail::read_json_vocabulary(model, pieces);
  detail::read_json_unknown(model, pieces);
  detail::read_json_added(root, pieces);
  bool bytes = false;
  Normalizer normalizer = detail::read_normalizer(root);
  PreTokenizer pre_tokenizer = detail::read_pre_tokenizer(root, bytes);
  PostProcessor post_processor = detail::read_post_processor(root);
  const SpecialTokens special = detail::special_of(post_processor, pieces.unknown);
  Vocabulary vocabulary = detail::json_vocabulary(pieces, detail::read_decoder_part(root), special, root.file());
  TokenModel token_model = detail::read_json_model(model, vocabulary, pieces, bytes);
  return {PipelineTokenizer(std::move(vocabulary), std::move(normalizer), std::move(pre_tokenizer),
                            std::move(token_model), pieces.markers),
          std::move(post_processor), std::move(pieces.notes)};
}

}  // namespace tfm::inline TFM_ABI
