#pragma once
// SentencePieceModel: what tfm uses of sentencepiece's model file (sentencepiece_model.proto): read, checked, written.
// The library aborts or reads out of bounds on some malformed models; what is written here has none of their traits.
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/git_lfs.hpp"
#include "tfm/core/index.hpp"
#include "tfm/text/charsmap.hpp"
#include "tfm/text/protobuf.hpp"
#include "tfm/text/utf8.hpp"
#include "tfm/text/vocabulary.hpp"

namespace tfm::inline TFM_ABI {

struct SentencePieceModel {
  enum class Kind : unsigned char { unigram = 1, bpe = 2 };
  struct Piece {
    std::string_view text;
    float score = 0;
    TokenType type = TokenType::normal;
    bool nameless = false;  // a GGUF vocabulary's empty piece, which no text becomes
  };

  std::vector<Piece> pieces{};
  Kind kind = Kind::unigram;
  bool byte_fallback = false;
  bool some_bytes_missing = false;         // a GGUF vocabulary has byte pieces, and not all: the others are unknown
  bool space_as_suffix = false;            // treat_whitespace_as_suffix
  bool add_dummy_prefix = true;            // a space in front of every text
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;          // a space is U+2581
  std::string_view charsmap{};             // normalisation rules
  std::string_view unknown_surface = " \xE2\x81\x87 ";
  SpecialTokens special{};
  std::string_view what = "tokenizer.model";  // the file's name, for messages
};

namespace detail {

inline constexpr std::size_t max_piece = 1024;          // bytes; the library's tries recurse once for each
inline constexpr std::size_t max_pieces = 1'000'000;
inline constexpr std::size_t max_nested = 64;           // user-defined pieces that begin with one another

[[noreturn, gnu::cold]] void sentencepiece_error(std::string_view what, std::initializer_list<TextPart> found);

/// The spelling of the tokens with a role: a model file names them so, and not by number.
struct RoleNames {
  std::string_view bos = "<s>", eos = "</s>", pad = "<pad>";
};

}  // namespace detail

/// The model in the bytes of a tokenizer.model; its texts are views into them, and `what` outlives it too. LoadError for
/// what is no protocol buffer, or a Git LFS pointer.
SentencePieceModel read_sentencepiece_model(std::string_view file, std::string_view what);

/// TokenizerError, or LoadError for normalisation rules, unless the library can load and use the model safely.
/// That no piece is there twice is for the Vocabulary to find.
void check_sentencepiece_model(const SentencePieceModel& model);

/// What a written model is for.
enum class SentencePieceUse : unsigned char {
  library,  ///< control pieces get names that no text becomes: the library looks characters up among them too, so that a control
            ///< piece of one character would be typed by typing it
  file,     ///< all pieces by their names, and which of them have a role, for others to read
};

/// The model as the library reads it, and nothing more. The library wants all bytes or none: those that the model lacks follow
/// its own pieces.
std::string write_sentencepiece_model(const SentencePieceModel& model, SentencePieceUse use = SentencePieceUse::library);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/sentencepiece_model.inl"
#endif
