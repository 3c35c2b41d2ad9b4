#pragma once
// SentencePieceTokenizer: LLaMA's tokenizer, over the sentencepiece library (Kudo and Richardson 2018): from a
// tokenizer.model, or from the tables of a GGUF vocabulary of kind "llama".
#include <sentencepiece_processor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/marker_splitter.hpp"
#include "tfm/text/sentencepiece_model.hpp"
#include "tfm/text/sentencepiece_tables.hpp"
#include "tfm/text/tokenizer.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

/// A control token ends a stretch of text, and the stretch after it begins like a text, with the model's space in
/// front: so do llama.cpp, LLaMA 2's own code (which encodes turn by turn), and transformers for tokenizers with a prepending
/// normaliser (TinyLlama's); transformers with legacy=False writes that space at the very beginning alone.
class SentencePieceTokenizer {
  Vocabulary vocabulary_;
  std::unique_ptr<const sentencepiece::SentencePieceProcessor> processor_;
  MarkerSplitter markers_;

  static std::size_t total_bytes(const SentencePieceModel& model) {
    std::size_t bytes = model.unknown_surface.size();
    for (const auto& piece : model.pieces) bytes += piece.text.size();
    return bytes;
  }
  static std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  static std::string read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!in || error) raise<LoadError>({"tfm: ", path.string(), ": cannot be read"});
    if (size > to_size(GiB)) {
      raise<LoadError>({"tfm: ", path.string(), ": ", size, " bytes are too many for a tokenizer"});
    }
    std::string bytes(static_cast<std::size_t>(size), '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(size));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    return bytes;
  }

  /// What a piece stands for inside a text.
  static void spell(const SentencePieceModel& model, const SentencePieceModel::Piece& piece, std::string& bytes) {
    bytes.clear();
    if (piece.type == TokenType::byte) {
      bytes.push_back(static_cast<char>(static_cast<unsigned char>(detail::byte_of_piece(piece.text))));
    } else if (piece.type == TokenType::unknown) {
      bytes = model.unknown_surface;
    } else {
      constexpr std::string_view space = "\xE2\x96\x81";  // U+2581
      for (std::size_t at = 0; at < piece.text.size();) {
        const bool is_space = piece.text.substr(at).starts_with(space);
        bytes.push_back(is_space ? ' ' : piece.text[at]);
        at += is_space ? space.size() : 1;
      }
    }
  }

  explicit SentencePieceTokenizer(const SentencePieceModel& model)
      : vocabulary_(static_cast<Index>(model.pieces.size()), total_bytes(model), std::string(model.what)) {
    check_sentencepiece_model(model);
    std::string bytes;
    for (const auto& piece : model.pieces) {
      spell(model, piece, bytes);
      if (vocabulary_.add(piece.text, bytes, piece.type)) continue;
      detail::sentencepiece_error(model.what, {"piece ", vocabulary_.size() - 1, ", '", piece.text.substr(0, 40), "', is there twice"});
    }
    vocabulary_.set_special(model.special);
    vocabulary_.set_leading_space(model.remove_extra_whitespaces ? LeadingSpace::drop_all
                                  : model.add_dummy_prefix      ? LeadingSpace::drop_one
                                                                : LeadingSpace::keep);
    markers_ = MarkerSplitter(vocabulary_, [](TokenType type) { return type == TokenType::control; });
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    const auto status = processor->LoadFromSerializedProto(write_sentencepiece_model(model));
    if (!status.ok()) {
      detail::sentencepiece_error(model.what, {"sentencepiece says: ", status.error_message()});
    }
    processor_ = std::move(processor);
  }

  void encode_stretch(std::string_view text, std::vector<Token>& out) const {
    if (text.empty()) return;
    constexpr std::size_t most = std::size_t{1} << 28;
    if (text.size() > most) {
      raise<TokenizerError>({"tfm: a text of ", text.size(), " bytes is too long to encode at once"});
    }
    std::vector<int> ids;
    const auto status = processor_->Encode(text, &ids);
    if (!status.ok()) {
      detail::sentencepiece_error(vocabulary_.what(), {"sentencepiece says: ", status.error_message()});
    }
    out.insert(out.end(), ids.begin(), ids.end());
  }

 public:
  /// From a tokenizer.model. LoadError if it cannot be read or is no such file, TokenizerError if it cannot be used.
  explicit SentencePieceTokenizer(const std::filesystem::path& path)
      : SentencePieceTokenizer(read_sentencepiece_model(read_file(path), path.string())) {}
  /// The same from the file's bytes, which are not kept.
  explicit SentencePieceTokenizer(std::span<const std::byte> file, std::string_view what = "tokenizer.model")
      : SentencePieceTokenizer(read_sentencepiece_model(as_text(file), what)) {}
  /// From a GGUF vocabulary; TokenizerError if it cannot be used. Where no id names the unknown piece, it is the first
  /// that has the type; all other pieces of that type are unused.
  explicit SentencePieceTokenizer(const SentencePieceTables& tables)
      : SentencePieceTokenizer(sentencepiece_model_of(tables)) {}

  /// Bytes that are no UTF-8 are encoded as U+FFFD, one by one.
  std::vector<Token> encode(std::span<const TextSegment> segments) const {
    std::vector<Token> out;
    std::string stretch;  // what has been read since the last control token, across segments
    const auto text = [&](std::string_view part) { stretch += part; };
    for (const TextSegment& segment : segments) {
      if (!segment.from_template) {
        text(segment.text);
        continue;
      }
      markers_.split(vocabulary_, segment.text, text, [&](Token token) {
        encode_stretch(std::exchange(stretch, std::string()), out);
        out.push_back(token);
      });
    }
    encode_stretch(stretch, out);
    return out;
  }

  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  Index size() const noexcept { return vocabulary_.size(); }
  const SpecialTokens& special() const noexcept { return vocabulary_.special(); }
  bool is_control(Token token) const { return vocabulary_.is_control(token); }
  std::string_view bytes(Token token) const { return vocabulary_.bytes(token); }
  std::string_view leading_bytes(Token token) const { return vocabulary_.leading_bytes(token); }
  bool trims_spaces() const noexcept { return vocabulary_.trims_spaces(); }
  std::string_view piece(Token token) const { return vocabulary_.piece(token); }
  std::optional<Token> find(std::string_view piece) const { return vocabulary_.find(piece); }
};

static_assert(Tokenizer<SentencePieceTokenizer>);

}  // namespace tfm::inline TFM_ABI
