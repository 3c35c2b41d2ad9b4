#pragma once
// Preflight: what can be known to go wrong with fine-tuning data before the first step.
#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tfm/formats/message.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/white_space.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/data/split.hpp"
#include "tfm/train/losses.hpp"

namespace tfm::inline TFM_ABI {

/// Counts of samples, unless something else is said. lines() says them to people.
struct Preflight {
  Index training = 0, validation = 0;
  Index tokens = 0, labels = 0;  ///< of the training samples; labels that are asked for, so none of a first token's
  Index shortest = 0, longest = 0;  ///< tokens of a training sample
  Index without_eos = 0;         ///< of both: the end was cut off (records: it is no EOS), so nothing teaches the model to stop there
  Index without_label = 0;       ///< of both: nothing to learn from, or to measure with
  Index without_bos = 0;         ///< of both: the tokenizer begins texts with BOS, these begin otherwise
  Index distinct = 0;            ///< texts (split.hpp) of both
  Index copies = 0;              ///< of the commonest text
  Index shared = 0;              ///< validation samples whose text is in training too
  Index to_measure = 0;          ///< tokens of the validation samples that have a label
  Index empty_outputs = 0;       ///< of both: the record's output is empty or white space
  Index beyond_context = 0;      ///< of both: more tokens than the model's context
  Index context = 0, cutoff = 0;  ///< tokens, as PreflightFacts has them
  Index unstopped = 0;           ///< replies of conversations behind which nothing that ends them is learnt
  bool conversations = false;
  std::vector<std::string> data;     ///< what is wrong with the conversations themselves, a sentence each
  std::vector<std::string> special;  ///< what is wrong with the tokenizer's BOS and EOS

  /// Whether something should be looked at before hours are spent.
  bool clean() const noexcept {
    return without_eos == 0 && without_label == 0 && without_bos == 0 && shared == 0 && distinct == training + validation && special.empty() &&
           empty_outputs == 0 && beyond_context == 0 && unstopped == 0 && data.empty();
  }
  /// What was found, a sentence each, without line ends.
  std::vector<std::string> lines() const {
    const Index all = training + validation;
    const auto share = [&](Index n) {
      const Index tenths = all > 0 ? (n * 1000 + all / 2) / all : 0;
      return std::to_string(n) + " of " + std::to_string(all) + " samples (" + std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %)";
    };
    std::vector<std::string> out{std::to_string(training) + " training and " + std::to_string(validation) + " validation samples; " + std::to_string(tokens) +
                                 " training tokens, " + std::to_string(labels) + " with a label; " + std::to_string(shortest) + " to " +
                                 std::to_string(longest) + " tokens a sample"};
    out.insert(out.end(), data.begin(), data.end());
    if (without_eos > 0)
      out.push_back(std::string(conversations ? "the end is" : "EOS is") + " cut off in " + share(without_eos) + ": they do not teach the model to stop; a greater cutoff helps");
    if (unstopped > 0)
      out.push_back(std::to_string(unstopped) + " replies are followed by no token that ends them, as the chat template writes none or does not mark it as learnt: these do not teach the model to stop");
    if (without_label > 0) out.push_back("no label in " + share(without_label) + ": nothing is learnt from them; a greater cutoff helps");
    if (validation > 0 && to_measure == 0)
      out.push_back("none of the " + std::to_string(validation) + " validation samples has a token to measure: no step can be the best one; a greater cutoff helps");
    if (empty_outputs > 0) out.push_back("the output is empty in " + share(empty_outputs) + ": they teach the model to say nothing");
    if (beyond_context > 0)
      out.push_back("more tokens than the model's context of " + std::to_string(context) + " in " + share(beyond_context) + ": it was not made for such positions; a cutoff of " +
                    std::to_string(context) + " helps");
    else if (context > 0 && cutoff > context)
      out.push_back("the cutoff of " + std::to_string(cutoff) + " tokens is beyond the model's context of " + std::to_string(context) + "; no sample is that long");
    if (without_bos > 0) out.push_back("no BOS at the beginning of " + share(without_bos) + ", where the tokenizer puts one");
    if (distinct < all)
      out.push_back(std::to_string(all - distinct) + " of " + std::to_string(all) + " samples are copies of another's text: " + std::to_string(distinct) +
                    " distinct texts, the commonest " + std::to_string(copies) + " times");
    if (shared > 0) out.push_back(std::to_string(shared) + " of " + std::to_string(validation) + " validation samples have a text that is in training too: their loss measures what was learnt by heart");
    out.insert(out.end(), special.begin(), special.end());
    return out;
  }
};

