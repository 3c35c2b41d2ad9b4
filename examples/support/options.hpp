#pragma once
// Options of a command line that the programs have in common, over CLI11, which costs seconds to compile.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exit_code.hpp"
#include "tfm/core/config.hpp"
#include "tfm/core/index.hpp"

namespace cli {

using tfm::Index;

/// An option whose value is one of some names.
template <class T, class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, Value& value, const std::map<std::string, T>& choices,
                        const std::string& names, const std::string& help) {
  const auto parse = [&value, &choices](const CLI::results_t& words) {
    const auto found = choices.find(words.front());
    if (found != choices.end()) value = found->second;
    return found != choices.end();
  };
  CLI::Option* const option = app.add_option(flag, parse, help);
  option->type_name(names)->expected(1);
  option->check([&choices](const std::string& word) {
    std::string expected;
    for (const auto& [known, ignored] : choices) expected += (expected.empty() ? "" : ", ") + known;
    return choices.contains(word) ? std::string() : "found '" + word + "', expected one of " + expected;
  });
  return option;
}

inline void add_path(CLI::App& app, const std::string& flag, std::filesystem::path& path, const std::string& name,
              const std::string& help) {
  const auto parse = [&path](const CLI::results_t& words) {
    path = words.front();
    return !words.front().empty();
  };
  app.add_option(flag, parse, help)->type_name(name)->expected(1)->required();
}

inline constexpr Index most = Index{1} << 30;

/// A range that help does not spell out.
template <class T>
CLI::Validator range(T least, T greatest) {
  CLI::Validator validator = CLI::Range(least, greatest);
  validator.description("");
  return validator;
}

inline void add_count(CLI::App& app, const std::string& flag, Index& value, Index least, const std::string& help) {
  app.add_option(flag, value, help)->type_name("N")->check(range(least, most))->capture_default_str();
}

/// A whole number of 64 bits.
inline void add_seed(CLI::App& app, std::optional<std::uint64_t>& seed, const std::string& help) {
  app.add_option("--seed", seed, help)->type_name("N")->check([](const std::string& word) {
    std::uint64_t ignored = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), ignored);
    const bool whole = error == std::errc() && end == word.data() + word.size();
    return whole ? std::string() : "found '" + word + "', expected a whole number below 2^64";
  });
}

inline void add_json(CLI::App& app, bool& json) { app.add_flag("--json", json, "Results as JSON"); }

inline void add_any_base(CLI::App& app, bool& any_base) {
  app.add_flag("--any-base", any_base, "Take an adapter that was made for another base; a note tells");
}

/// What every program's command line has: one command, whose options count as they are given last, and a version.
inline void set_up(CLI::App& app, const std::string& footer) {
  app.footer(footer);
  app.require_subcommand(1);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.set_version_flag("--version", app.get_name() + " " + std::to_string(TFM_VERSION_MAJOR) + "." + std::to_string(TFM_VERSION_MINOR) + "." +
                                        std::to_string(TFM_VERSION_PATCH));
  app.get_formatter()->column_width(34);
}

/// Parses; an exit code where nothing is left to run: help was asked for, or something is wrong, and has been said.
inline std::optional<int> parse(CLI::App& app, int count, const char* const* words) {
  const std::vector<CLI::App*> commands = app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
  bool known = count < 2 || words[1][0] == '-';
  std::string expected;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    known = known || commands[i]->get_name() == words[1];
    expected += (i == 0 ? "" : i + 1 < commands.size() ? ", " : " or ") + commands[i]->get_name();
  }
  if (!known) {
    std::cerr << "tfm: there is no command " << words[1] << ", expected " << expected << '\n';
    return usage;
  }
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? success : usage;
  }
  return std::nullopt;
}

}  // namespace cli
