#pragma once
// What can be asked of the program: the options of each command, as plain values with their defaults.
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "support/adapter_argument.hpp"
#include "support/exit_code.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/generate/sampler.hpp"
#include "tfm/numeric/format_table.hpp"

namespace cli {

/// Which model, and what it runs on.
struct ModelArguments {
  std::filesystem::path model;
  std::filesystem::path packed;  ///< none: the weights are packed anew
  tfm::Index context = 0;          ///< 0: the model's, at most default_context
  tfm::Index chunk = 128;
  int threads = 0;  ///< 0: one for each core
  tfm::Arithmetic arithmetic = tfm::Arithmetic::fast;
  tfm::Isa isa = tfm::best_isa();
  std::optional<tfm::Format> cache;  ///< none: F32 with exact arithmetic, else F16

  static constexpr tfm::Index default_context = 4096;
};

/// How an answer is chosen, and what ends it.
struct AnswerArguments {
  tfm::SamplerOptions sampler;
  std::optional<std::uint64_t> seed;  ///< none: a random one
  tfm::Index max_tokens = 1024;       ///< or until_full
  std::vector<std::string> stop;
  bool ignore_eos = false;  ///< what ends a text by the model's word is never drawn

  static constexpr tfm::Index until_full = -1;  ///< as many tokens as the context holds
};

/// Where a text comes from: given, or in a file ("-": standard input), or else piped in.
struct TextArguments {
  std::optional<std::string> prompt;
  std::filesystem::path file;
  bool escapes = true;  ///< whether "\n" and the like stand for what they mean in what is given on the command line
};

struct ChatArguments {
  ModelArguments model;
  std::vector<AdapterArgument> adapters;
  bool any_base = false;  ///< adapters for another base too
  AnswerArguments answer;
  TextArguments text;
  std::optional<std::string> system;
  std::filesystem::path messages;  ///< the conversation so far; empty: none
  std::string chat_template;       ///< a name, or a file's; empty: the model's own
  bool slide = false, verbose = false, history = true;
};

struct CompleteArguments {
  ModelArguments model;
  std::vector<AdapterArgument> adapters;
  bool any_base = false;  ///< adapters for another base too
  AnswerArguments answer;
  TextArguments text;
  std::optional<std::vector<tfm::Token>> prompt_ids;
  bool plain = false, json = false;
};

struct InfoArguments {
  ModelArguments model;
  tfm::Index sequences = 1;
  bool json = false;
};

struct ConvertArguments {
  std::filesystem::path model, out;  ///< out: a GGUF file where it ends in .gguf, else a folder
  std::filesystem::path adapter;     ///< what is written in place of the model; empty: none
  std::optional<tfm::Format> type;   ///< of matrices; none: as they are
  tfm::Index shard_bytes = 0;        ///< 0: one file
  int threads = 0;
  bool overwrite = false, json = false;
};

struct TokenizeArguments {
  std::filesystem::path model;
  TextArguments text;
  bool bos = false, special = false, json = false;
};

struct DetokenizeArguments {
  std::filesystem::path model;
  TextArguments text;  ///< the numbers
  bool json = false;
};

struct PerplexityArguments {
  ModelArguments model;
  std::filesystem::path file;  ///< "-": standard input
  bool json = false;
};

struct BenchArguments {
  ModelArguments model;
  tfm::Index prompt = 512, generate = 128, depth = 0;
  int repetitions = 5;
  bool json = false;
};

struct ProveArguments {
  ModelArguments model;
  std::optional<tfm::Isa> isa;  ///< none: all that the CPU has
  std::string expected;         ///< empty: any hash will do
  bool json = false;
};

struct TemplateArguments {
  std::filesystem::path model, source;  ///< one of them is given; the source is a Jinja file's
  std::filesystem::path messages, tools;
  std::optional<std::string> bos, eos, now;
  std::vector<std::pair<std::string, std::string>> variables;
  bool generation_prompt = true, go_on = false;
};

using Arguments = std::variant<ChatArguments, CompleteArguments, InfoArguments, ConvertArguments, TokenizeArguments,
                               DetokenizeArguments, PerplexityArguments, BenchArguments, ProveArguments, TemplateArguments>;

/// The commands. Each returns the program's exit code; errors are thrown.
int run(const ChatArguments& arguments);
int run(const CompleteArguments& arguments);
int run(const InfoArguments& arguments);
int run(const ConvertArguments& arguments);
int run(const TokenizeArguments& arguments);
int run(const DetokenizeArguments& arguments);
int run(const PerplexityArguments& arguments);
int run(const BenchArguments& arguments);
int run(const ProveArguments& arguments);
int run(const TemplateArguments& arguments);

}  // namespace cli
