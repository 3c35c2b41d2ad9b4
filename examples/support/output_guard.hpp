#pragma once
// What a command may write: never over what it reads, and over what is there already only where it was told to.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "exit_code.hpp"

namespace cli {

/// Something that a command reads, and what it is to the user: {"the base", "models/B"}. An empty path is none.
struct CommandInput {
  std::string_view what;
  std::filesystem::path path;
};

namespace detail {

/// One file or folder under two spellings: through links of either kind, "./", "..", capitals where the system takes them for small ones.
inline bool same_place(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code absent;
  return std::filesystem::equivalent(a, b, absent);
}

/// Also true of a link that leads nowhere, which writing would replace.
inline bool is_there(const std::filesystem::path& path) {
  std::error_code absent;
  return std::filesystem::exists(std::filesystem::symlink_status(path, absent));
}

[[noreturn]] inline void refuse_input(std::string_view option, const std::filesystem::path& out, std::string_view what) {
  throw UsageError(std::string(option) + " is " + std::string(what) + " itself: " + out.string() + "; choose another");
}

}  // namespace detail

/// Refuses to write the file `out`, which `option` names, over an input, whether or not --overwrite is given; and, without it, over
/// anything that is there. Errors: UsageError.
inline void guard_file(std::string_view option, const std::filesystem::path& out, const std::vector<CommandInput>& inputs, bool overwrite) {
  for (const CommandInput& input : inputs)
    if (!input.path.empty() && detail::same_place(out, input.path)) detail::refuse_input(option, out, input.what);
  if (!overwrite && detail::is_there(out))
    throw UsageError(out.string() + " is there already: give --overwrite, or another " + std::string(option));
}

/// Refuses a folder, which `option` names, that is an input, or in which one of `files` is an input or a file of an input's folder,
/// whether or not --overwrite is given. Errors: UsageError.
inline void guard_inputs(std::string_view option, const std::filesystem::path& folder, const std::vector<std::string>& files,
                         const std::vector<CommandInput>& inputs) {
  std::error_code absent;
  if (detail::is_there(folder) && !std::filesystem::is_directory(folder, absent))
    throw UsageError(std::string(option) + " is a file, expected a folder: " + folder.string());
  for (const CommandInput& input : inputs) {
    if (input.path.empty()) continue;
    if (detail::same_place(folder, input.path)) detail::refuse_input(option, folder, input.what);
    for (const std::string& file : files)
      if (detail::same_place(folder / file, input.path) || detail::same_place(folder / file, input.path / file))
        throw UsageError((folder / file).string() + " is a file of " + std::string(input.what) + ", " + input.path.string() + ": choose another " +
                         std::string(option));
  }
}

/// Refuses, unless `overwrite`, a folder in which one of `files` is there already. Errors: UsageError.
inline void guard_files(std::string_view option, const std::filesystem::path& folder, const std::vector<std::string>& files, bool overwrite) {
  const auto taken = std::find_if(files.begin(), files.end(), [&](const std::string& file) { return detail::is_there(folder / file); });
  if (!overwrite && taken != files.end())
    throw UsageError("there is something in " + folder.string() + " already (" + *taken + "): give --overwrite, or another " + std::string(option));
}

/// Refuses, unless `overwrite`, a folder in which there is anything but hidden files. Errors: UsageError.
inline void guard_empty(std::string_view option, const std::filesystem::path& folder, bool overwrite) {
  std::vector<std::string> files;
  std::error_code absent;
  for (std::filesystem::directory_iterator entry(folder, absent), end; !absent && entry != end; entry.increment(absent))
    if (std::string name = entry->path().filename().string(); name.front() != '.') files.push_back(std::move(name));
  std::sort(files.begin(), files.end());
  guard_files(option, folder, files, overwrite);
}

}  // namespace cli
