#pragma once
// Lines of standard input as they come: all that are there at once, and none is waited for longer than needed.
#include <string>
#include <vector>

namespace cli {

class LineReader {
  std::string rest_;  // the beginning of a line whose end is still to come
  bool ended_ = false;

 public:
  /// The next lines, without their ends; none once the input has ended. A last line need not have an end. Errors:
  /// LoadError if reading fails, Stopped on Ctrl-C.
  std::vector<std::string> read();
};

}  // namespace cli
