// The parts of a tokenizer.json by themselves, and small whole ones, against Hugging Face's library.
#include "tfm/checkpoint/tokenizer_json_parts.hpp"

#include <algorithm>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/vocabularies.hpp"
#include "tfm/checkpoint/tokenizer_json.hpp"

using namespace tfm;
using tfm_test::error_of;

namespace {

using nlohmann::json;

std::optional<json> golden() {
  const auto file = tfm_test::require(tfm_test::golden() / "tokenizer_parts.json");
  return file ? std::optional(tfm_test::read_json(*file)) : std::nullopt;
}
JsonDocument document(const char* part, const json& config) {
  return JsonDocument(json{{part, config}}.dump(), "here");
}

/// The words as the library shows them: [text, from, to].
std::vector<std::string> words_of(const PreTokenizer& pre_tokenizer, bool bytes, const std::string& text) {
  PreTokenizer::Workspace work;
  std::vector<std::string> all;
  pre_tokenize(pre_tokenizer, text, work, [&](std::string_view word) {
    std::string& out = all.emplace_back(bytes ? "" : word);
    for (const char c : bytes ? word : std::string_view())
      append_utf8(out, byte_alphabet[static_cast<unsigned char>(c)]);
  });
  return all;
}

std::string decode(const TokenizerDecoder& decoder, const std::vector<std::string>& tokens) {
  Utf8Stream stream;
  std::string out;
  bool first = true;  // until there is a token that stands for something
  for (const std::string& token : tokens) {
    stream.push(decoder.spell(token, first), out, decoder.invalid());
    first = first && decoder.spell(token, false).empty();
  }
  stream.flush(out, decoder.invalid());
  return out;
}

}  // namespace

TEST_CASE("tokenizer.json: normalizers of the goldens") {
  const auto all = golden();
  if (!all) return;
  for (const json& row : all->at("normalizers")) {
    const JsonDocument config = document("normalizer", row.at("config"));
    const Normalizer normalizer = detail::read_normalizer(config.root());
    for (std::size_t i = 0; i < all->at("texts").size(); ++i) {
      std::string text = all->at("texts")[i];
      CAPTURE(row.at("config").dump(), text);
      normalizer.apply(text);
      CHECK(text == row.at("out")[i].get<std::string>());
    }
  }
}

TEST_CASE("tokenizer.json: sentencepiece's compiled rules, of the goldens") {
  const auto all = golden();
  const auto file = tfm_test::require(tfm_test::shared() / "golden/data/hf_tokenizers/t5-small/tokenizer.json");
  if (!all || !file) return;
  const json whole = tfm_test::read_json(*file);
  const JsonDocument config = document("normalizer", whole.at("normalizer"));
  const Normalizer normalizer = detail::read_normalizer(config.root());
  for (const json& row : all->at("precompiled")) {
    std::string text = row.at("text");
    CAPTURE(text);
    normalizer.apply(text);
    CHECK(text == row.at("out").get<std::string>());
  }
}

TEST_CASE("tokenizer.json: pre-tokenizers of the goldens") {
  const auto all = golden();
  if (!all) return;
  int refused = 0;
  for (const json& row : all->at("pre_tokenizers")) {
    const JsonDocument config = document("pre_tokenizer", row.at("config"));
    bool bytes = false;
    if (row.at("config").at("type") == "UnicodeScripts") {
      ++refused;
      CHECK(error_of<LoadError>([&] { detail::read_pre_tokenizer(config.root(), bytes); }) ==
            "tfm: here: 'pre_tokenizer.type': found the string 'UnicodeScripts', which is not supported");
      continue;
    }
    const PreTokenizer pre_tokenizer = detail::read_pre_tokenizer(config.root(), bytes);
    for (std::size_t i = 0; i < all->at("texts").size(); ++i) {
      const std::string text = all->at("texts")[i];
      CAPTURE(row.at("config").dump(), text);
      std::vector<std::string> expected;
      for (const json& word : row.at("out")[i]) expected.push_back(word[0]);
      CHECK(words_of(pre_tokenizer, bytes, text) == expected);
    }
  }
  CHECK(refused == 1);
}

