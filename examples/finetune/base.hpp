#pragma once
// The base model that adapters are trained for, and what belongs to it.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "arguments.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/core/context.hpp"
#include "tfm/generate/loaded.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace cli {

/// The template that records become prompts by, and the instruction that all records of a training had, if they had one.
struct RunPrompt {
  tfm::AlpacaPrompt prompt{};
  std::string instruction{};
};

struct Base {
  tfm::Loaded<tfm::AnyModel> loaded;
  tfm::BaseIdentity identity;  ///< its prompt is the one that was asked for
};

/// Loads it, with a progress bar if that takes long, and tells its notes. Errors: tfm::Error; Stopped after Ctrl-C.
Base open_base(const BaseArguments& arguments, const tfm::AlpacaPrompt& prompt);

/// Ctrl-C stops what runs in it.
tfm::Context context_of(const BaseArguments& arguments);

/// The adapter in a PEFT folder; its notes are told. Errors: LoadError, ShapeError; for one over another base, by name.
tfm::peft::LoadedAdapter load_adapter(const std::filesystem::path& folder, const Base& base, bool any_base);
tfm::Adapter open_adapter(const std::filesystem::path& folder, const Base& base, bool any_base);

/// The prompt of a template file, or else the one that run.json in an adapter's folder keeps, or else Alpaca's own.
RunPrompt prompt_of(const std::filesystem::path& file, const std::filesystem::path& adapter);

/// Seconds, from any beginning.
inline double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace cli
