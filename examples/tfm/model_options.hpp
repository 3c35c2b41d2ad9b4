#pragma once
// Options that several commands of tfm share: the model, what it runs on, texts, and how an answer is chosen.
#include <map>
#include <string>

#include "arguments.hpp"
#include "support/options.hpp"
#include "tfm/numeric/format_table.hpp"

namespace cli {

inline const std::map<std::string, tfm::Format> cache_formats{
    {"f16", tfm::Format::f16}, {"f32", tfm::Format::f32}, {"q8_0", tfm::Format::q8_0}};

inline const std::map<std::string, tfm::Isa> isas = [] {
  std::map<std::string, tfm::Isa> all;
  for (int i = 0; i < tfm::isa_count; ++i) all[std::string(name(static_cast<tfm::Isa>(i)))] = static_cast<tfm::Isa>(i);
  return all;
}();

/// Those of this architecture, worst first.
inline std::string isa_names() {
  std::string names;
#define TFM_X(name, ...) names += names.empty() ? #name : ", " #name;
  TFM_ISAS_HERE(TFM_X)
#undef TFM_X
  return names;
}

inline void add_text(CLI::App& app, const std::string& flag, std::optional<std::string>& text, const std::string& help) {
  const auto parse = [&text](const CLI::results_t& words) {
    text = words.front();
    return true;
  };
  app.add_option(flag, parse, help)->type_name("TEXT")->expected(1);
}

inline CLI::Option* add_optional_path(CLI::App& app, const std::string& flag, std::filesystem::path& path, const std::string& type, const std::string& help) {
  const auto parse = [&path](const CLI::results_t& words) {
    path = words.front();
    return true;
  };
  return app.add_option(flag, parse, help)->type_name(type)->expected(1)->check([](const std::string& word) { return word.empty() ? "it is empty" : ""; });
}

/// The model, by --model or as the first word.
inline void add_model(CLI::App& app, std::filesystem::path& model) {
  add_optional_path(app, "-m,--model", model, "F", "A GGUF file, or a Hugging Face folder");
  add_optional_path(app, "MODEL", model, "", "The same as --model");
}

/// The model of a command that loads it.
inline void add_model(CLI::App& app, ModelArguments& model) {
  add_model(app, model.model);
  add_optional_path(app, "--packed", model.packed, "F",
                    "Keeps the packed weights in this file, as large as the model, and maps it at the\n"
                    "next start; made anew where the model's files have changed");
}

inline void add_text_source(CLI::App& app, TextArguments& text, const std::string& help) {
  add_text(app, "-p,--prompt", text.prompt, help);
  add_optional_path(app, "-f,--file", text.file, "T", "The same, out of a file; - is standard input");
}
inline void add_escapes(CLI::App& app, TextArguments& text) {
  app.add_flag_callback("-e,--escape", [&text] { text.escapes = true; }, "The default")->group("");  // llama.cpp's
  app.add_flag_callback("--no-escape", [&text] { text.escapes = false; },
                        "Texts given as options are as they are; otherwise \\n, \\t, \\r, \\\", \\', \\\\ and\n\\xHH stand for what they mean in them. In files and piped text they never do");
}

inline void add_running(CLI::App& app, ModelArguments& model) {
  app.option_defaults()->group("Running");
  add_threads(app, model.threads);
  add_count(app, "--chunk", model.chunk, 1, "Tokens that are read at once. Results do not depend on it");
  add_arithmetic(app, model.arithmetic);
  add_choice(app, "--isa", model.isa, isas, "NAME",
             "Instruction set, the best that the CPU has unless one is named:\n" + isa_names());
  add_choice(app, "--cache", model.cache, cache_formats, "f16|f32|q8_0",
             "What keys and values are kept in; f32 with --arithmetic exact, or else f16.\nq8_0 takes about half of f16's memory");
}

inline void add_context(CLI::App& app, ModelArguments& model) {
  app.add_option("-c,--context,--ctx-size", model.context,
                 "Tokens that fit into the context; 0: the model's own, at most " +
                     std::to_string(ModelArguments::default_context))
      ->type_name("N")
      ->check(range(Index{0}, most))
      ->capture_default_str();
}

/// A whole number of 64 bits, or -1, which is the same as none.
inline void add_random_seed(CLI::App& app, std::optional<std::uint64_t>& seed) {
  const auto parse = [&seed](const CLI::results_t& words) {
    seed = number_of<std::uint64_t>(words.front());
    return true;
  };
  app.add_option("-s,--seed", parse, "The same seed gives the same answer; -1, or none: a random one")->type_name("N")->expected(1)->check([](const std::string& word) {
    const bool good = word == "-1" || number_of<std::uint64_t>(word);
    return good ? std::string() : "found '" + word + "', expected a whole number below 2^64, or -1 for a random one";
  });
}

inline void add_max_tokens(CLI::App& app, Index& tokens) {
  app.add_option("-n,--max-tokens,--n-predict,--predict", tokens, "Tokens of an answer, at most; -1: until the context is full")
      ->type_name("N")
      ->capture_default_str()
      ->check([](const std::string& word) {
        const std::optional<Index> value = number_of<Index>(word);
        const bool good = value && (*value == AnswerArguments::until_full || (*value >= 1 && *value <= most));
        return good ? std::string() : "found '" + word + "', expected a whole number of at least 1, or -1: until the context is full";
      });
}

inline void add_answer(CLI::App& app, AnswerArguments& answer) {
  app.option_defaults()->group("The answer");
  constexpr double large = static_cast<double>(most);
  tfm::SamplerOptions& sampler = answer.sampler;
  const auto number = [&](const char* flag, float& value, double least, double greatest, const char* help) {
    app.add_option(flag, value, help)->type_name("X")->check(range(least, greatest))->capture_default_str();
  };
  number("--temperature,--temp", sampler.temperature, 0, large, "0: always the likeliest token; higher: more daring");
  app.add_option("--top-k", sampler.top_k, "Choose among the K likeliest tokens; 0: all")
      ->type_name("K")
      ->check(range(Index{0}, most))
      ->capture_default_str();
  number("--top-p", sampler.top_p, 0, 1,
         "Choose among the likeliest tokens that together reach this probability; 1: all,\n0: the likeliest alone");
  number("--min-p", sampler.min_p, 0, 1,
         "Leave out tokens below this fraction of the likeliest one's probability; 0: none");
  number("--repetition-penalty,--repeat-penalty", sampler.repetition_penalty, 0.001, large,
         "Above 1: tokens that were there before become less likely");
  add_random_seed(app, answer.seed);
  add_max_tokens(app, answer.max_tokens);
  app.add_flag("--ignore-eos", answer.ignore_eos, "Never draw the tokens that end a text by the model's word");
  const auto stop = [&answer](const CLI::results_t& words) {
    answer.stop = words;
    return true;
  };
  app.add_option("--stop", stop, "A text that ends the answer, and is no part of it; may be given several times")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& text) { return text.empty() ? "it is empty" : ""; });
}

}  // namespace cli
