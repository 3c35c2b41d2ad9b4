// What pipeline_tokenizer.hpp declares.
#include <cstddef>
#include <limits>
#include <utility>

#include "tfm/core/error.hpp"

namespace tfm::inline TFM_ABI {

struct PipelineTokenizer::Workspace {
  PreTokenizer::Workspace cutting;
  TokenModel::Scratch scratch;
  WordCache known;
  std::string changed;
};

TFM_INLINE PipelineTokenizer::PipelineTokenizer(Vocabulary vocabulary, Normalizer normalizer, PreTokenizer pre_tokenizer,
                                            TokenModel model, std::span<const PipelineMarker> markers)
    : VocabularyTokenizer(std::move(vocabulary)), normalizer_(std::move(normalizer)), pre_tokenizer_(std::move(pre_tokenizer)),
      model_(std::move(model)) {
  for (const PipelineMarker& marker : markers) {
    if (marker.normalized && !marker.special) {
      std::string text = marker.text;
      normalizer_.apply(text);
      if (!text.empty()) in_normalized_.add(text, marker.token, marker.rule);
      continue;
    }
    in_user_.add(marker.text, marker.token, marker.rule, marker.special);
    in_template_.add(marker.text, marker.token, marker.rule);
  }
}

/// Text without markers: its words, each of which is encoded once.
TFM_INLINE void PipelineTokenizer::encode_words(std::string_view text, bool first, Workspace& work,
                                            std::vector<Token>& out) const {
  const Words words = pre_tokenizer_.cut(text, work.cutting, first);
  work.known.begin(words.text.size());
  for (const auto& [begin, end] : words.spans) {
    const std::string_view word = words.text.substr(begin, end - begin);
    if (work.known.find(word, out)) continue;
    const std::size_t from = out.size();
    model_.encode(vocabulary_, word, work.scratch, out);
    work.known.remember(word, from, out);
  }
}

/// Text between two markers of the text as it was written; `first`: it begins with this.
TFM_INLINE void PipelineTokenizer::encode_stretch(std::string_view text, bool first, Workspace& work,
                                              std::vector<Token>& out) const {
  if (text.size() > to_size(std::numeric_limits<std::int32_t>::max() / 8))
    raise<TokenizerError>({"tfm: a text of ", text.size(), " bytes is too long to encode at once"});
  const bool broken = !is_utf8(text);
  if (broken || !normalizer_.empty()) {
    work.changed = broken ? replace_invalid(text) : std::string(text);
    normalizer_.apply(work.changed);
    text = work.changed;
  }
  if (in_normalized_.empty()) return encode_words(text, first, work, out);
  const TextSegment segment = TemplateText{text};
  split_segments(
      in_normalized_, in_normalized_, std::span(&segment, 1),
      [&](std::string_view stretch) { encode_words(stretch, std::exchange(first, false), work, out); },
      [&](Token token) {
        out.push_back(token);
        first = false;
      });
}

TFM_INLINE std::vector<Token> PipelineTokenizer::encode(std::span<const TextSegment> segments) const {
  std::vector<Token> out;
  Workspace work;
  bool first = true;
  split_segments(
      in_user_, in_template_, segments,
      [&](std::string_view stretch) { encode_stretch(stretch, std::exchange(first, false), work, out); },
      [&](Token token) {
        out.push_back(token);
        first = false;
      });
  return out;
}

}  // namespace tfm::inline TFM_ABI
