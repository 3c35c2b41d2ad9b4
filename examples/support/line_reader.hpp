#pragma once
// Lines of standard input as they come: all that are there at once, and none is waited for longer than needed.
#include <string>
#include <vector>

namespace cli {

class LineReader {
  std::string rest_;  // the beginning of a line whose end is still to come
  bool begun_ = false, ended_ = false;

 public:
  /// The next lines, without their ends; none once the input has ended. A last line need not have an end. Errors:
  /// LoadError if reading fails or the text is in UTF-16 or UTF-32, Stopped on Ctrl-C.
  std::vector<std::string> read();

 private:
  /// Looks at the first bytes, and takes a byte order mark off; false while they are too few to tell.
  bool begin();
};

}  // namespace cli
