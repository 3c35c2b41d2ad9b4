#pragma once
// What a training learns from and measures with: records, their split by text, and the samples that they become.
#include <string>
#include <vector>

#include "arguments.hpp"
#include "base.hpp"
#include "tfm/train/data/causal_sample.hpp"
#include "tfm/train/data/split.hpp"

namespace cli {

struct Samples {
  std::vector<tfm::AlpacaRecord> records;
  tfm::DistinctTexts texts;
  tfm::Split split;
  std::vector<tfm::CausalSample> training, validation;
  Index cutoff = 0;  ///< tokens that they were cut to

  /// Whether a validation sample has a token with a label: without one there is no best step.
  bool can_measure() const;
  /// The records that are held out, as JSON; empty where there are none.
  std::string held_out() const;
};

/// Errors: OptionError where nothing is left to learn from or to measure with; LoadError where no token of the training samples has a label;
/// TokenizerError.
Samples samples_of(const TrainArguments& arguments, std::vector<tfm::AlpacaRecord> records, const Base& base, const tfm::AlpacaPrompt& prompt);

/// The instruction of all records, of which there is one at least; empty if they differ.
std::string common_instruction(const std::vector<tfm::AlpacaRecord>& records);

double tokens_of(const std::vector<tfm::CausalSample>& samples);

}  // namespace cli
