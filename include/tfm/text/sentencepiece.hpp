#pragma once
// SentencePieceTokenizer: LLaMA's tokenizer, over the sentencepiece library (Kudo and Richardson 2018): from a
// tokenizer.model, or from the tables of a GGUF vocabulary of kind "llama".
#include <sentencepiece_processor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/added_tokens.hpp"
#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/sentencepiece_model.hpp"
#include "tfm/text/sentencepiece_tables.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// What configuration files say beside a tokenizer.model.
struct SentencePieceOptions {
  /// Those that the model has are markers from now on; the others follow its pieces, in this order, whatever number the file
  /// gives them: so transformers numbers them.
  std::span<const AddedToken> added{};
  Index most_tokens = std::numeric_limits<Token>::max() / 4;  ///< added tokens that would be beyond are left out
  /// Where tokens are added to the model, as transformers' LlamaTokenizer with legacy=False has it: a text that begins with a space
  /// gets no second one, text behind a marker gets none, and white space is left as it is, whatever the model says.
  bool space_at_the_beginning_alone = false;
  bool add_space_prefix = true;  ///< false: no space in front of a text, whatever the model says
};

/// A control token ends a stretch of text, and the stretch after it begins like a text, with the model's space in
/// front: so do llama.cpp, LLaMA 2's own code (which encodes turn by turn), and transformers for tokenizers with a prepending
/// normaliser (TinyLlama's); transformers with legacy=False writes that space at the very beginning alone, which
/// SentencePieceOptions::space_at_the_beginning_alone asks for.
class SentencePieceTokenizer : public VocabularyTokenizer {
  using Processor = std::unique_ptr<const sentencepiece::SentencePieceProcessor>;
  Processor processor_;
  Processor bare_;  // the same without a space in front; null: processor_ is for every stretch of text
  MarkerSplitter user_markers_, markers_;
  Token pieces_ = 0;  // that the library knows by our numbers

  static std::size_t total_bytes(const SentencePieceModel& model, const SentencePieceOptions& options);
  static std::string_view as_text(std::span<const std::byte> bytes);
  static std::string read_file(const std::filesystem::path& path);

  /// What a piece stands for inside a text.
  static void spell(const SentencePieceModel& model, const SentencePieceModel::Piece& piece, std::string& bytes);

  static Processor load(const SentencePieceModel& model);

  explicit SentencePieceTokenizer(SentencePieceModel model, const SentencePieceOptions& options = {});

  void encode_stretch(const Processor& processor, std::string_view text, std::vector<Token>& out) const;

 public:
  /// From a tokenizer.model. LoadError if it cannot be read or is no such file, TokenizerError if it cannot be used.
  explicit SentencePieceTokenizer(const std::filesystem::path& path, const SentencePieceOptions& options = {});
  /// The same from the file's bytes, which are not kept.
  explicit SentencePieceTokenizer(std::span<const std::byte> file, std::string_view what = "tokenizer.model", const SentencePieceOptions& options = {});
  /// From a GGUF vocabulary; TokenizerError if it cannot be used. Where no id names the unknown piece, it is the first
  /// that has the type; all other pieces of that type are unused.
  explicit SentencePieceTokenizer(const SentencePieceTables& tables);

  /// Bytes that are no UTF-8 are encoded as U+FFFD, one by one.
  std::vector<Token> encode(std::span<const TextSegment> segments) const;

  /// The pieces of the model itself; added tokens follow them.
  Index model_size() const noexcept { return pieces_; }
};

static_assert(Tokenizer<SentencePieceTokenizer>);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/sentencepiece.inl"
#endif
