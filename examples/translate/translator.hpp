#pragma once
// A trained translator: a folder with a model, its vocabularies and what it was trained for; and translating with it.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "arguments.hpp"
#include "support/heat_map.hpp"
#include "tfm/core/context.hpp"
#include "vocabularies.hpp"

namespace cli {

/// translation.json: what a folder holds beside the model.
struct TranslationFile {
  std::string preset;
  Index steps = 0;       ///< tokens of a sentence, at most
  std::string training;  ///< fingerprint of the pairs that it was trained on
  VocabularyFiles vocabularies;
};

/// Errors: LoadError for what cannot be written, or read.
void write_translation_file(const std::filesystem::path& folder, const TranslationFile& file);
TranslationFile read_translation_file(const std::filesystem::path& folder);

/// One way to say it.
struct Translation {
  std::string text;
  double score = 0, log_probability = 0;
  bool ended = true;
};

/// Who looks at whom while a sentence is translated: every layer and head.
struct AttentionMaps {
  picture::HeatMaps encoder, decoder_self, decoder_cross;
};

class Translator {
 public:
  /// Opens a folder. Errors: LoadError, ShapeError, TokenizerError for files that are missing, damaged or of another model.
  explicit Translator(const SearchArguments& arguments);
  ~Translator();
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;

  /// The n best translations of each of the sentences, which are normalised. Greedy ones (a beam of 1) have scores only
  /// if that is asked for: it takes time.
  std::vector<std::vector<Translation>> translate(const std::vector<std::string>& sentences, bool scores);
  /// The weights of attention in the encoder, and in the decoder as it goes along its own greedy translation. Only with
  /// weights in float32.
  AttentionMaps attention(const std::string& sentence);
  /// Sentences so far that were longer than the model's steps, and were cut.
  Index cut() const noexcept;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace cli