/// What the samples themselves do not say; what is left out is not looked at.
struct PreflightFacts {
  std::span<const AlpacaRecord> records{};  ///< those that `texts` and the split are of
  Index context = 0;                        ///< tokens that the model was made for
  Index cutoff = 0;                         ///< tokens that samples were cut to
  /// Of conversations: samples that lost their end, and what Preflight has of them.
  std::optional<Index> cut{};
  Index unstopped = 0;
  std::span<const std::string> data{};
};

/// Labels of a sample that a token is asked for.
inline Index label_count(const CausalSample& sample) noexcept {
  Index n = 0;
  for (std::size_t t = 1; t < sample.labels.size(); ++t) n += sample.labels[t] != ignored_label ? 1 : 0;
  return n;
}

/// Looks at the samples that were made of `records` by alpaca_samples, or of conversations, with a split's two sides. What config.json and the tokenizer
/// disagree on is in Loaded::notes, which a program shows beside this. ShapeError where there are more or fewer samples than the split has, or
/// records than texts.
inline Preflight preflight(const DistinctTexts& texts, const Split& split, std::span<const CausalSample> training,
                           std::span<const CausalSample> validation, const AnyTokenizer& tokenizer, const PreflightFacts& facts = {}) {
  const auto need = [](std::size_t found, std::size_t expected, const char* side) {
    if (found != expected)
      raise(ShapeError(std::string("tfm: preflight: found ") + std::to_string(found) + " " + side + " samples, expected the split's " + std::to_string(expected)));
  };
  need(training.size(), split.training.size(), "training");
  need(validation.size(), split.validation.size(), "validation");
  if (!facts.records.empty() && facts.records.size() != texts.of.size())
    raise(ShapeError("tfm: preflight: found " + std::to_string(facts.records.size()) + " records, expected the " + std::to_string(texts.of.size()) + " that the texts are of"));

  Preflight found{.training = static_cast<Index>(training.size()), .validation = static_cast<Index>(validation.size()), .context = facts.context, .cutoff = facts.cutoff, .unstopped = facts.unstopped, .conversations = facts.cut.has_value(),
                  .data = {facts.data.begin(), facts.data.end()}, .special = {}};
  for (const auto side : {training, validation})
    for (const CausalSample& sample : side) {
      found.without_eos += !facts.cut && (sample.ids.empty() || sample.ids.back() != tokenizer.eos()) ? 1 : 0;
      found.without_bos += tokenizer.add_bos() && (sample.ids.empty() || sample.ids.front() != tokenizer.bos()) ? 1 : 0;
      found.without_label += label_count(sample) == 0 ? 1 : 0;
      found.beyond_context += facts.context > 0 && static_cast<Index>(sample.ids.size()) > facts.context ? 1 : 0;
    }
  found.without_eos += facts.cut.value_or(0);
  for (const CausalSample& sample : validation) found.to_measure += label_count(sample);
  for (const auto* const side : {&split.training, &split.validation})
    for (const Index i : *side) found.empty_outputs += !facts.records.empty() && trimmed(facts.records[to_size(i)].output).empty() ? 1 : 0;
  for (const CausalSample& sample : training) {
    const auto length = static_cast<Index>(sample.ids.size());
    found.tokens += length;
    found.labels += label_count(sample);
    found.longest = std::max(found.longest, length);
    found.shortest = &sample == training.data() ? length : std::min(found.shortest, length);
  }

  std::vector<Index> copies(texts.copies.size());
  std::vector<bool> learnt(texts.copies.size());
  for (const Index i : split.training) ++copies[texts.of[to_size(i)]], learnt[texts.of[to_size(i)]] = true;
  for (const Index i : split.validation) ++copies[texts.of[to_size(i)]], found.shared += learnt[texts.of[to_size(i)]] ? 1 : 0;
  for (const Index n : copies) found.distinct += n > 0 ? 1 : 0, found.copies = std::max(found.copies, n);

  const SpecialTokens& special = tokenizer.special();
  const auto same = [&](std::optional<Token> a, const char* one, std::optional<Token> b, const char* other) {
    if (a && a == b)
      found.special.push_back(std::string(one) + " and " + other + " are the same token, " + std::to_string(*a) + " (" + in_quotes(tokenizer.piece(*a)) + ")");
  };
  if (!special.eos) found.special.push_back("the tokenizer has no EOS");
  if (special.add_bos) same(special.bos, "BOS", special.eos, "EOS");
  same(special.eos, "EOS", special.unknown, "the unknown token");
  same(special.bos, "BOS", special.unknown, "the unknown token");
  return found;
}

}  // namespace tfm::inline TFM_ABI
