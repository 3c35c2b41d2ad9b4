#pragma once
// SentencePieceTokenizer: LLaMA's tokenizer, over the sentencepiece library (Kudo and Richardson 2018): from a
// tokenizer.model, or from the tables of a GGUF vocabulary of kind "llama".
#include <sentencepiece_processor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
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
class SentencePieceTokenizer {
  Vocabulary vocabulary_;
  using Processor = std::unique_ptr<const sentencepiece::SentencePieceProcessor>;
  Processor processor_;
  Processor bare_;  // the same without a space in front; null: processor_ is for every stretch of text
  MarkerSplitter user_markers_, markers_;
  Token pieces_ = 0;  // that the library knows by our numbers

  static std::size_t total_bytes(const SentencePieceModel& model, const SentencePieceOptions& options) {
    std::size_t bytes = model.unknown_surface.size();
    for (const auto& piece : model.pieces) bytes += piece.text.size();
    for (const AddedToken& token : options.added) bytes += token.content.size();
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

  static Processor load(const SentencePieceModel& model) {
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    const auto status = processor->LoadFromSerializedProto(write_sentencepiece_model(model));
    if (!status.ok()) {
      detail::sentencepiece_error(model.what, {"sentencepiece says: ", status.error_message()});
    }
    return processor;
  }

  explicit SentencePieceTokenizer(SentencePieceModel model, const SentencePieceOptions& options = {})
      : vocabulary_(static_cast<Index>(model.pieces.size() + options.added.size()), total_bytes(model, options), std::string(model.what)),
        pieces_(static_cast<Token>(model.pieces.size())) {
    check_sentencepiece_model(model);
    model.add_dummy_prefix = model.add_dummy_prefix && options.add_space_prefix;
    std::unordered_map<std::string_view, const AddedToken*> added;
    for (const AddedToken& token : options.added) added.emplace(token.content, &token);
    const auto added_as = [&](std::string_view piece) {
      const auto found = added.find(piece);
      return found == added.end() ? nullptr : found->second;
    };
    std::string bytes;
    for (auto& piece : model.pieces) {
      if (piece.nameless) {
        vocabulary_.add_nameless();
        continue;
      }
      const bool text = piece.type == TokenType::normal || piece.type == TokenType::user_defined || piece.type == TokenType::unused;
      const AddedToken* const as = text ? added_as(piece.text) : nullptr;
      if (as != nullptr && as->type() == TokenType::control) piece.type = TokenType::control;
      spell(model, piece, bytes);
      if (vocabulary_.add(piece.text, bytes, piece.type)) continue;
      detail::sentencepiece_error(model.what, {"piece ", vocabulary_.size() - 1, ", '", piece.text.substr(0, 40), "', is there twice"});
    }
    for (const AddedToken& token : options.added)
      if (!token.content.empty() && vocabulary_.size() < options.most_tokens && !vocabulary_.find(token.content))
        vocabulary_.add(token.content, token.content, token.type());
    const bool extended = vocabulary_.size() > pieces_, once = extended && options.space_at_the_beginning_alone;
    model.remove_extra_whitespaces = model.remove_extra_whitespaces && !once;
    vocabulary_.set_special(model.special);
    vocabulary_.set_leading_space(model.remove_extra_whitespaces ? LeadingSpace::drop_all
                                  : model.add_dummy_prefix      ? LeadingSpace::drop_one
                                                                : LeadingSpace::keep);
    user_markers_ = MarkerSplitter(vocabulary_, [&](Token token) {
      return !vocabulary_.is_control(token) && vocabulary_.type(token) != TokenType::unknown && added_as(vocabulary_.piece(token)) != nullptr;
    });
    markers_ = MarkerSplitter(vocabulary_, [&](Token token) {
      const TokenType type = vocabulary_.type(token);
      return type == TokenType::control || ((extended || type != TokenType::unknown) && added_as(vocabulary_.piece(token)) != nullptr);
    });
    for (const AddedToken& token : options.added)
      if (const auto id = vocabulary_.find(token.content); id && !token.rule.plain()) user_markers_.set_rule(*id, token.rule), markers_.set_rule(*id, token.rule);
    processor_ = load(model);
    if (!once || !model.add_dummy_prefix) return;
    model.add_dummy_prefix = false;
    bare_ = load(model);
  }

  void encode_stretch(const Processor& processor, std::string_view text, std::vector<Token>& out) const {
    constexpr std::size_t most = std::size_t{1} << 28;
    if (text.size() > most) {
      raise<TokenizerError>({"tfm: a text of ", text.size(), " bytes is too long to encode at once"});
    }
    std::vector<int> ids;
    const auto status = processor->Encode(text, &ids);
    if (!status.ok()) {
      detail::sentencepiece_error(vocabulary_.what(), {"sentencepiece says: ", status.error_message()});
    }
    for (const int id : ids) out.push_back(id < pieces_ ? id : vocabulary_.special().unknown.value_or(0));
  }

 public:
  /// From a tokenizer.model. LoadError if it cannot be read or is no such file, TokenizerError if it cannot be used.
  explicit SentencePieceTokenizer(const std::filesystem::path& path, const SentencePieceOptions& options = {})
      : SentencePieceTokenizer(read_sentencepiece_model(read_file(path), path.string()), options) {}
  /// The same from the file's bytes, which are not kept.
  explicit SentencePieceTokenizer(std::span<const std::byte> file, std::string_view what = "tokenizer.model", const SentencePieceOptions& options = {})
      : SentencePieceTokenizer(read_sentencepiece_model(as_text(file), what), options) {}
  /// From a GGUF vocabulary; TokenizerError if it cannot be used. Where no id names the unknown piece, it is the first
  /// that has the type; all other pieces of that type are unused.
  explicit SentencePieceTokenizer(const SentencePieceTables& tables)
      : SentencePieceTokenizer(sentencepiece_model_of(tables)) {}

  /// Bytes that are no UTF-8 are encoded as U+FFFD, one by one.
  std::vector<Token> encode(std::span<const TextSegment> segments) const {
    std::vector<Token> out;
    bool behind = false;  // a marker
    split_segments(
        user_markers_, markers_, segments,
        [&](std::string_view stretch) {
          const bool bare = bare_ && (behind || stretch.starts_with(' ') || stretch.starts_with("\xE2\x96\x81"));
          encode_stretch(bare ? bare_ : processor_, stretch, out);
        },
        [&](Token token) {
          out.push_back(token);
          behind = true;
        });
    return out;
  }

  const Vocabulary& vocabulary() const noexcept { return vocabulary_; }
  Index size() const noexcept { return vocabulary_.size(); }
  /// The pieces of the model itself; added tokens follow them.
  Index model_size() const noexcept { return pieces_; }
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
