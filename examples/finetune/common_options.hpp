#pragma once
// Options that several commands of finetune have, for the files that describe them.
#include <string>
#include <vector>

#include "arguments.hpp"
#include "support/options.hpp"

namespace cli {

void add_optional_path(CLI::App& app, const std::string& flag, std::filesystem::path& path, const std::string& name, const std::string& help);
/// The base, and how it computes.
void add_base(CLI::App& app, BaseArguments& base);
/// --template; `otherwise`: what is taken without it.
void add_prompt(CLI::App& app, std::filesystem::path& prompt, const std::string& otherwise);
/// A list, with commas between.
template <class Names>
void add_names(CLI::App& app, const std::string& flag, Names& names, const std::string& help) {
  app.add_option(flag, names, help)->type_name("A,B")->delimiter(',')->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}
/// --cutoff of what asks an adapter; the training's own, unless it is given.
void add_cutoff(CLI::App& app, std::optional<Index>& cutoff);

void describe(CLI::App& app, PredictArguments& predict);

}  // namespace cli
