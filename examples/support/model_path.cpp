#include "model_path.hpp"

#include <algorithm>
#include <vector>

#include "notes.hpp"
#include "tfm/core/error.hpp"

namespace cli {

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

bool has(const fs::path& folder, const char* name) {
  std::error_code absent;
  return fs::exists(folder / name, absent);
}

/// The names in a folder that `wanted` takes, sorted; of folders with a '/' behind. Of a huge folder, those among its first entries.
template <class F>
Names names_in(const fs::path& folder, F&& wanted) {
  Names names;
  std::error_code absent;
  int left = 10'000;
  for (fs::directory_iterator entry(folder, absent), end; !absent && entry != end && left > 0; entry.increment(absent), --left) {
    std::error_code unknown;
    const bool is_folder = entry->is_directory(unknown);
    if (wanted(entry->path(), is_folder)) names.push_back(entry->path().filename().string() + (is_folder ? "/" : ""));
  }
  std::sort(names.begin(), names.end());
  return names;
}
Names ggufs_in(const fs::path& folder) {
  return names_in(folder, [](const fs::path& path, bool is_folder) { return !is_folder && path.extension() == ".gguf"; });
}

std::string listed(const Names& names) {
  constexpr std::size_t most = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " others";
  return text;
}

[[noreturn]] void refuse(const fs::path& path, const std::string& what) { tfm::raise(tfm::LoadError("tfm: " + path.string() + ": " + what)); }

[[noreturn]] void refuse_absent(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const std::string others = models_in(folder);
  refuse(path, "there is no such file or folder" + (others.empty() ? ": a model is a GGUF file or a Hugging Face folder on this computer, and no name of a registry's"
                                                                   : "; in " + folder.string() + " there are: " + others));
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  const Names all = names_in(folder, [](const fs::path& path, bool) { return !path.filename().string().starts_with('.'); });
  const std::string expected = "no model is in this folder, expected config.json with safetensors beside it, or a GGUF file; ";
  if (const std::string models = models_in(folder); !models.empty()) refuse(folder, expected + "folders of models in it: " + models);
  for (const std::string& name : all)  // the Hub's cache keeps them in "snapshots"
    if (const std::string below = name.ends_with('/') ? models_in(folder / name) : ""; !below.empty())
      refuse(folder, expected + "in " + name + " there are: " + below);
  refuse(folder, expected + (all.empty() ? "it is empty" : "there are: " + listed(all)));
}

}  // namespace

std::string models_in(const fs::path& folder) {
  return listed(names_in(folder, [](const fs::path& path, bool is_folder) { return is_folder ? has(path, "config.json") : path.extension() == ".gguf"; }));
}

fs::path model_at(const fs::path& path, bool vocabulary) {
  std::error_code absent;
  if (!fs::exists(path, absent)) {
    if (absent && absent != std::errc::no_such_file_or_directory && absent != std::errc::not_a_directory) refuse(path, absent.message());
    refuse_absent(path);
  }
  if (!fs::is_directory(path, absent) || has(path, "config.json")) return path;
  if (vocabulary && (has(path, "tokenizer.model") || has(path, "tokenizer.json"))) return path;
  const Names files = ggufs_in(path);
  if (files.empty()) refuse_folder(path);
  if (files.size() > 1) refuse(path, "there are several models in this folder, expected one: name " + listed(files));
  tell_note(path.string() + " is a folder without config.json: the GGUF file in it is taken, " + files.front());
  return path / files.front();
}

}  // namespace cli
