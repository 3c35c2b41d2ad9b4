// What sentencepiece_model.hpp declares.
#include <algorithm>
#include <bitset>
#include <cmath>
#include <cstdint>
#include <optional>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void sentencepiece_error(std::string_view what, std::initializer_list<TextPart> found) {
  raise<TokenizerError>({"tfm: ", what, ": ", joined(found)});
}

TFM_INLINE SentencePieceModel::Piece read_sentencepiece(ProtobufReader message, Index token, std::string_view what) {
  SentencePieceModel::Piece piece;
  while (message.next()) {
    switch (message.field) {
      case 1: piece.text = message.bytes(); break;
      case 2: piece.score = message.number(); break;
      case 3: piece.type = token_type(static_cast<std::int64_t>(message.integer()), token, what); break;
      default: message.skip();
    }
  }
  return piece;
}

TFM_INLINE void read_trainer_spec(ProtobufReader message, SentencePieceModel& model, RoleNames& names) {
  while (message.next()) {
    switch (message.field) {
      case 3: {
        const std::uint64_t kind = message.integer();
        if (kind != 1 && kind != 2) {
          sentencepiece_error(model.what, {"model type ", kind, " is not supported; known are: 1 (unigram), 2 (BPE)"});
        }
        model.kind = static_cast<SentencePieceModel::Kind>(kind);
        break;
      }
      case 24: model.space_as_suffix = message.boolean(); break;
      case 35: model.byte_fallback = message.boolean(); break;
      case 44: model.unknown_surface = message.bytes(); break;
      case 46: names.bos = message.bytes(); break;
      case 47: names.eos = message.bytes(); break;
      case 48: names.pad = message.bytes(); break;
      default: message.skip();
    }
  }
}

TFM_INLINE void read_normalizer_spec(ProtobufReader message, SentencePieceModel& model) {
  while (message.next()) {
    switch (message.field) {
      case 2: model.charsmap = message.bytes(); break;
      case 3: model.add_dummy_prefix = message.boolean(); break;
      case 4: model.remove_extra_whitespaces = message.boolean(); break;
      case 5: model.escape_whitespaces = message.boolean(); break;
      default: message.skip();
    }
  }
}

/// Gives the roles to the control pieces with those names.
TFM_INLINE void set_roles(SentencePieceModel& model, const RoleNames& names) {
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    auto& piece = model.pieces[i];
    const auto token = static_cast<Token>(i);
    piece.type = effective_type(piece.type, piece.text);
    if (piece.type == TokenType::unknown) model.special.unknown = token;
    if (piece.type != TokenType::control) continue;
    if (piece.text == names.bos) model.special.bos = token;
    if (piece.text == names.eos) model.special.eos = token;
    if (piece.text == names.pad) model.special.pad = token;
  }
  model.special.add_bos = model.special.bos.has_value();
}

/// How many user-defined pieces at most begin one text.
TFM_INLINE std::size_t nested_pieces(std::vector<std::string_view> pieces) {
  std::sort(pieces.begin(), pieces.end());
  std::vector<std::string_view> around;  // each begins with the one before it
  std::size_t most = 0;
  for (const std::string_view piece : pieces) {
    while (!around.empty() && !piece.starts_with(around.back())) around.pop_back();
    around.push_back(piece);
    most = std::max(most, around.size());
  }
  return most;
}

TFM_INLINE void check_piece(const SentencePieceModel::Piece& piece, Index token, std::string_view what) {
  const auto refuse = [&](std::initializer_list<TextPart> found) {
    sentencepiece_error(what, {"piece ", token, " ", joined(found)});
  };
  if (piece.nameless) return;
  if (piece.text.empty()) refuse({"is empty"});
  if (piece.text.size() > max_piece) {
    refuse({"has ", piece.text.size(), " bytes; expected at most ", max_piece});
  }
  if (piece.text.find('\0') != std::string_view::npos) refuse({"contains a zero byte"});
  if (!is_utf8(piece.text)) refuse({"is not UTF-8"});
  if (!std::isfinite(piece.score)) refuse({"has a score that is not finite"});
  if (piece.type == TokenType::byte && byte_of_piece(piece.text) < 0) {
    refuse({"is '", piece.text.substr(0, 40), "', of type byte; expected <0x00> to <0xFF>"});
  }
}

}  // namespace detail

TFM_INLINE SentencePieceModel read_sentencepiece_model(std::string_view file, std::string_view what) {
  if (is_lfs_pointer(file)) raise<LoadError>({"tfm: ", what, ": ", lfs_pointer_text(file)});
  SentencePieceModel model;
  model.what = what;
  detail::RoleNames names;
  for (ProtobufReader message(file, what); message.next();) {
    switch (message.field) {
      case 1:
        if (model.pieces.size() == detail::max_pieces) {
          detail::sentencepiece_error(what, {"more than ", detail::max_pieces, " pieces"});
        }
        model.pieces.push_back(
            detail::read_sentencepiece(message.message(), static_cast<Index>(model.pieces.size()), what));
        break;
      case 2: detail::read_trainer_spec(message.message(), model, names); break;
      case 3: detail::read_normalizer_spec(message.message(), model); break;
      case 5: {
        SentencePieceModel denormalizer;
        detail::read_normalizer_spec(message.message(), denormalizer);
        if (denormalizer.charsmap.empty()) break;
        detail::sentencepiece_error(what, {"denormalisation rules are not supported"});
      }
      default: message.skip();
    }
  }
  detail::set_roles(model, names);
  return model;
}

