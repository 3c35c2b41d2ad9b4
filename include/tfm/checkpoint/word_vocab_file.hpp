#pragma once
// A WordVocab as a JSON file: {"type": "word_vocab", "reserved": ["<unk>", ...], "words": [...]}, words by rising id.
#include <filesystem>

#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/json_writer.hpp"
#include "tfm/text/word_vocab.hpp"

namespace tfm::inline TFM_ABI {

/// The file becomes the vocabulary, whole or not at all. LoadError if it cannot be written.
void save_word_vocab(const WordVocab& vocab, const std::filesystem::path& file);

/// What save_word_vocab wrote. LoadError if it cannot be read or is no such file, TokenizerError for words that make
/// no vocabulary.
WordVocab load_word_vocab(const std::filesystem::path& file);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/word_vocab_file.inl"
#endif
