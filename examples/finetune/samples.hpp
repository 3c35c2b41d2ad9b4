#pragma once
// What a training learns from and measures with: records, their split by text, and the samples that they become.
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base.hpp"
#include "records.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/data/split.hpp"

namespace cli {

struct Samples {
  Records records;
  tfm::DistinctTexts texts;
  tfm::Split split;
  std::vector<tfm::CausalSample> training, validation;
  Index cutoff = 0;  ///< tokens that they were cut to
  Index cut = 0, unstopped = 0;  ///< of conversations: samples that lost their end; replies that nothing ends

  /// Whether a validation sample has a token with a label: without one there is no best step.
  bool can_measure() const;
  /// The records that are held out, as JSON; empty where there are none.
  std::string held_out() const { return records.json(split.validation); }
};

/// Errors: OptionError where nothing is left to learn from or to measure with; LoadError where no token of the training samples has a label,
/// or the chat template refuses every conversation; TokenizerError.
Samples samples_of(const TrainArguments& arguments, Records records, const Base& base);

/// The instruction of all records; empty if they differ, or there are none.
std::string common_instruction(const std::vector<tfm::AlpacaRecord>& records);

double tokens_of(const std::vector<tfm::CausalSample>& samples);

}  // namespace cli
