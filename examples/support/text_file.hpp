#pragma once
// A text that a command is given by a file's name, or "-": standard input.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "notes.hpp"
#include "terminal.hpp"
#include "tfm/core/error.hpp"
#include "tfm/text/encoding.hpp"

namespace cli {

/// All of it, byte for byte, but for a byte order mark. A pipe's name will do. Errors: LoadError, for units of two or four bytes too; Stopped.
inline std::string read_text(const std::filesystem::path& path) {
  std::string text;
  if (path == "-") {
    text = read_all_input();
  } else {
    const auto refuse = [&] { tfm::raise(tfm::LoadError("tfm: cannot read " + path.string() + ": " + std::strerror(errno))); };
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) refuse();
    char block[65536];
    ssize_t got = 0;
    while ((got = ::read(file, block, sizeof block)) > 0) text.append(block, static_cast<std::size_t>(got));
    const int error = errno;
    ::close(file);
    if (errno = error; got < 0 && error == EINTR) tfm::raise(tfm::Stopped());
    if (got < 0) refuse();
  }
  const std::string name = path == "-" ? "standard input" : path.string();
  const std::size_t mark = text.size() - tfm::narrow_text(text, name).size();
  if (mark > 0) {
    text.erase(0, mark);
    tell_note(name + " begins with a byte order mark, which is left out");
  }
  return text;
}

/// As a text of one's own: without the line break that editors and echo put at its end.
inline std::string without_last_break(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace cli
