#pragma once
// The expressions of the splitters that GGUF's tokenizer.ggml.pre names, and what else each name says.
// Facts of llama.cpp's table of pre-tokenizers, with the expressions that the models' own tokenizers have
// (docs/decisions/0020).
#include <array>
#include <span>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Expressions that cut a text one after another: each cuts every piece of the one before at the ends of its matches.
struct SplitterFacts {
  std::string_view name;
  std::array<std::string_view, 6> patterns;  ///< an empty one is none
};

namespace detail {
inline constexpr std::string_view gpt2_words =
    R"~('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)~";
inline constexpr std::string_view qwen2_words =
    R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\)~"
    R"~(S)|\s+)~";
inline constexpr std::string_view gpt4o_words =
    R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d))~"
    R"~(?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|')~"
    R"~(d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)~";
inline constexpr std::string_view deepseek_east_asian =
    R"~([\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+)~";
inline constexpr std::string_view han_and_kana =
    R"~([\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+)~";
inline constexpr std::string_view poro_words =
    R"~( ?[^(\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+)~";
inline constexpr std::string_view deepseek_v3_words =
    R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\)~"
    R"~(n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~";

inline constexpr std::array<SplitterFacts, 31> splitters{{
    {"llama3",
     {R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s)~"
      R"~(+(?!\S)|\s+)~"}},
    {"jais-2",
     {R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s)~"
      R"~({512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\)~"
      R"~(s{1,2}(?!\S)|\s{1})~"}},
    {"deepseek-llm",
     {R"~([\r\n])~",
      R"~(\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0)~"
      R"~(373\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A)~"
      R"~(-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B)~"
      R"~(-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\)~"
      R"~(u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\)~"
      R"~(u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u21)~"
      R"~(2D\u212F-\u2134\u2139\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE)~"
      R"~(\u2CF2\u2CF3\uA640-\uA66D\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\)~"
      R"~(uFB13-\uFB17\uFF21-\uFF3A\uFF41-\uFF5A\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80})~"
      R"~(-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+)~",
      R"~(\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+)~",
      R"~(\s+$)~",
      deepseek_east_asian,
      R"~(\p{N}+)~"}},
    {"deepseek-v3", {R"~(\p{N}{1,3})~", han_and_kana, deepseek_v3_words}},
    {"spark2_5",
     {R"~(\p{N}{1,3})~",
      han_and_kana,
      R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r)~"
      R"~(\n]|\s+(?!\S)|\s+)~",
      R"~(\p{N})~"}},
    {"youtu",
     {R"~([\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F)~"
      R"~(\uFE30-\uFE4F]+|[\u3105-\u312F]+|[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+)~",
      R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d))~"
      R"~(?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|')~"
      R"~(d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}},
    {"deepseek-coder", {R"~([\r\n])~", R"~(\s?\p{L}+)~", R"~(\s?\p{P}+)~", deepseek_east_asian, R"~(\p{N})~"}},
    {"falcon", {R"~([\p{P}\$\+<=>\^~\|`]+)~", gpt2_words, R"~(\p{N}+)~", R"~([0-9][0-9][0-9])~"}},
    {"starcoder", {R"~(\p{N})~", gpt2_words}},
    {"mpt", {gpt2_words}},
    {"qwen2", {qwen2_words}},
    {"qwen35",
     {R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r)~"
      R"~(\n]+|\s+(?!\S)|\s+)~"}},
    {"poro-chat", {poro_words}},
    {"viking", {poro_words, R"~(\p{N})~"}},
    {"tekken",
     {R"~([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p)~"
      R"~({Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|)~"
      R"~(\s+)~"}},
    {"chameleon",
     {R"~(<sentinel:[0-9]+>)~",
      R"~((IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z)~",
      R"~(([\t\n]|    |  ))~",
      R"~(\p{N})~",
      R"~([\p{P}!-/:-@\[-`{-~])~",
      gpt2_words}},
    {"gpt-4o", {gpt4o_words}},
    {"granite-embed-multi-97m",
     {R"~([^\r\n\p{L}\p{N}]?((?=[\p{L}\p{M}])([^a-z]))*((?=[\p{L}\p{M}])([^A-Z]))+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^)~"
      R"~(\r\n\p{L}\p{N}]?((?=[\p{L}\p{M}])([^a-z]))+((?=[\p{L}\p{M}])([^A-Z]))*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N)~"
      R"~(}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}},
    {"tiny_aya", {R"~(\d{1,3}(?=(?:\d{3})*\b))~", gpt4o_words}},
    {"kimi-k2",
     {R"~([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{)~"
      R"~(Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{L)~"
      R"~(l}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[)~"
      R"~(\r\n]+|\s+(?!\S)|\s+)~"}},
    {"superbpe", {R"~(\p{N}+)~", R"~((?=(\d{3})+(?!\d)))~"}},
    {"bailingmoe",
     {R"~('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)~"}},
    {"seed-coder",
     {R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\)~"
      R"~(S)|\s+)~"}},
    {"ufakzeka", {R"~([^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}},
    {"afmoe",
     {R"~(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))~",
      R"~([\u4E00-\u9FFF\u3400-\u4DBF\u8C48-\uFAFF\u3040-\u309F\u30A0-\u30FF\uFF65-\uFF9F\u2F00-\u2FDF\u0E40-\u0E7)~"
      R"~(F\u0E80-\u0EFF\u1780-\u17FF\u1000-\u109F\uAA60-\uAA7F\uA9E0-\uA9FF\uAC00-\uD7AF\u1100-\u11FF]+)~",
      R"~([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\)~"
      R"~(n]*|\s*[\r\n]+|\s+(?!\S)|\s+)~"}},
    {"laguna", {R"~([^\n]+|[\n]+)~", qwen2_words}},
    {"exaone-moe",
     {R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}])~"
      R"~(+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+)~"}},
    {"gemma4", {R"~([^\n]+|[\n]+)~"}},
    {"minicpm5",
     {R"~(\p{N}{1,3})~",
      R"~((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!)~"
      R"~(\S)|\s+)~"}},
    {"whitespace", {R"~(\S+)~"}},
    {"default", {R"~([\p{P}\$\+<=>\^~\|]+)~", gpt2_words, R"~(\p{N}+)~", R"~([0-9][0-9][0-9])~"}},
}};
}  // namespace detail

