#pragma once
// Sentence pairs for translation: a file of lines "source<tab>target", normalised as d2l.ai does, split, and encoded.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/mapped_file.hpp"
#include "tfm/text/encoding.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/unicode.hpp"
#include "tfm/text/white_space.hpp"
#include "tfm/train/data/split.hpp"

namespace tfm::inline TFM_ABI {

/// A sentence as d2l.ai prepares it: no-break spaces (U+00A0, U+202F) become spaces, letters small ones, and where no
/// space is before , . ! or ? one is put there. Small letters are those of single characters (Unicode's simple
/// mapping). `text` is UTF-8. A sentence stands for itself: d2l.ai has its whole file as one text, so that a mark at
/// the beginning of a line, but of the first, gets a space there.    d2l.ai, "Machine Translation and the Dataset", preprocess_nmt
inline std::string normalised_sentence(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (std::size_t at = 0; at < text.size();) {
    char32_t c = next_code_point(text, at);
    if (c == 0xA0 || c == 0x202F) c = ' ';
    const bool mark = c == ',' || c == '.' || c == '!' || c == '?';
    if (mark && !out.empty() && out.back() != ' ') out += ' ';
    append_utf8(out, small_letter(c));
  }
  return out;
}

/// Two sentences that mean the same.
struct SentencePair {
  std::string source, target;
};

/// Lines that were left out, by what was wrong with them.
struct SkippedLines {
  Index empty = 0;        ///< nothing, or nothing on one side of the tab
  Index without_tab = 0;
  Index total() const noexcept { return empty + without_tab; }
};

struct SentencePairs {
  std::vector<SentencePair> pairs;  ///< normalised
  SkippedLines skipped;             ///< of the lines that were read
};

/// The first pairs of a text, `most` of them or all; one a line. What follows a second tab (an attribution) is ignored. `file` is its
/// name in messages. Errors: LoadError where a line that is read is not UTF-8 (encoding.hpp): as a rule most of such a text is wrong.
inline SentencePairs parse_sentence_pairs(std::string_view text, Index most = PTRDIFF_MAX, std::string_view file = "the text") {
  SentencePairs read;
  const std::string_view all = text;
  text = narrow_text(text, file);
  const auto is_blank = [](std::string_view s) { return trimmed(s).empty(); };
  while (!text.empty() && static_cast<Index>(read.pairs.size()) < most) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t tab = std::min(line.find('\t'), line.size());
    const std::string_view source = line.substr(0, tab), rest = line.substr(std::min(tab + 1, line.size()));
    const std::string_view target = rest.substr(0, rest.find('\t'));
    if (!is_utf8(line)) utf8_text(all, file);
    if (is_blank(line)) ++read.skipped.empty;
    else if (tab == line.size()) ++read.skipped.without_tab;
    else if (is_blank(source) || is_blank(target)) ++read.skipped.empty;
    else read.pairs.push_back({normalised_sentence(source), normalised_sentence(target)});
  }
  return read;
}

/// The same from a file. LoadError too if it cannot be read.
inline SentencePairs read_sentence_pairs(const std::filesystem::path& file, Index most = PTRDIFF_MAX) {
  const auto mapped = MappedFile::open(file);
  return parse_sentence_pairs(text_of(mapped->bytes()), most, mapped->name());
}

/// Pairs to learn from, and pairs whose source sentence is in none of them.
struct HeldOutPairs {
  std::vector<SentencePair> training, held_out;
};

/// Holds out all pairs of some source sentences, drawn by `seed`, until they are at least `least`; both parts keep
/// their order. Fewer than `least` pairs in all leave nothing to learn from.
inline HeldOutPairs hold_out(std::vector<SentencePair> pairs, Index least, std::uint64_t seed) {
  std::vector<std::string_view> sources;
  for (const SentencePair& pair : pairs) sources.push_back(pair.source);
  const DistinctTexts sentences = distinct_texts(sources);
  std::vector<bool> held(sentences.copies.size());
  Index so_far = 0;
  for (const std::size_t sentence : sentences.drawn(RandomKey{seed})) {
    if (so_far >= least) break;
    held[sentence] = true;
    so_far += sentences.copies[sentence];
  }
  HeldOutPairs out;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    (held[sentences.of[i]] ? out.held_out : out.training).push_back(std::move(pairs[i]));
  return out;
}

/// A pair as ids. Both end with <eos>, unless that was cut off.
struct TokenPair {
  std::vector<Token> source, target;
};

/// The ids of a normalised sentence and <eos>, cut to `steps`: what d2l.ai's truncate_pad leaves without the padding,
/// so that its size is d2l's valid length. TokenizerError if the tokenizer has no <eos>.
inline std::vector<Token> sentence_ids(const AnyTokenizer& tokenizer, std::string_view sentence, Index steps) {
  if (!tokenizer.eos())
    raise(TokenizerError("tfm: the tokenizer has no token for the end of a sentence, which translation needs"));
  std::vector<Token> ids = tokenizer.encode(UserText{sentence});
  ids.push_back(*tokenizer.eos());
  if (static_cast<Index>(ids.size()) > steps) ids.resize(to_size(steps));
  return ids;
}

inline std::vector<TokenPair> encode_pairs(const std::vector<SentencePair>& pairs, const AnyTokenizer& source,
                                           const AnyTokenizer& target, Index steps) {
  std::vector<TokenPair> out;
  out.reserve(pairs.size());
  for (const SentencePair& pair : pairs)
    out.push_back({sentence_ids(source, pair.source, steps), sentence_ids(target, pair.target, steps)});
  return out;
}

}  // namespace tfm::inline TFM_ABI
