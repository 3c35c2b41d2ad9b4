#pragma once
// From Alpaca records to what a model trains on: ids with the recipe's cutoff and EOS rule, and labels.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/text/alpaca_prompt.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/losses.hpp"

namespace tfm::inline TFM_ABI {

struct AlpacaOptions {
  Index cutoff = 256;          ///< tokens at most, BOS and EOS among them
  bool response_only = false;  ///< labels on the response and EOS alone; else on everything
};

namespace detail {
inline std::vector<Token> alpaca_ids(const AnyTokenizer& tokenizer, std::span<const TextSegment> segments) {
  std::vector<Token> ids = tokenizer.encode(segments);
  const auto bos = tokenizer.bos();
  if (tokenizer.add_bos() && bos && (ids.empty() || ids.front() != *bos)) ids.insert(ids.begin(), *bos);
  return ids;
}
}  // namespace detail

/// The ids of a record's prompt, which its output is to continue: BOS, where the tokenizer adds one, and the text. A record's texts
/// never become control tokens; the template's may.
inline std::vector<Token> alpaca_prompt_ids(const AnyTokenizer& tokenizer, const AlpacaPrompt& prompt, const AlpacaRecord& record) {
  return detail::alpaca_ids(tokenizer, prompt.segments(record));
}

/// A record as Alpaca-LoRA trains on it. Prompt and output are encoded as one text and cut to options.cutoff tokens; EOS follows where
/// there is room for it and the text does not end with it. With response_only, as many tokens as the prompt alone has are without a label.
/// Errors: TokenizerError for a tokenizer without EOS, OptionError for a cutoff below 1.
/// https://github.com/tloen/alpaca-lora, finetune.py, generate_and_tokenize_prompt
inline CausalSample alpaca_sample(const AnyTokenizer& tokenizer, const AlpacaPrompt& prompt, const AlpacaRecord& record, const AlpacaOptions& options = {}) {
  if (options.cutoff < 1) raise(OptionError("tfm: the cutoff must be at least 1 token, found " + std::to_string(options.cutoff)));
  if (!tokenizer.eos()) raise(TokenizerError("tfm: the tokenizer has no token for the end of a text, which fine-tuning needs"));
  std::vector<TextSegment> segments = prompt.segments(record);
  const std::size_t cutoff = to_size(options.cutoff);
  const std::size_t start = options.response_only ? detail::alpaca_ids(tokenizer, segments).size() : 0;
  segments.emplace_back(UserText{record.output});
  CausalSample sample{detail::alpaca_ids(tokenizer, segments), {}};
  if (sample.ids.size() > cutoff) sample.ids.resize(cutoff);
  if (sample.ids.size() < cutoff && (sample.ids.empty() || sample.ids.back() != *tokenizer.eos())) sample.ids.push_back(*tokenizer.eos());
  sample.labels = sample.ids;
  std::fill_n(sample.labels.begin(), std::min(start, sample.labels.size()), ignored_label);
  return sample;
}

/// The records that `which` names, one sample for each.
inline std::vector<CausalSample> alpaca_samples(const AnyTokenizer& tokenizer, const AlpacaPrompt& prompt, std::span<const AlpacaRecord> records,
                                                std::span<const Index> which, const AlpacaOptions& options = {}) {
  std::vector<CausalSample> samples;
  samples.reserve(which.size());
  for (const Index i : which) samples.push_back(alpaca_sample(tokenizer, prompt, records[to_size(i)], options));
  return samples;
}

}  // namespace tfm::inline TFM_ABI
