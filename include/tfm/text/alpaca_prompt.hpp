#pragma once
// The prompt of Stanford Alpaca (Taori et al. 2023), with and without an input, and the records that it is made from.
#include <string>
#include <string_view>
#include <vector>

#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// One example of instruction data. An empty input means that there is none.
struct AlpacaRecord {
  std::string instruction;
  std::string input{};
  std::string output{};
};

/// What stands before the first instruction, without and with an input.
inline constexpr std::string_view alpaca_preamble =
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.";
inline constexpr std::string_view alpaca_input_preamble =
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a "
    "response that appropriately completes the request.";

/// A prompt with places for a record's texts, as Alpaca-LoRA's template files have them. The default is Alpaca's own.
///   const std::string prompt = AlpacaPrompt()({.instruction = "Name three fruits."});
struct AlpacaPrompt {
  std::string prompt_input = std::string(alpaca_input_preamble) +
                             "\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n";
  std::string prompt_no_input = std::string(alpaca_preamble) + "\n\n### Instruction:\n{instruction}\n\n### Response:\n";
  std::string response_split = "### Response:";

  /// The prompt's parts: what the template says, and the record's texts in their places. They point into both.
  std::vector<TextSegment> segments(const AlpacaRecord& record) const;

  /// The prompt that the record's output continues. What looks like a place within a record's texts stays as it is.
  std::string operator()(const AlpacaRecord& record) const;

  /// The answer within a whole text, prompt and answer: what follows the first response_split and comes before another,
  /// without white space at its ends. \throws TemplateError where there is no response_split
  std::string response(std::string_view text) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/alpaca_prompt.inl"
#endif
