#pragma once
// The vocabularies of a translator: words of each language, or subwords of both.
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/text/tokenizer.hpp"
#include "tfm/train/data/translation.hpp"

namespace cli {

struct Vocabularies {
  tfm::AnyTokenizer source, target;
};

inline constexpr const char *words_of_source = "source_vocab.json", *words_of_target = "target_vocab.json", *subwords = "vocab.model";
inline constexpr const char* vocabulary_files[] = {words_of_source, words_of_target, subwords};

/// What files of a folder hold, by names and fingerprints, so that those of another model are noticed.
using VocabularyFiles = std::vector<std::pair<std::string, std::string>>;

/// Makes vocabularies of the pairs and writes them into the folder. `pieces`: subwords; 0: words that are there twice.
/// Errors: LoadError if a file cannot be written, OptionError for a number of pieces that the pairs do not give.
VocabularyFiles make_vocabularies(const std::vector<tfm::SentencePair>& pairs, tfm::Index pieces,
                                  const std::filesystem::path& folder);
/// Reads them again. Errors: LoadError for what cannot be read or is not what was written.
Vocabularies load_vocabularies(const std::filesystem::path& folder, const VocabularyFiles& files);

/// 64 bits of any text, in digits. Two texts that differ have, almost certainly, two of them.
std::string fingerprint(std::string_view text);

}  // namespace cli
