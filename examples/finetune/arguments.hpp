#pragma once
// What can be asked of the program: the options of each command, as plain values with their defaults.
#include <filesystem>
#include <variant>

#include "support/exit_code.hpp"
#include "tfm/core/index.hpp"

namespace cli {

using tfm::Index;

struct PrepareArguments {
  std::filesystem::path tweets, out;
  bool drop_retweets = false, drop_links = false, json = false;
};

using Arguments = std::variant<PrepareArguments>;

/// The commands. Each returns the program's exit code; errors are thrown.
int run(const PrepareArguments& arguments);

}  // namespace cli
