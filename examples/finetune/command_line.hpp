#pragma once
// From the words of a command line to Arguments. CLI11, which costs seconds to compile, is behind this alone.
#include <variant>

#include "arguments.hpp"

namespace cli {

/// What was asked for; or, where that was help, the version or a mistake, and has been answered, the exit code.
std::variant<Arguments, int> parse_command_line(int count, const char* const* words);

}  // namespace cli
