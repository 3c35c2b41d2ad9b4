#pragma once
// Writing tokenizer.json and tokenizer_config.json: a vocabulary in the words of Hugging Face's libraries.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/gguf_vocabulary.hpp"
#include "tfm/formats/json_text.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// The type that a token has in `tokenizer`, which was made of the vocabulary.
inline TokenType type_of(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, Token token) {
  if (tokenizer.is_control(token)) return TokenType::control;
  return vocabulary.types[to_size(token)] == static_cast<std::int32_t>(TokenType::user_defined) ? TokenType::user_defined : TokenType::normal;
}

/// Calls f(token, piece, special) for the tokens that are matched in a text as they are spelt.
template <class F>
void each_added_token(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, F&& f) {
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    const TokenType type = type_of(vocabulary, tokenizer, token);
    if (type != TokenType::normal && !piece.empty() && fit_for_json(piece) && tokenizer.find(piece) == token) f(token, piece, type == TokenType::control);
  }
}

inline std::string added_token_flags(std::string_view piece, bool special) {
  return "\"content\": " + json_string(piece) + ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, \"normalized\": false, \"special\": " +
         (special ? "true" : "false");
}

/// A post-processor that writes bos and eos where the tokenizer adds them.
inline std::string post_processor_text(const AnyTokenizer& tokenizer) {
  const SpecialTokens& special = tokenizer.special();
  const bool bos = special.add_bos && special.bos, eos = special.add_eos && special.eos;
  if (!bos && !eos) return "null";
  std::string tokens;
  const auto token = [&](Token id, int type) {
    return "{\"SpecialToken\": {\"id\": " + json_string(tokenizer.piece(id)) + ", \"type_id\": " + std::to_string(type) + "}}";
  };
  const auto around = [&](const char* text, int type) {
    return (bos ? token(*special.bos, type) + ", " : std::string()) + "{\"Sequence\": {\"id\": \"" + text + "\", \"type_id\": " + std::to_string(type) + "}}" +
           (eos ? ", " + token(*special.eos, type) : std::string());
  };
  const auto declare = [&](Token id) {
    const std::string piece = json_string(tokenizer.piece(id));
    tokens += (tokens.empty() ? "" : ", ") + piece + ": {\"id\": " + piece + ", \"ids\": [" + std::to_string(id) + "], \"tokens\": [" + piece + "]}";
  };
  if (bos) declare(*special.bos);
  if (eos && !(bos && special.eos == special.bos)) declare(*special.eos);
  return "{\"type\": \"TemplateProcessing\", \"single\": [" + around("A", 0) + "], \"pair\": [" + around("A", 0) + ", " + around("B", 1) +
         "], \"special_tokens\": {" + tokens + "}}";
}

/// A pre-tokenizer that cuts as the GGUF name's does, in as few words as there are.
inline std::string pre_tokenizer_text(std::string_view name) {
  const auto byte_level = [](bool words) {
    return std::string("{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": ") + (words ? "true}" : "false}");
  };
  const SplitterFacts& splitter = *splitter_named(pre_tokenizer_facts(name)->splitter);
  if (splitter.name == "mpt") return byte_level(true);
  std::string steps;
  if (splitter.name == "starcoder") {
    steps = "{\"type\": \"Digits\", \"individual_digits\": true}, " + byte_level(true);
  } else {
    for (const std::string_view pattern : splitter.patterns)
      if (!pattern.empty())
        steps += "{\"type\": \"Split\", \"pattern\": {\"Regex\": " + json_string(pattern) + "}, \"behavior\": \"Isolated\", \"invert\": false}, ";
    steps += byte_level(false);
  }
  return "{\"type\": \"Sequence\", \"pretokenizers\": [" + steps + "]}";
}

}  // namespace detail

/// tokenizer.json of a byte-level BPE, a line for each token and merge. A piece that is there twice, is empty or no UTF-8 has no line: no
/// text becomes it.
inline std::string tokenizer_json_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer) {
  const std::string byte_level = "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}";
  std::string text = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [";
  std::string between = "\n    ";
  const auto line = [&](const std::string& entry) {
    text += between + entry;
    between = ",\n    ";
  };
  detail::each_added_token(vocabulary, tokenizer, [&](Token token, std::string_view piece, bool special) {
    line("{\"id\": " + std::to_string(token) + ", " + detail::added_token_flags(piece, special) + "}");
  });
  text += "\n  ],\n  \"normalizer\": ";
  text += pre_tokenizer_facts(vocabulary.pre_tokenizer)->nfc ? "{\"type\": \"NFC\"}" : "null";
  text += ",\n  \"pre_tokenizer\": " + detail::pre_tokenizer_text(vocabulary.pre_tokenizer);
  text += ",\n  \"post_processor\": " + detail::post_processor_text(tokenizer) + ",\n  \"decoder\": " + byte_level;
  text += ",\n  \"model\": {\n    \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, "
          "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": ";
  text += pre_tokenizer_facts(vocabulary.pre_tokenizer)->ignore_merges ? "true" : "false";
  text += ",\n    \"vocab\": {";
  between = "\n    ";
  for (Token token = 0; token < tokenizer.size(); ++token) {
    const std::string_view piece = tokenizer.piece(token);
    if (!piece.empty() && detail::fit_for_json(piece) && tokenizer.find(piece) == token) line(json_string(piece) + ": " + std::to_string(token));
  }
  text += "\n    },\n    \"merges\": [";
  between = "\n    ";
  for (const std::string_view merge : vocabulary.merges) {
    const std::size_t space = merge.find(' ', 1);
    line("[" + json_string(merge.substr(0, space)) + ", " + json_string(merge.substr(space + 1)) + "]");
  }
  return text + "\n    ]\n  }\n}\n";
}

/// tokenizer_config.json of a GGUF vocabulary.
inline std::string tokenizer_config_text(const GgufVocabulary& vocabulary, const AnyTokenizer& tokenizer, const std::string& jinja) {
  const SpecialTokens& special = tokenizer.special();
  const bool sentencepiece = vocabulary.kind == "llama";
  std::string text = std::string("{\n  \"tokenizer_class\": \"") + (sentencepiece ? "LlamaTokenizer" : "PreTrainedTokenizerFast") + "\"";
  const auto add = [&](const char* key, const std::string& value) { text += std::string(",\n  \"") + key + "\": " + value; };
  const auto piece = [&](const char* key, const std::optional<Token>& token) {
    const bool sayable = token && !tokenizer.piece(*token).empty() && detail::fit_for_json(tokenizer.piece(*token));
    add(key, sayable ? json_string(tokenizer.piece(*token)) : "null");
  };
  piece("bos_token", special.bos), piece("eos_token", special.eos), piece("unk_token", special.unknown), piece("pad_token", special.pad);
  add("add_bos_token", special.add_bos ? "true" : "false");
  add("add_eos_token", special.add_eos ? "true" : "false");
  if (!sentencepiece) {
    std::string tokens, between = "{\n    ";
    detail::each_added_token(vocabulary, tokenizer, [&](Token token, std::string_view spelling, bool is_special) {
      tokens += between + "\"" + std::to_string(token) + "\": {" + detail::added_token_flags(spelling, is_special) + "}";
      between = ",\n    ";
    });
    if (!tokens.empty()) add("added_tokens_decoder", tokens + "\n  }");
    add("add_prefix_space", "false");
  }
  add("clean_up_tokenization_spaces", "false");
  if (!jinja.empty()) add("chat_template", json_string(jinja));
  return text + "\n}\n";
}

}  // namespace tfm::inline TFM_ABI
