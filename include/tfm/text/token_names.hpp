#pragma once
// What the names of a vocabulary's control tokens say where a file does not: which of them end an answer, and for which chat format
// they were made.
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/chat_format.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// What a token of this name ends.
enum class Ends : unsigned char { turn, text };

struct EndName {
  std::string_view name;
  Ends ends;
};

/// As models' vocabularies have them. A name that ends a turn has no other use. One that ends a text may begin one, too, or stand
/// for padding.
inline constexpr std::array<EndName, 26> end_names{{
    {"<|im_end|>", Ends::turn},                // ChatML
    {"<|eot_id|>", Ends::turn},                // Llama 3
    {"<|eom_id|>", Ends::turn},                // Llama 3, before a tool answers
    {"<|eot|>", Ends::turn},                   // Llama 4
    {"<|eom|>", Ends::turn},
    {"<|end|>", Ends::turn},                   // Phi 3; but see ends_by_name
    {"<|return|>", Ends::turn},                // Harmony
    {"<|call|>", Ends::turn},
    {"<|flush|>", Ends::turn},                 // Solar
    {"<|calls|>", Ends::turn},
    {"<end_of_turn>", Ends::turn},             // Gemma
    {"<turn|>", Ends::turn},
    {"<|end_of_turn|>", Ends::turn},           // OpenChat
    {"<|endofturn|>", Ends::turn},             // HyperCLOVA X, EXAONE
    {"[|endofturn|]", Ends::turn},
    {"<|END_OF_TURN_TOKEN|>", Ends::turn},     // Command R
    {"<end_of_utterance>", Ends::turn},        // SmolVLM
    {"<EOT>", Ends::turn},                     // Code Llama, and others
    {"_<EOT>", Ends::turn},
    {"[EOT]", Ends::turn},                     // Kimi
    {"[EOS]", Ends::text},
    {"</s>", Ends::text},                      // sentencepiece
    {"<eos>", Ends::text},
    {"<|endoftext|>", Ends::text},             // GPT-2
    {"<|end_of_text|>", Ends::text},           // Llama 3, Granite
    {"<\uff5cend\u2581of\u2581sentence\uff5c>", Ends::text},  // DeepSeek
}};

}  // namespace detail

/// The control tokens that end an answer by their names, besides those that a checkpoint says, in `said`. A token that ends texts, and
/// that the checkpoint gives another role (to begin a text, padding, what is unknown), is among them only where nothing else ends one.
std::vector<Token> ends_by_name(const AnyTokenizer& tokenizer, std::span<const Token> said);

/// A chat format, and the two tokens of the vocabulary by which it is known.
struct FormatByNames {
  ChatFormat format;
  std::pair<std::string_view, std::string_view> tokens;
};

/// The known chat format whose marks are control tokens of the vocabulary. Plain text and Alpaca's sections have none of their own, and
/// Llama 2's marks are text in its own vocabulary, but tokens in those of models that took its format over (Mistral).
std::optional<FormatByNames> chat_format_by_names(const AnyTokenizer& tokenizer);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/token_names.inl"
#endif
