#pragma once
// Options of a command line that the programs have in common, over CLI11, which costs seconds to compile.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "adapter_argument.hpp"
#include "exit_code.hpp"
#include "tfm/core/config.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/isa.hpp"

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

/// A whole word as a number; none where it is no number, or not one of T's.
template <class T>
std::optional<T> number_of(const std::string& word) {
  T value{};
  const char *const begin = word.data(), *const end = begin + word.size();
  if constexpr (std::is_integral_v<T>) {
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
  } else {
    char* stop = nullptr;
    value = static_cast<T>(std::strtod(begin, &stop));
    if (word.empty() || stop != end) return std::nullopt;
  }
  return value;
}

/// A number in a range that help does not spell out, and a message where its end is `most`, or further, neither.
template <class T>
CLI::Validator range(T least, T greatest) {
  const auto text = [](T number) {
    std::ostringstream out;
    out << number;
    return out.str();
  };
  const bool endless = static_cast<double>(greatest) >= static_cast<double>(most);
  const std::string kind = std::is_integral_v<T> ? "a whole number" : "a number";
  const std::string expected = kind + (endless ? " of at least " + text(least) : " from " + text(least) + " to " + text(greatest));
  CLI::Validator validator;
  validator.operation([=](std::string& word) {
    const std::optional<T> value = number_of<T>(word);
    if (value && *value >= least && *value <= greatest) return std::string();  // NaN is neither
    return "found '" + word + "', expected " + (endless && value && *value > greatest ? kind + " of at most " + text(greatest) : expected);
  });
  validator.description("");
  return validator;
}

inline void add_count(CLI::App& app, const std::string& flag, Index& value, Index least, const std::string& help) {
  app.add_option(flag, value, help)->type_name("N")->check(range(least, most))->capture_default_str();
}

/// A whole number of 64 bits.
inline void add_seed(CLI::App& app, std::optional<std::uint64_t>& seed, const std::string& help) {
  app.add_option("--seed", seed, help)->type_name("N")->check([](const std::string& word) {
    return number_of<std::uint64_t>(word) ? std::string() : "found '" + word + "', expected a whole number below 2^64";
  });
}

inline void add_overwrite(CLI::App& app, bool& overwrite) {
  app.add_flag("--overwrite", overwrite, "Write over what is there already; without it nothing is");
}

inline void add_threads(CLI::App& app, int& threads) {
  app.add_option("-t,--threads", threads, "Threads; 0: one for each core. Results do not depend on it")
      ->type_name("N")
      ->check(range(0, 1024))
      ->capture_default_str();
}

inline const std::map<std::string, tfm::Arithmetic> arithmetics{
    {"exact", tfm::Arithmetic::exact}, {"fast", tfm::Arithmetic::fast}, {"bf16", tfm::Arithmetic::bf16}};

/// `arithmetic`: a tfm::Arithmetic, or an optional one.
template <class Value>
void add_arithmetic(CLI::App& app, Value& arithmetic) {
  add_choice(app, "--arithmetic", arithmetic, arithmetics, "exact|fast|bf16",
             "exact: float32; fast (the default): 8-bit activations in products of\n"
             "quantised weights; bf16: fast, and bfloat16 products of float weights");
}

inline CLI::Option* add_adapters(CLI::App& app, std::vector<AdapterArgument>& adapters) {
  const auto parse = [&adapters](const CLI::results_t& words) {
    for (const std::string& word : words) adapters.push_back(parse_adapter(word));
    return true;
  };
  return app
      .add_option("-a,--adapter", parse, "A folder with an adapter of PEFT's; D=0.5: half of it. Several are applied as\ntheir weighted sum")
      ->type_name("D[=X]")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& text) { return text.empty() ? "it is empty" : ""; });
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

/// What to say of a word that a command does not take; empty: nothing better than that.
using Hint = std::string (*)(const CLI::App& command, const std::string& word);

/// The error of one line for words that were not expected.
inline std::string unexpected(const CLI::App& command, const std::string& word, Hint hint) {
  const std::string better = hint == nullptr ? "" : hint(command, word);
  const bool option = word.size() > 1 && word.front() == '-';
  return (option ? command.get_name() + " has no option " + word : "'" + word + "' is not expected") +
         (better.empty() ? "; " + command.get_parent()->get_name() + " " + command.get_name() + " --help tells what there is" : better);
}

/// Parses; an exit code where nothing is left to run: help was asked for, or something is wrong, and has been said.
inline std::optional<int> parse(CLI::App& app, int count, const char* const* words, Hint hint = nullptr) {
  const std::vector<CLI::App*> commands = app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
  bool known = count < 2 || words[1][0] == '-';
  std::string expected;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    known = known || commands[i]->get_name() == words[1];
    expected += (i == 0 ? "" : i + 1 < commands.size() ? ", " : " or ") + commands[i]->get_name();
  }
  if (!known) {
    std::cerr << "tfm: there is no command " << words[1] << ", expected " << expected << (hint == nullptr ? "" : hint(app, words[1])) << '\n';
    return usage;
  }
  app.failure_message([](const CLI::App*, const CLI::Error& error) { return std::string("tfm: ") + error.what() + "\n"; });
  try {
    app.parse(count, words);
  } catch (const CLI::ExtrasError& error) {
    for (const CLI::App* const command : app.get_subcommands()) {
      const std::vector<std::string> extras = command->remaining();
      if (extras.empty()) continue;
      const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string& word) { return word.starts_with('-'); });
      std::cerr << "tfm: " << unexpected(*command, option == extras.end() ? extras.front() : *option, hint) << '\n';
      return usage;
    }
    return app.exit(error), usage;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0 && app.get_subcommands().empty()) {
      std::cerr << "tfm: a command comes first, expected " << expected << "; " << app.get_name() << " --help tells more\n";
      return usage;
    }
    return app.exit(error) == 0 ? success : usage;
  }
  return std::nullopt;
}

}  // namespace cli
