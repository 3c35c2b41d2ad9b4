#include "line_reader.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "terminal.hpp"
#include "tfm/core/error.hpp"
#include "tfm/text/encoding.hpp"

namespace cli {

bool LineReader::begin() {
  begun_ = ended_ || rest_.size() >= 4 || rest_.find('\n') != rest_.npos;
  if (!begun_) return false;
  if (const auto wide = tfm::wide_encoding(rest_); !wide.empty())
    tfm::raise<tfm::LoadError>({"tfm: standard input: found text in ", wide, ", expected UTF-8; iconv -f ", wide, " -t UTF-8 makes it so"});
  rest_.erase(0, rest_.size() - tfm::without_byte_order_mark(rest_).size());
  return true;
}

std::vector<std::string> LineReader::read() {
  std::vector<std::string> lines;
  const auto take = [&](std::string line) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(std::move(line));
  };
  while (lines.empty() && !ended_) {
    char block[65536];
    const ssize_t got = ::read(standard_input, block, sizeof block);
    if (got < 0 && errno == EINTR) tfm::raise(tfm::Stopped());
    if (got < 0) tfm::raise(tfm::LoadError("tfm: standard input: " + std::string(std::strerror(errno))));
    if (got == 0) {
      ended_ = true;
      if (!begun_) begin();
      if (!rest_.empty()) take(std::exchange(rest_, {}));
      break;
    }
    std::size_t searched = rest_.size(), from = 0;
    rest_.append(block, static_cast<std::size_t>(got));
    if (!begun_) {
      if (!begin()) continue;
      searched = 0;
    }
    for (std::size_t end; (end = rest_.find('\n', searched)) != std::string::npos; searched = from = end + 1)
      take(rest_.substr(from, end - from));
    rest_.erase(0, from);
  }
  return lines;
}

}  // namespace cli
