#pragma once
// run.json: what a training was made of, so that it can be made again: hashes of base and data, version, seed, arguments.
#include <filesystem>
#include <optional>
#include <string>

#include "arguments.hpp"
#include "base.hpp"
#include "samples.hpp"
#include "tfm/train/train_watch.hpp"

namespace cli {

struct Receipt {
  const TrainArguments& arguments;
  tfm::BaseIdentity base;
  std::string data_sha256, init_sha256;  ///< the second: of the adapter's tensors that training begins with; empty: of none
  const Samples& samples;
  RunPrompt prompt;
};

bool holds_run(const std::filesystem::path& folder);
/// Begins a run: makes its folder and writes run.json; or, where that is there, compares it. Errors: UsageError for another run, by the
/// first thing that differs; LoadError where the system refuses.
void begin_run(const Receipt& receipt);
/// Adds what came of it.
void end_run(const Receipt& receipt, const tfm::TrainResult& result, const std::string& adapter_sha256);

/// The prompt of the run in a folder; none where there is no run.json.
std::optional<RunPrompt> read_run_prompt(const std::filesystem::path& folder);

std::string file_sha256(const std::filesystem::path& file);

}  // namespace cli
