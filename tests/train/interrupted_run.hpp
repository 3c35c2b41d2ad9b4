#pragma once
// A run that tests interrupt, and what it leaves in its folder.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "support/file_text.hpp"
#include "tfm/train/trainer.hpp"

namespace tfm_test {

inline tfm::TrainerOptions options(const std::filesystem::path& output) {
  tfm::TrainerOptions o;
  o.steps = 23;
  o.batch = 12;
  o.micro_batch = 5;
  o.rate = tfm::linear_schedule(0.05f, 4, 23);
  o.clip = 1;
  o.seed = std::uint64_t{0} - 3;
  o.evaluate_every = 4;
  o.output = output;
  o.save_every = 3;
  return o;
}

/// All files of a run by name, with their bytes.
inline std::vector<std::pair<std::string, std::string>> files_in(const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    all.emplace_back(std::filesystem::relative(entry.path(), folder).string(), entry.is_regular_file() ? file_text(entry.path()) : "");
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace tfm_test
