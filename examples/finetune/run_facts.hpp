#pragma once
// What an adapter's folder tells of its training to those who ask it things: the cutoff and the labels.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tfm/core/index.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace cli {

struct RunFacts {
  std::optional<tfm::Index> cutoff;  ///< of the samples
  std::vector<std::string> labels;   ///< of the training's records; of those it held out, where run.json does not say; empty: it had none
};

/// Of a folder without run.json, nothing. Errors: LoadError for files that cannot be read.
RunFacts read_run_facts(const std::filesystem::path& folder);

/// The different outputs of records, sorted, if they are labels: at most 100, none empty, and each two times on the average. Else nothing.
std::vector<std::string> label_names(const std::vector<tfm::AlpacaRecord>& records);

}  // namespace cli
