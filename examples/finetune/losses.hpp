#pragma once
// The losses of a run, out of its log: all of it, however often it was interrupted.
#include <filesystem>

#include "support/line_chart.hpp"

namespace cli {

/// Nats per token by the step: of each step's samples, with dropout, and of the validation samples, without. Errors: LoadError for
/// a file of tfm::CsvLog that cannot be read.
picture::LineChart losses_by_step(const std::filesystem::path& log);

}  // namespace cli
