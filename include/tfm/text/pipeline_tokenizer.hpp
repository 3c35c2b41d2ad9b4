#pragma once
// PipelineTokenizer: a text's way through markers, normalizer, pre-tokenizer and model, in the order of Hugging Face's
// library.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/normalizer.hpp"
#include "tfm/text/pre_tokenizer.hpp"
#include "tfm/text/token_model.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"
#include "tfm/text/word_cache.hpp"

namespace tfm::inline TFM_ABI {

/// A token that is matched in a text as it is spelt. A special one only a template may write. What is `normalized` is
/// sought in the normalized text; a special one never is, as there nobody knows any more who wrote what.
struct PipelineMarker {
  Token token = 0;
  std::string text{};
  MarkerRule rule{};
  bool special = true, normalized = false;
};

/// Bytes that are no UTF-8 are encoded as U+FFFD, one by one.
class PipelineTokenizer : public VocabularyTokenizer {
  Normalizer normalizer_;
  PreTokenizer pre_tokenizer_;
  TokenModel model_;
  MarkerSplitter in_user_, in_template_, in_normalized_;

  struct Workspace;
  void encode_stretch(std::string_view text, bool first, Workspace& work, std::vector<Token>& out) const;
  void encode_words(std::string_view text, bool first, Workspace& work, std::vector<Token>& out) const;

 public:
  PipelineTokenizer(Vocabulary vocabulary, Normalizer normalizer, PreTokenizer pre_tokenizer, TokenModel model,
                    std::span<const PipelineMarker> markers);

  std::vector<Token> encode(std::span<const TextSegment> segments) const;
};

static_assert(Tokenizer<PipelineTokenizer>);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/pipeline_tokenizer.inl"
#endif
