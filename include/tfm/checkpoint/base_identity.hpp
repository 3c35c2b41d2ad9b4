#pragma once
// BaseIdentity: by what a checkpoint is known again, wherever it lies and whatever it is called.
#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

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
inline std::string hash_of(const TensorStore& store) {
  constexpr Index pieces = 16, piece = 4096;
  std::vector<const Tensor*> tensors;
  for (const Tensor& tensor : store.tensors()) tensors.push_back(&tensor);
  std::sort(tensors.begin(), tensors.end(), [](const Tensor* a, const Tensor* b) { return a->name < b->name; });
  Sha256 hash;
  for (const Tensor* const tensor : tensors) {
    hash.add_text(tensor->name).add_text(std::string(name(tensor->type)));
    for (const Index size : tensor->shape) hash.add_number(size);
    const auto bytes = static_cast<Index>(tensor->bytes.size());
    if (bytes <= pieces * piece) {
      hash.add(tensor->bytes);
    } else {
      for (Index i = 0; i < pieces; ++i)
        hash.add(tensor->bytes.subspan(to_size((bytes - piece) / (pieces - 1) * i), to_size(piece)));
    }
  }
  return hash.digits();
}

inline std::string hash_of(const AnyTokenizer& tokenizer) {
  Sha256 hash;
  for (Index i = 0; i < tokenizer.size(); ++i) hash.add_text(tokenizer.piece(static_cast<Token>(i)));
  const SpecialTokens& special = tokenizer.special();
  for (const auto& token : {special.bos, special.eos, special.unknown, special.pad}) hash.add_number(token.value_or(-1));
  return hash.digits();
}

}  // namespace detail

/// The hash of a prompt's template, for BaseIdentity::prompt.
inline std::string prompt_hash(std::string_view text) { return Sha256().add(text).digits(); }

/// The same of a prompt for records.
inline std::string prompt_hash(const AlpacaPrompt& prompt) {
  return prompt_hash(prompt.prompt_input + '\0' + prompt.prompt_no_input + '\0' + prompt.response_split);
}

inline BaseIdentity base_identity(const OpenedCheckpoint& opened) {
  BaseIdentity identity;
  const std::filesystem::path path = std::filesystem::path(opened.file).lexically_normal();
  identity.name = (path.has_filename() ? path : path.parent_path()).filename().string();
  identity.base = detail::hash_of(opened.tensors);
  if (opened.tokenizer) identity.tokenizer = detail::hash_of(opened.tokenizer);
  if (!opened.jinja.empty()) identity.prompt = prompt_hash(opened.jinja);
  return identity;
}
/// The same of a checkpoint at `path`, of which little is read; `read_bin` as in LoadOptions. Errors as
/// open_checkpoint's.
inline BaseIdentity base_identity(const std::filesystem::path& path, const TensorReader& read_bin = {}) {
  return base_identity(open_checkpoint(path, read_bin));
}

}  // namespace tfm::inline TFM_ABI
