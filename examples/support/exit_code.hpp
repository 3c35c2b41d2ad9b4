#pragma once
// How the programs end.
#include <stdexcept>

namespace cli {

/// What the program returns to the shell.
enum ExitCode : int {
  success = 0,
  failure = 1,
  usage = 2,
  interrupted = 130
};

/// A wrong use of the program, which ends it with ExitCode::usage.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace cli