TFM_INLINE void check_sentencepiece_model(const SentencePieceModel& model) {
  const auto refuse = [&](std::initializer_list<TextPart> found) { detail::sentencepiece_error(model.what, found); };
  if (model.pieces.empty()) refuse({"no pieces"});
  if (model.pieces.size() > detail::max_pieces) {
    refuse({model.pieces.size(), " pieces; expected at most ", detail::max_pieces});
  }
  std::size_t unknown = 0;
  std::bitset<256> bytes;
  std::vector<std::string_view> user_defined;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& piece = model.pieces[i];
    detail::check_piece(piece, static_cast<Index>(i), model.what);
    if (piece.type == TokenType::unknown) ++unknown;
    if (piece.type == TokenType::byte) bytes.set(static_cast<std::size_t>(detail::byte_of_piece(piece.text)));
    if (piece.type == TokenType::user_defined) user_defined.push_back(piece.text);
  }
  if (unknown != 1) refuse({unknown, " pieces have type unknown; expected one"});
  const std::size_t expected_bytes = model.byte_fallback ? 256 : 0;
  if (bytes.count() != expected_bytes && !model.some_bytes_missing) {
    refuse({bytes.count(), " pieces of type byte; expected ", expected_bytes,
            model.byte_fallback ? " with byte fallback" : " without byte fallback"});
  }
  if (detail::nested_pieces(std::move(user_defined)) > detail::max_nested) {
    refuse({"more than ", detail::max_nested, " user-defined pieces begin with one another"});
  }
  if (model.unknown_surface.size() > detail::max_piece || !is_utf8(model.unknown_surface)) {
    refuse({"the text of the unknown piece is too long, or not UTF-8"});
  }
  check_charsmap(model.charsmap, model.what);
}

namespace detail {

/// The names of bytes that no piece of the model stands for.
TFM_INLINE std::vector<std::string> missing_bytes(const SentencePieceModel& model) {
  std::bitset<256> there;
  for (const auto& piece : model.pieces)
    if (piece.type == TokenType::byte) there.set(static_cast<std::size_t>(byte_of_piece(piece.text)));
  std::vector<std::string> names;
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (std::size_t byte = 0; byte < 256; ++byte)
    if (!there[byte]) names.push_back(std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">");
  return names;
}

}  // namespace detail

TFM_INLINE std::string write_sentencepiece_model(const SentencePieceModel& model, SentencePieceUse use) {
  std::string out, part;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    const auto& piece = model.pieces[i];
    const bool control = use == SentencePieceUse::library && piece.type == TokenType::control;
    part.clear();
    ProtobufWriter field(part);
    field.bytes(1, control || piece.nameless ? "<control " + std::to_string(i) + ">" : std::string(piece.text));
    field.number(2, piece.score);
    field.integer(3, static_cast<std::uint64_t>(piece.type));
    ProtobufWriter(out).bytes(1, part);
  }
  for (const std::string& name : model.some_bytes_missing ? detail::missing_bytes(model) : std::vector<std::string>()) {
    part.clear();
    ProtobufWriter field(part);
    field.bytes(1, name);
    field.integer(3, static_cast<std::uint64_t>(TokenType::byte));
    ProtobufWriter(out).bytes(1, part);
  }
  part.clear();
  ProtobufWriter trainer(part);
  trainer.integer(3, static_cast<std::uint64_t>(model.kind));
  trainer.integer(24, model.space_as_suffix);
  trainer.integer(35, model.byte_fallback);
  if (use == SentencePieceUse::file) {
    const std::optional<Token> roles[] = {model.special.unknown, model.special.bos, model.special.eos, model.special.pad};
    for (std::uint32_t i = 0; i < 4; ++i) {  // fields 40 to 43 are ids, -1 for none; 45 to 48 the pieces
      trainer.integer(40 + i, static_cast<std::uint64_t>(std::int64_t{roles[i].value_or(-1)}));
      if (roles[i]) trainer.bytes(45 + i, model.pieces[to_size(*roles[i])].text);
    }
  }
  ProtobufWriter(out).bytes(2, part);
  part.clear();
  ProtobufWriter normalizer(part);
  normalizer.bytes(2, model.charsmap);
  normalizer.integer(3, model.add_dummy_prefix);
  normalizer.integer(4, model.remove_extra_whitespaces);
  normalizer.integer(5, model.escape_whitespaces);
  ProtobufWriter(out).bytes(3, part);
  return out;
}

}  // namespace tfm::inline TFM_ABI
