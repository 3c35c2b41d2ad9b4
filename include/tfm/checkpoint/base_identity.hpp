#pragma once
// BaseIdentity: by what a checkpoint is known again, wherever it lies and whatever it is called.
#include <filesystem>
#include <string>
#include <string_view>

#include "tfm/checkpoint/open_checkpoint.hpp"
#include "tfm/formats/sha256.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace tfm::inline TFM_ABI {

/// SHA-256 as hexadecimal digits; an empty one: not known.
struct BaseIdentity {
  std::string name;       ///< the file's or folder's, for messages; never compared
  std::string base;       ///< of the tensors
  std::string tokenizer;  ///< of its pieces and special tokens
  std::string prompt;     ///< of the chat template, or of the prompt's that was trained
};

namespace detail {

/// Of each tensor its name, type, shape, and sixteen pieces of 4 KiB, evenly spaced (all of it, where it is no longer):
/// whatever has been trained or converted differs in every one of them, and 7B are done in the time of a blink.
std::string hash_of(const TensorStore& store);

std::string hash_of(const AnyTokenizer& tokenizer);

}  // namespace detail

/// The hash of a prompt's template, for BaseIdentity::prompt.
inline std::string prompt_hash(std::string_view text) { return Sha256().add(text).digits(); }

/// The same of a prompt for records.
std::string prompt_hash(const AlpacaPrompt& prompt);

BaseIdentity base_identity(const OpenedCheckpoint& opened);
/// The same of a checkpoint at `path`, of which little is read; `read_bin` as in LoadOptions. Errors as
/// open_checkpoint's.
BaseIdentity base_identity(const std::filesystem::path& path, const TensorReader& read_bin = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/base_identity.inl"
#endif
