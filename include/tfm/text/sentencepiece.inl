// What sentencepiece.hpp declares.
#include <fstream>
#include <unordered_map>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::size_t SentencePieceTokenizer::total_bytes(const SentencePieceModel& model, const SentencePieceOptions& options) {
  std::size_t bytes = model.unknown_surface.size();
  for (const auto& piece : model.pieces) bytes += piece.text.size();
  for (const AddedToken& token : options.added) bytes += token.content.size();
  return bytes;
}

TFM_INLINE std::string_view SentencePieceTokenizer::as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TFM_INLINE std::string SentencePieceTokenizer::read_file(const std::filesystem::path& path) {
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

TFM_INLINE void SentencePieceTokenizer::spell(const SentencePieceModel& model, const SentencePieceModel::Piece& piece, std::string& bytes) {
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

TFM_INLINE auto SentencePieceTokenizer::load(const SentencePieceModel& model) -> Processor {
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto(write_sentencepiece_model(model));
  if (!status.ok()) {
    detail::sentencepiece_error(model.what, {"sentencepiece says: ", status.error_message()});
  }
  return processor;
}

TFM_INLINE SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceModel model, const SentencePieceOptions& options)
    : VocabularyTokenizer(Vocabulary(static_cast<Index>(model.pieces.size() + options.added.size()), total_bytes(model, options),
                                     std::string(model.what))),
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

TFM_INLINE void SentencePieceTokenizer::encode_stretch(const Processor& processor, std::string_view text, std::vector<Token>& out) const {
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

TFM_INLINE SentencePieceTokenizer::SentencePieceTokenizer(const std::filesystem::path& path, const SentencePieceOptions& options) : SentencePieceTokenizer(read_sentencepiece_model(read_file(path), path.string()), options) {}

TFM_INLINE SentencePieceTokenizer::SentencePieceTokenizer(std::span<const std::byte> file, std::string_view what, const SentencePieceOptions& options) : SentencePieceTokenizer(read_sentencepiece_model(as_text(file), what), options) {}

TFM_INLINE SentencePieceTokenizer::SentencePieceTokenizer(const SentencePieceTables& tables) : SentencePieceTokenizer(sentencepiece_model_of(tables)) {}

TFM_INLINE std::vector<Token> SentencePieceTokenizer::encode(std::span<const TextSegment> segments) const {
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

}  // namespace tfm::inline TFM_ABI
