#pragma once
// What to say of words on the command line that tfm does not take: what was probably meant.
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "habits.hpp"
#include "support/nearest.hpp"
#include "support/options.hpp"
#include "support/program.hpp"

namespace cli {

/// What is better than a word that was not expected, as the end of a sentence.
inline std::string hint(const CLI::App& command, const std::string& word) {
  if (command.get_parent() == nullptr) {
    if (const auto meant = foreign_command(word); !meant.empty()) return "; that is tfm " + std::string(meant) + " here";
    std::error_code unknown;
    return std::filesystem::exists(word, unknown) ? "; a command comes first, as in tfm chat " + word : "";
  }
  const std::string name = word.substr(0, word.find('='));
  if (!name.starts_with('-')) return command.get_option_no_throw("--prompt") != nullptr ? "; a text is given with --prompt" : "";
  if (const auto advice = foreign_option(name); !advice.empty()) return ": it " + std::string(advice);
  std::vector<std::string> known;
  for (const CLI::Option* const option : command.get_options())
    for (const std::string& long_name : option->get_lnames()) known.push_back("--" + long_name);
  if (const std::string near = nearest(name.starts_with("--") ? name : "-" + name, known); !near.empty()) return "; did you mean " + near + "?";
  for (const CLI::App* const other : command.get_parent()->get_subcommands({}))
    if (other->get_option_no_throw(name) != nullptr) return "; tfm " + other->get_name() + " has";
  return "";
}

/// Looks for options of other programs before CLI11 does, which would take "-ngl" for -n with "gl" behind it.
inline std::optional<int> refuse_habits(const CLI::App& app, int count, const char* const* words) {
  const CLI::App* command = nullptr;
  for (const CLI::App* const one : app.get_subcommands({}))
    if (count > 1 && one->get_name() == words[1]) command = one;
  for (int i = 2; command != nullptr && i < count; ++i) {
    const std::string word = words[i], name = word.substr(0, word.find('='));
    if (word == "--") break;
    if (const CLI::Option* const option = name.starts_with('-') ? command->get_option_no_throw(name) : nullptr) {
      if (name == word && option->get_items_expected_min() > 0) ++i;  // what follows is its value
      continue;
    }
    const bool long_name = name.size() > 2 && name[0] == '-' && name[1] != '-' && command->get_option_no_throw("-" + name) != nullptr;
    if (!long_name && foreign_option(name).empty()) continue;
    return fail(usage, unexpected(*command, word, hint));
  }
  return std::nullopt;
}

}  // namespace cli
