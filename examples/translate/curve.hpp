#pragma once
// The losses of a run, epoch by epoch, out of its log: all of it, however often it was interrupted.
#include <filesystem>

#include "support/line_chart.hpp"
#include "tfm/core/index.hpp"

namespace cli {

struct EpochLosses {
  picture::LineChart chart;
  double d2l = 0, per_token = 0;  ///< of the last epoch, with dropout
};

/// Reads steps.csv, which tfm::CsvLog writes. d2l.ai's loss is the sum over sentences of the mean over `steps`, divided by
/// the valid tokens; the true one is nats per token. Errors: LoadError for a file that cannot be read.
EpochLosses losses_by_epoch(const std::filesystem::path& steps_csv, tfm::Index steps);

}  // namespace cli
