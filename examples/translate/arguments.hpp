#pragma once
// What can be asked of the program: the options of each command, as plain values with their defaults.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <variant>

#include "preset.hpp"
#include "support/exit_code.hpp"

namespace cli {

struct TrainArguments {
  Preset preset = article;  ///< with what the command line changes of it
  std::filesystem::path data, out;
  std::optional<std::uint64_t> seed;  ///< none: 0
  int threads = 0;                    ///< 0: one for each core
  bool resume = false, overwrite = false, json = false;
};

/// How translations are looked for, and by which model.
struct SearchArguments {
  std::filesystem::path model;
  tfm::Index beam = 1, n_best = 1, batch = 64;
  float length_penalty = 1;
  bool int8 = false;  ///< weights in 8 bits
  int threads = 0;
};

struct RunArguments {
  SearchArguments search;
  bool json = false;
};

struct BleuArguments {
  SearchArguments search;
  std::filesystem::path file;
  bool json = false;
};

using Arguments = std::variant<TrainArguments, RunArguments, BleuArguments>;

/// The commands. Each returns the program's exit code; errors are thrown.
int run(const TrainArguments& arguments);
int run(const RunArguments& arguments);
int run(const BleuArguments& arguments);

}  // namespace cli
