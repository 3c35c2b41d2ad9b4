#pragma once
// The losses of a run, out of its log: all of it, however often it was interrupted.
#include <array>
#include <filesystem>

#include "support/line_chart.hpp"

namespace cli {

/// Nats per token by the step: of each step's samples, with dropout, and of the validation samples, without, each evaluation a point; and
/// the learning rate. Errors: LoadError for a file of tfm::CsvLog that cannot be read.
std::array<picture::LineChart, 2> losses_by_step(const std::filesystem::path& log);

}  // namespace cli
