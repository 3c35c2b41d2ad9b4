#include "history.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/terminal.hpp"

namespace cli {

namespace {

namespace fs = std::filesystem;

/// The file, locked, or nothing: not there, not ours, no ordinary file.
class LockedFile {
  int file_;

 public:
  LockedFile(const fs::path& path, int flags) : file_(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0600)) {
    struct stat what {};
    if (file_ < 0 || (::fstat(file_, &what) == 0 && S_ISREG(what.st_mode) && ::flock(file_, LOCK_EX) == 0)) return;
    ::close(std::exchange(file_, -1));
  }
  ~LockedFile() {
    if (file_ >= 0) ::close(file_);
  }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;
  explicit operator bool() const noexcept { return file_ >= 0; }

  /// None where it is larger than History would make it.
  std::optional<std::string> read() const {
    constexpr std::size_t most = (History::longest_entry * 2 + 1) * History::most_entries;
    std::string text;
    char block[65536];
    for (ssize_t got = 0; text.size() <= most && (got = ::read(file_, block, sizeof block)) > 0;) text.append(block, static_cast<std::size_t>(got));
    return text.size() <= most ? std::optional(text) : std::nullopt;
  }
  /// Behind what was read, or in place of all of it.
  void append(std::string_view text) const { write_all(file_, text); }
  void replace(std::string_view text) const {
    if (::lseek(file_, 0, SEEK_SET) == 0 && write_all(file_, text)) static_cast<void>(::ftruncate(file_, static_cast<off_t>(text.size())) == 0);
  }
  void make_private() const { static_cast<void>(::fchmod(file_, 0600) == 0); }
};

std::string one_line(const std::string& entry) {
  std::string line;
  for (const char c : entry) {
    if (c == '\\' || c == '\n') line += '\\';
    line += c == '\n' ? 'n' : c;
  }
  return line + '\n';
}
std::string entry_of(std::string_view line) {
  std::string entry;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escaped = line[i] == '\\' && i + 1 < line.size();
    const char c = escaped ? line[++i] : line[i];
    entry += escaped && c == 'n' ? '\n' : c;
  }
  return entry;
}

/// The last lines of a text, each with its line break.
std::vector<std::string_view> last_lines(std::string_view text, std::size_t most) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  if (lines.size() > most) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  return lines;
}

}  // namespace

fs::path history_file() {
  const auto folder = [](const char* variable) {
    const char* const value = std::getenv(variable);
    return fs::path(value != nullptr && *value == '/' ? value : "");
  };
  if (const fs::path state = folder("XDG_STATE_HOME"); !state.empty()) return state / "tfm/history";
  if (const fs::path home = folder("HOME"); !home.empty()) return home / ".local/state/tfm/history";
  return {};
}

History::History(fs::path file) : file_(std::move(file)) {
  if (file_.empty()) return;
  if (const LockedFile kept(file_, O_RDONLY); kept) {
    const std::string text = kept.read().value_or("");
    for (std::string_view line : last_lines(text, most_entries)) {
      if (line.ends_with('\n')) line.remove_suffix(1);
      if (!line.empty()) entries_.push_back(entry_of(line));
    }
  }
}

void History::add(const std::string& entry) {
  if (entry.empty() || (!entries_.empty() && entries_.back() == entry)) return;
  entries_.push_back(entry);
  if (file_.empty() || entry.size() > longest_entry) return;
  std::error_code ignored;
  fs::create_directories(file_.parent_path(), ignored);
  const LockedFile kept(file_, O_RDWR | O_CREAT);
  if (!kept) return;
  const std::optional<std::string> text = kept.read();
  if (!text) return;
  kept.make_private();
  const bool whole = text->empty() || text->ends_with('\n');
  const std::vector<std::string_view> lines = last_lines(*text, most_entries);
  if (lines.size() < most_entries && whole) return kept.append(one_line(entry));
  std::string all;
  for (std::size_t i = lines.size() < most_entries ? 0 : 1; i < lines.size(); ++i) all += lines[i];
  if (!whole) all += '\n';
  kept.replace(all + one_line(entry));
}

}  // namespace cli
