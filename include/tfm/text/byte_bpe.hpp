#pragma once
// ByteBpeTokenizer: byte-level BPE (Radford et al. 2019), as in GPT-2, Llama 3 and Qwen, from plain tables.
#include <cstdint>
#include <span>
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

  static std::size_t total_bytes(std::span<const std::string_view> pieces);
  static Vocabulary vocabulary_of(const ByteBpeTables& tables);
  static MergeTable merges_of(const ByteBpeTables& tables, const Vocabulary& vocabulary);

  struct Workspace {
    PreTokenizer::Workspace cutting;
    BpeModel::Scratch merging;
    WordCache known;
  };
  /// Text between two markers.
  void encode_stretch(std::string_view text, Workspace& work, std::vector<Token>& out) const;

 public:
  /// TokenizerError for tables that do not fit together, and for a pre-tokenizer that is not known.
  explicit ByteBpeTokenizer(const ByteBpeTables& tables);

  std::vector<Token> encode(std::span<const TextSegment> segments) const;

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

#if defined(TFM_DEFINITIONS)
#include "tfm/text/byte_bpe.inl"
#endif
