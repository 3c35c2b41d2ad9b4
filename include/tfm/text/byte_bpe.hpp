#pragma once
// ByteBpeTokenizer: byte-level BPE (Radford et al. 2019), as in GPT-2, Llama 3 and Qwen, from plain tables.
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/text/added_tokens.hpp"
#include "tfm/text/bpe_model.hpp"
#include "tfm/text/byte_alphabet.hpp"
#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/merge_table.hpp"
#include "tfm/text/normal_forms.hpp"
#include "tfm/text/pre_tokenizer.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"
#include "tfm/text/word_cache.hpp"

namespace tfm::inline TFM_ABI {

/// What a byte-level BPE is made of; read while the tokenizer is built, and not kept.
struct ByteBpeTables {
  std::span<const std::string_view> pieces{};  ///< by token: in GPT-2's byte alphabet; control and user-defined as text;
                                               ///< an empty one is a number without a piece
  std::span<const std::string_view> merges{};  ///< "left right", the first first
  std::span<const std::pair<std::string_view, std::string_view>> merge_pairs{};  ///< the same as pairs, after those
  std::span<const std::int32_t> types{};       ///< TokenType's numbers by token; none: all are normal
  std::span<const std::pair<Token, MarkerRule>> rules{};  ///< of control and user-defined tokens that have one
  SpecialTokens special{};                     ///< bos and eos are control tokens, whatever their type
  std::string_view pre_tokenizer = "gpt-2";    ///< as GGUF's tokenizer.ggml.pre names it; what else the name says counts
  std::string_view what = "vocabulary";        ///< the file's name, for messages
};

/// Bytes that are no UTF-8 are encoded as U+FFFD, one by one. A byte that has no piece has no token: it is left out, as
/// transformers and llama.cpp do (SmolLM2's vocabulary lacks twenty bytes, most of which UTF-8 cannot contain).
/// User-defined pieces are matched in any text, control pieces in a template's alone.
class ByteBpeTokenizer {
  Vocabulary vocabulary_;
  PreTokenizer pre_tokenizer_;
  BpeModel model_;
  bool nfc_;
  MarkerSplitter user_markers_, template_markers_;

  static std::size_t total_bytes(std::span<const std::string_view> pieces) {
    std::size_t bytes = 0;
    for (const std::string_view piece : pieces) bytes += piece.size();
    return bytes;
  }
  static Vocabulary vocabulary_of(const ByteBpeTables& tables) {
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
  static MergeTable merges_of(const ByteBpeTables& tables, const Vocabulary& vocabulary) {
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

  struct Workspace {
    PreTokenizer::Workspace cutting;
    BpeModel::Scratch merging;
    WordCache known;
  };
  /// Text between two markers.
  void encode_stretch(std::string_view text, Workspace& work, std::vector<Token>& out) const {
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

 public:
  /// TokenizerError for tables that do not fit together, and for a pre-tokenizer that is not known.
  explicit ByteBpeTokenizer(const ByteBpeTables& tables)
      : vocabulary_(vocabulary_of(tables)),
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

  std::vector<Token> encode(std::span<const TextSegment> segments) const {
    std::vector<Token> out;
    Workspace work;
    split_segments(
        vocabulary_, user_markers_, template_markers_, segments,
        [&](std::string_view stretch) { encode_stretch(stretch, work, out); }, [&](Token token) { out.push_back(token); });
    return out;
  }

  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  Index size() const noexcept { return vocabulary_.size(); }
  const SpecialTokens& special() const noexcept { return vocabulary_.special(); }
  bool is_control(Token token) const { return vocabulary_.is_control(token); }
  std::string_view bytes(Token token) const { return vocabulary_.bytes(token); }
  std::string_view leading_bytes(Token token) const { return vocabulary_.leading_bytes(token); }
  bool trims_spaces() const noexcept { return vocabulary_.trims_spaces(); }
  std::string_view piece(Token token) const { return vocabulary_.piece(token); }
  std::optional<Token> find(std::string_view piece) const { return vocabulary_.find(piece); }
};

static_assert(Tokenizer<ByteBpeTokenizer>);

}  // namespace tfm::inline TFM_ABI