/// A name of tokenizer.ggml.pre: its splitter, and what the name says of the rest.
struct PreTokenizerFacts {
  std::string_view name, splitter;
  bool ignore_merges = false;  ///< a word that is a piece is that piece, whatever the merges make of it
  bool add_bos = false;        ///< where the file does not say
  bool characters = false;     ///< pieces are made of characters, not of bytes in GPT-2's alphabet; U+2581 is the space
  bool small_letters = false;  ///< texts are put into small letters, and white space is left out
  bool nfc = false;            ///< texts are put into NFC, as the models' tokenizer.json says and llama.cpp does not
};

namespace detail {
inline constexpr std::array<PreTokenizerFacts, 91> pre_tokenizers{{
    {.name = "default", .splitter = "default"},
    {.name = "minicpm5", .splitter = "minicpm5", .ignore_merges = true},
    {.name = "llama3", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "llama-v3", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "llama-bpe", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "falcon3", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "falcon-h1", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "pixtral", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "midm-2.0", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "lfm2", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "jina-v5-nano", .splitter = "llama3", .ignore_merges = true, .add_bos = true},
    {.name = "deepseek-llm", .splitter = "deepseek-llm"},
    {.name = "deepseek-coder", .splitter = "deepseek-coder"},
    {.name = "deepseek-v3", .splitter = "deepseek-v3"},
    {.name = "spark2_5", .splitter = "spark2_5"},
    {.name = "youtu", .splitter = "youtu", .ignore_merges = true},
    {.name = "falcon", .splitter = "falcon"},
    {.name = "mpt", .splitter = "mpt", .nfc = true},
    {.name = "starcoder", .splitter = "starcoder"},
    {.name = "gpt-2", .splitter = "mpt"},
    {.name = "phi-2", .splitter = "mpt"},
    {.name = "jina-es", .splitter = "mpt"},
    {.name = "jina-de", .splitter = "mpt"},
    {.name = "gigachat", .splitter = "mpt"},
    {.name = "jina-v2-es", .splitter = "mpt"},
    {.name = "jina-v2-de", .splitter = "mpt"},
    {.name = "a.x-4.0", .splitter = "mpt"},
    {.name = "mellum", .splitter = "mpt"},
    {.name = "modern-bert", .splitter = "mpt"},
    {.name = "jais-2", .splitter = "jais-2"},
    {.name = "gemma4", .splitter = "gemma4", .characters = true},
    {.name = "granite-embed-multi-311m", .splitter = "gemma4", .characters = true},
    {.name = "sarvam-moe", .splitter = "gemma4", .characters = true},
    {.name = "jina-v1-en", .splitter = "mpt"},
    {.name = "jina-v2-code", .splitter = "mpt"},
    {.name = "roberta-bpe", .splitter = "mpt"},
    {.name = "whitespace", .splitter = "whitespace", .characters = true, .small_letters = true},
    {.name = "refact", .splitter = "starcoder"},
    {.name = "command-r", .splitter = "starcoder", .nfc = true},
    {.name = "qwen2", .splitter = "qwen2", .nfc = true},
    {.name = "deepseek-r1-qwen", .splitter = "qwen2"},
    {.name = "kormo", .splitter = "qwen2"},
    {.name = "f2llmv2", .splitter = "qwen2", .nfc = true},
    {.name = "qwen35", .splitter = "qwen35", .nfc = true},
    {.name = "stablelm2", .splitter = "qwen2", .nfc = true},
    {.name = "olmo", .splitter = "mpt", .nfc = true},
    {.name = "dbrx", .splitter = "llama3"},
    {.name = "smaug-bpe", .splitter = "llama3"},
    {.name = "poro-chat", .splitter = "poro-chat"},
    {.name = "chatglm-bpe", .splitter = "llama3"},
    {.name = "glm4", .splitter = "llama3", .ignore_merges = true},
    {.name = "glm5", .splitter = "llama3", .ignore_merges = true},
    {.name = "viking", .splitter = "viking"},
    {.name = "jais", .splitter = "mpt"},
    {.name = "tekken", .splitter = "tekken", .ignore_merges = true, .add_bos = true},
    {.name = "smollm", .splitter = "starcoder"},
    {.name = "codeshell", .splitter = "starcoder"},
    {.name = "bloom", .splitter = "poro-chat"},
    {.name = "gpt3-finnish", .splitter = "poro-chat"},
    {.name = "exaone", .splitter = "starcoder"},
    {.name = "exaone4", .splitter = "mpt"},
    {.name = "exaone-moe", .splitter = "exaone-moe"},
    {.name = "chameleon", .splitter = "chameleon", .add_bos = true},
    {.name = "minerva-7b", .splitter = "starcoder"},
    {.name = "megrez", .splitter = "qwen2"},
    {.name = "gpt-4o", .splitter = "gpt-4o"},
    {.name = "llama4", .splitter = "gpt-4o"},
    {.name = "kanana2", .splitter = "gpt-4o"},
    {.name = "talkie", .splitter = "gpt-4o"},
    {.name = "granite-embed-multi-97m", .splitter = "granite-embed-multi-97m", .ignore_merges = true},
    {.name = "tiny_aya", .splitter = "tiny_aya"},
    {.name = "cohere2moe", .splitter = "tiny_aya"},
    {.name = "superbpe", .splitter = "superbpe"},
    {.name = "trillion", .splitter = "mpt"},
    {.name = "granite-docling", .splitter = "mpt"},
    {.name = "bailingmoe", .splitter = "bailingmoe"},
    {.name = "bailingmoe2", .splitter = "bailingmoe"},
    {.name = "llada-moe", .splitter = "bailingmoe"},
    {.name = "seed-coder", .splitter = "seed-coder"},
    {.name = "hunyuan", .splitter = "qwen2"},
    {.name = "hunyuan-dense", .splitter = "deepseek-v3"},
    {.name = "hy_v4", .splitter = "deepseek-v3"},
    {.name = "joyai-llm", .splitter = "deepseek-v3"},
    {.name = "kimi-k2", .splitter = "kimi-k2"},
    {.name = "ufakzeka", .splitter = "ufakzeka"},
    {.name = "grok-2", .splitter = "qwen2"},
    {.name = "afmoe", .splitter = "afmoe"},
    {.name = "laguna", .splitter = "laguna"},
    {.name = "minimax-m2", .splitter = "gpt-4o"},
    {.name = "solar-open", .splitter = "qwen2"},
    {.name = "mellum2", .splitter = "starcoder"},
}};
}  // namespace detail

/// The patterns of a splitter, or what a name of tokenizer.ggml.pre stands for; null where there is none.
constexpr const SplitterFacts* splitter_named(std::string_view name) noexcept {
  for (const SplitterFacts& each : detail::splitters)
    if (each.name == name) return &each;
  return nullptr;
}
constexpr const PreTokenizerFacts* pre_tokenizer_facts(std::string_view name) noexcept {
  for (const PreTokenizerFacts& each : detail::pre_tokenizers)
    if (each.name == name) return &each;
  return nullptr;
}

}  // namespace tfm::inline TFM_ABI