TEST_CASE("tokenizer.json: decoders of the goldens") {
  const auto all = golden();
  if (!all) return;
  for (const json& row : all->at("decoders")) {
    const JsonDocument config = document("decoder", row.at("config"));
    const std::string type = row.at("config").at("type");
    const bool regex = type == "Replace" && row.at("config").at("pattern").contains("Regex");
    if (type == "BPEDecoder" || type == "CTC" || type == "Strip" || regex) {
      const std::string message = error_of<LoadError>([&] { detail::read_decoder_part(config.root()); });
      CAPTURE(type, message);
      CHECK(message.starts_with("tfm: here: 'decoder"));
      CHECK(message.find("found the string '" + type + "'") != std::string::npos);
      continue;
    }
    const TokenizerDecoder decoder = detail::read_decoder_part(config.root());
    for (std::size_t i = 0; i < all->at("tokens").size(); ++i) {
      const auto tokens = all->at("tokens")[i].get<std::vector<std::string>>();
      std::string expected = row.at("out")[i];
      // The library makes U+FFFD of every byte of a run that holds one wrong byte, ours of the wrong ones alone.
      if (decoder.byte_fallback && tokens.size() > 6 && tokens[6] == "<0x41>")
        expected.replace(expected.size() - 3, 3, "A");
      CAPTURE(row.at("config").dump(), tokens);
      CHECK(decode(decoder, tokens) == expected);
    }
  }
}

TEST_CASE("tokenizer.json: small tokenizers of the goldens, and what of them is refused by name") {
  const auto all = golden();
  if (!all) return;
  int refused = 0;
  for (const json& row : all->at("toys")) {
    const json& model = row.at("config").at("model");
    const JsonDocument config(row.at("config").dump(), "here");
    const bool prefixed = model.at("type") == "BPE" && !(model.at("continuing_subword_prefix").is_null() &&
                                                         model.at("end_of_word_suffix").is_null());
    if (prefixed || model.at("type") == "WordLevel") {
      ++refused;
      const char* const part = !prefixed ? "'model.type': found the string 'WordLevel', expected 'BPE'"
                               : model.at("end_of_word_suffix").is_null()
                                   ? "'model.continuing_subword_prefix': found the string '##'"
                                   : "'decoder.type': found the string 'BPEDecoder'";
      CHECK(error_of<LoadError>([&] { read_tokenizer_json(config); }).starts_with(std::string("tfm: here: ") + part));
      continue;
    }
    const TokenizerJson read = read_tokenizer_json(config);
    const AnyTokenizer tokenizer = read.tokenizer;
    for (std::size_t i = 0; i < all->at("said").size(); ++i) {
      const std::string text = all->at("said")[i];
      const json& out = row.at("out")[i];
      CAPTURE(model.at("type"), text, row.at("config").at("added_tokens").dump());
      if (out.contains("error")) {
        CHECK_THROWS_AS(tokenizer.encode(TemplateText{text}), TokenizerError);
        continue;
      }
      const auto ids = tokenizer.encode(TemplateText{text});
      const JoinedTokens joined = read.post_processor(ids);
      CHECK(joined.tokens == out.at("ids").get<std::vector<Token>>());
      CHECK(joined.types == out.at("type_ids").get<std::vector<std::int32_t>>());
      if (out.contains("pair")) {
        const JoinedTokens pair = read.post_processor(ids, tokenizer.encode(TemplateText{"hi"}));
        CHECK(pair.tokens == out.at("pair").get<std::vector<Token>>());
        CHECK(pair.types == out.at("pair_type_ids").get<std::vector<std::int32_t>>());
      }
      const auto silent = [&](Token id) { return tokenizer.bytes(id).empty(); };
      if (std::none_of(joined.tokens.begin(), joined.tokens.end(), silent))
        CHECK(tokenizer.decode(joined.tokens) == out.at("decoded").get<std::string>());
    }
  }
  CHECK(refused == 3);
}
