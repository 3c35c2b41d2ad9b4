#pragma once
// History: the lines that were typed, kept in a file from one run to the next.
#include <filesystem>
#include <string>
#include <vector>

namespace cli {

/// Where it is kept: $XDG_STATE_HOME/tfm/history, or else ~/.local/state/tfm/history; empty where there is no home.
std::filesystem::path history_file();

/// Entries may have several lines; in the file each is one line. Several programs may use the file at once. A file that cannot be
/// read or written is no error: then lines are remembered for this run alone.
class History {
  std::filesystem::path file_;  // empty: none
  std::vector<std::string> entries_;

 public:
  static constexpr std::size_t most_entries = 1000, longest_entry = 16384;

  /// With the entries of the file, if there is one.
  explicit History(std::filesystem::path file = {});
  const std::vector<std::string>& entries() const noexcept { return entries_; }
  /// Adds to the entries, and to the file, what is not empty and no copy of the last one.
  void add(const std::string& entry);
};

}  // namespace cli
