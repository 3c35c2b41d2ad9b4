#pragma once
// The base model that adapters are trained for, and what belongs to it.
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "arguments.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/core/context.hpp"
#include "tfm/generate/chat_rules.hpp"
#include "tfm/generate/loaded.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace cli {

/// The template that records become prompts by, and the instruction that all records of a training had, if they had one. Or, of
/// conversations, the chat template, and an instruction that is said in the system's turn.
struct RunPrompt {
  tfm::AlpacaPrompt prompt{};
  std::string instruction{};
  bool chat = false;            ///< it is the chat template
  std::string chat_template{};  ///< its name, or its source in Jinja; empty: the model's own

  /// What is asked by a line of input.
  tfm::AlpacaRecord record(const std::string& line) const {
    return instruction.empty() ? tfm::AlpacaRecord{line} : tfm::AlpacaRecord{instruction, line};
  }
};

struct Base {
  tfm::Loaded<tfm::AnyModel> loaded;
  tfm::BaseIdentity identity;  ///< its prompt is the one that was asked for
  RunPrompt prompt;            ///< which that is
  std::optional<tfm::ChatTemplate> chat_template{};  ///< none: the prompt is not of conversations

  /// The ids of a record's prompt. In a chat its instruction is the system's turn, where there is an input, and what is asked the user's.
  std::vector<tfm::Token> prompt_ids(const tfm::AlpacaRecord& record) const;
  /// What ends an answer.
  tfm::StopRules stops() const;
};

/// Loads it, with a progress bar if that takes long, and tells its notes; those of its chat template where that is used. Errors:
/// tfm::Error; Stopped after Ctrl-C.
Base open_base(const BaseArguments& arguments, const RunPrompt& prompt);

/// Ctrl-C stops what runs in it.
tfm::Context context_of(const BaseArguments& arguments);

/// The adapter in a PEFT folder; its notes are told. Errors: LoadError, ShapeError; for one over another base, by name.
tfm::peft::LoadedAdapter load_adapter(const std::filesystem::path& folder, const Base& base, bool any_base);
tfm::Adapter open_adapter(const std::filesystem::path& folder, const Base& base, bool any_base);

/// The prompt of a template file, or else the one that run.json in an adapter's folder keeps, or else Alpaca's own.
RunPrompt prompt_of(const std::filesystem::path& file, const std::filesystem::path& adapter);
/// That of conversations by a chat template: its name, or the file that holds it; empty: the model's own. Errors: LoadError.
RunPrompt chat_prompt(const std::string& chat_template);

/// Seconds, from any beginning.
inline double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace cli
