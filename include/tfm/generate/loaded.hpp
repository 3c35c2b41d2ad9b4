#pragma once
// Loaded: what a checkpoint becomes: a model and all that it takes to talk to it.
#include <optional>
#include <string>
#include <vector>

#include "tfm/models/any_model.hpp"
#include "tfm/text/chat_template.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

template <class Model>
struct Loaded {
  Model model;
  AnyTokenizer tokenizer;                     ///< holds nothing where the checkpoint has none; a note says so
  std::optional<ChatTemplate> chat_template;  ///< none: the file's own is not known; a note says so
  std::vector<Token> stop_tokens;             ///< what ends a text by the checkpoint's word; the tokenizer's eos among them
  std::vector<std::string> notes;             ///< what a careful person would want to hear about this checkpoint
  std::vector<std::string> template_notes{};  ///< those of them that concern nobody who does not use the chat template
};

}  // namespace tfm::inline TFM_ABI
