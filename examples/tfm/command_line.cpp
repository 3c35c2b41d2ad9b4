// The commands, their options and their help.
#include "command_line.hpp"

#include <map>
#include <string>

#include "support/options.hpp"

namespace cli {

namespace {

using tfm::Index;

constexpr const char* about =
    "tfm runs LLaMA-family language models on the CPU: it talks, continues texts, and tells what a model file holds.";
constexpr const char* footer =
    R"(Examples:
  tfm chat --model model.gguf                       a conversation in the terminal
  tfm chat --model model.gguf --prompt 'Hello!'     one answer, on standard output
  tfm complete --model folder/ --prompt 'Once upon a time' --max-tokens 50
  tfm info --model model.gguf                       shape, formats, memory, tokenizer
  tfm COMMAND --help                                the options of a command, with examples

A model is a GGUF file (F32, F16, BF16, Q8_0, Q4_0, Q4_1) or a Hugging Face folder (config.json, safetensors,
tokenizer.model). Results go to standard output; progress, figures and errors to standard error.

Exit codes: 0 all went well; 1 an error, told on standard error; 2 the command line makes no sense;
130 interrupted with Ctrl-C.)";

constexpr const char* chat_footer =
    R"(In the terminal: /reset begins a new conversation, /quit or Ctrl-D leaves, /help tells more. Ctrl-C stops an
answer, not the program; arrow keys edit the line and bring back earlier ones.
With --prompt, or with text piped in, it answers once and exits: the answer alone on standard output.
--prompt wins over piped text.

Examples:
  tfm chat --model model.gguf --system 'You answer in one sentence.' --temperature 0.3
  tfm chat --model model.gguf --prompt 'Name three fruits.' --temperature 0 --max-tokens 60
  git log -5 | tfm chat --model model.gguf --seed 1 > summary.txt
  tfm chat --model base.gguf --template alpaca --overflow slide --context 2048
  tfm chat --model model.gguf --packed model.packed                  starts at once from the second time on
  tfm chat --model base.gguf --adapter tweets/ --adapter poems/=0    /wear poems changes to the other)";

constexpr const char* complete_footer =
    R"(The prompt is a template's text: control tokens that it spells out (<s>, <|im_end|>) become those tokens,
unless --plain is given. BOS is put in front where the tokenizer asks for it; an empty prompt is BOS alone.
Without --prompt, standard input is the prompt, byte for byte. The new text alone goes to standard output.
With --json: {"prompt_ids": [...], "ids": [...], "text": "..."}; ids and text are what is new, without the
token that ended it.

Examples:
  tfm complete --model model.gguf --prompt 'Once upon a time' --temperature 0 --max-tokens 100
  tfm complete --model model.gguf --prompt '' --seed 7 --json
  tfm complete --model folder/ --adapter lora/ --prompt 'Once' --json
  tfm complete --model folder/ --adapter one/=0.7 --adapter other/=0.3 --prompt 'Once'
  tfm complete --model model.gguf --stop . < beginning.txt)";

constexpr const char* info_footer =
    R"(Weights are not loaded: it takes a moment, whatever the file's size. Types that tfm does not compute with
are shown as such. Memory is for --context, --chunk, --threads, --cache and --sequences.

Examples:
  tfm info --model model.gguf --context 8192
  tfm info --model folder/ --json)";

constexpr const char* tokenize_footer =
    R"(Reads standard input byte for byte, the last newline included. Everything in it is text: what looks like a
control token (<s>, <|im_end|>) is not one, unless --special is given. No BOS is added, unless --bos is
given. A GGUF file may be of any architecture, and needs no tensors: the vocabulary alone is read.
With --json: {"ids": [...]}; otherwise a line for each token: its number and its piece.

Examples:
  printf 'Hello world' | tfm tokenize --model model.gguf
  tfm tokenize --model folder/ --bos --json < letter.txt)";

constexpr const char* perplexity_footer =
    R"(The file is text (no control tokens), cut into windows of --context tokens that do not overlap; the last one
may be shorter. Where the tokenizer adds BOS, each window begins with it and has one token of text less.
Each window is read alone, and every token of it but the first is predicted from those before it. The
perplexity is exp of the mean of -log p over all predicted tokens, whose number is "tokens".
With --json: {"perplexity": ..., "tokens": ...}.

Examples:
  tfm perplexity --model model.gguf --file wiki.test.raw --context 512
  tfm perplexity --model model.gguf --file letter.txt --arithmetic exact --json)";

constexpr const char* bench_footer =
    R"(Each figure is the median of --repetitions runs after one that does not count. Prefill: --prompt tokens are
read into an empty context. Decode: --generate tokens are evaluated one by one, after --depth others.
Loading: from opening the file to the packed model, the file in the system's cache; with --packed to the
mapped one, whose pages are then read by the first run, which does not count. Peak memory is the whole
program's, resident. Reading: the packed weights that decoding a token multiplies with, and the keys and
values of one token of the context. Layer parameters: what each token of a prompt is multiplied with, the
quantised ones among them told apart; output parameters: what gives the logits, of a prompt the last token's.
With --json: {"prefill_tokens_per_second", "decode_tokens_per_second", "load_seconds", "peak_memory_bytes",
"layer_parameters", "quantised_parameters", "output_parameters", "weight_bytes_per_token",
"cache_bytes_per_token"}.

Examples:
  tfm bench --model model.gguf --threads 2
  tfm bench --model model.gguf --threads 2 --prompt 512 --generate 128 --json)";

const std::map<std::string, tfm::Arithmetic> arithmetics{
    {"exact", tfm::Arithmetic::exact}, {"fast", tfm::Arithmetic::fast}, {"bf16", tfm::Arithmetic::bf16}};
const std::map<std::string, bool> overflows{{"error", false}, {"slide", true}};
const std::map<std::string, tfm::Format> cache_formats{
    {"f16", tfm::Format::f16}, {"f32", tfm::Format::f32}, {"q8_0", tfm::Format::q8_0}};

const std::map<std::string, tfm::Isa> isas = [] {
  std::map<std::string, tfm::Isa> all;
  for (int i = 0; i < tfm::isa_count; ++i) all[std::string(name(static_cast<tfm::Isa>(i)))] = static_cast<tfm::Isa>(i);
  return all;
}();

void add_text(CLI::App& app, const std::string& flag, std::optional<std::string>& text, const std::string& help) {
  const auto parse = [&text](const CLI::results_t& words) {
    text = words.front();
    return true;
  };
  app.add_option(flag, parse, help)->type_name("TEXT")->expected(1);
}

void add_model(CLI::App& app, std::filesystem::path& model) {
  add_path(app, "-m,--model", model, "F", "A GGUF file, or a Hugging Face folder");
}

/// The model of a command that loads it.
void add_model(CLI::App& app, ModelArguments& model) {
  add_model(app, model.model);
  const auto parse = [&model](const CLI::results_t& words) {
    model.packed = words.front();
    return !words.front().empty();
  };
  app.add_option("--packed", parse,
                 "Keeps the packed weights in this file, as large as the model, and maps it at the\n"
                 "next start; made anew where the model's files have changed")
      ->type_name("F")
      ->expected(1);
}

void add_adapters(CLI::App& app, std::vector<AdapterArgument>& adapters) {
  const auto parse = [&adapters](const CLI::results_t& words) {
    for (const std::string& word : words) adapters.push_back(parse_adapter(word));
    return true;
  };
  app.add_option("-a,--adapter", parse,
                 "A folder with an adapter of PEFT's to wear; D=0.5: half of it. Several are\nworn at once, as their weighted sum")
      ->type_name("D[=X]")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& text) { return text.empty() ? "it is empty" : ""; });
}

void add_threads(CLI::App& app, ModelArguments& model) {
  app.add_option("-t,--threads", model.threads, "Threads; 0: one for each core. Results do not depend on it")
      ->type_name("N")
      ->check(range(0, 1024))
      ->capture_default_str();
}

void add_running(CLI::App& app, ModelArguments& model) {
  app.option_defaults()->group("Running");
  add_threads(app, model);
  add_count(app, "--chunk", model.chunk, 1, "Tokens that are read at once. Results do not depend on it");
  add_choice(app, "--arithmetic", model.arithmetic, arithmetics, "exact|fast|bf16",
             "exact: float32; fast (the default): 8-bit activations in products of\n"
             "quantised weights; bf16: fast, and bfloat16 products of float weights");
  add_choice(app, "--isa", model.isa, isas, "NAME",
             "Instruction set, the best that the CPU has unless one is named:\n"
             "baseline, neon, avx2, avx512, avx512_vnni, avx512_bf16");
  add_choice(app, "--cache", model.cache, cache_formats, "f16|f32|q8_0",
             "What keys and values are kept in; f32 with --arithmetic exact, or else f16.\nq8_0 takes about half of f16's memory");
}

void add_context(CLI::App& app, ModelArguments& model) {
  app.add_option("-c,--context", model.context,
                 "Tokens that fit into the context; 0: the model's own, at most " +
                     std::to_string(ModelArguments::default_context))
      ->type_name("N")
      ->check(range(Index{0}, most))
      ->capture_default_str();
}

void add_answer(CLI::App& app, AnswerArguments& answer) {
  app.option_defaults()->group("The answer");
  constexpr double large = 1e6;
  tfm::SamplerOptions& sampler = answer.sampler;
  const auto number = [&](const char* flag, float& value, double least, double greatest, const char* help) {
    app.add_option(flag, value, help)->type_name("X")->check(range(least, greatest))->capture_default_str();
  };
  number("--temperature", sampler.temperature, 0, large, "0: always the likeliest token; higher: more daring");
  app.add_option("--top-k", sampler.top_k, "Choose among the K likeliest tokens; 0: all")
      ->type_name("K")
      ->check(range(Index{0}, most))
      ->capture_default_str();
  number("--top-p", sampler.top_p, 0, 1,
         "Choose among the likeliest tokens that together reach this probability; 1: all");
  number("--min-p", sampler.min_p, 0, 1,
         "Leave out tokens below this fraction of the likeliest one's probability; 0: none");
  number("--repetition-penalty", sampler.repetition_penalty, 0, large,
         "Above 1: tokens that were there before become less likely");
  add_seed(app, answer.seed, "The same seed gives the same answer; a random one, unless it is given");
  add_count(app, "-n,--max-tokens", answer.max_tokens, 0, "Tokens of an answer, at most");
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

void describe(CLI::App& app, ChatArguments& chat) {
  app.footer(chat_footer);
  add_model(app, chat.model);
  add_adapters(app, chat.adapters);
  add_any_base(app, chat.any_base);
  add_text(app, "-p,--prompt", chat.prompt, "Answer this and exit");
  add_text(app, "--system", chat.system, "The system prompt; the model's own, unless it is given");
  app.add_option("--template", chat.chat_template,
                 "How turns are written; as the model's file says, unless it is given")
      ->type_name("chatml|llama2|alpaca|plain")
      ->check(CLI::IsMember({"chatml", "llama2", "alpaca", "plain"}).description(""));
  add_choice(app, "--overflow", chat.slide, overflows, "error|slide",
             "When the context is full: say so (the default), or forget the oldest turns");
  app.add_flag("-v,--verbose", chat.verbose, "Tell the seed, the template, the memory and what the CPU runs");
  add_answer(app, chat.answer);
  add_running(app, chat.model);
  add_context(app, chat.model);
}

void describe(CLI::App& app, CompleteArguments& complete) {
  app.footer(complete_footer);
  complete.answer.max_tokens = 256;
  add_model(app, complete.model);
  add_adapters(app, complete.adapters);
  add_any_base(app, complete.any_base);
  add_text(app, "-p,--prompt", complete.prompt, "The text to continue");
  app.add_flag("--plain", complete.plain, "Nothing in the prompt is a control token");
  add_json(app, complete.json);
  add_answer(app, complete.answer);
  add_running(app, complete.model);
  add_context(app, complete.model);
}

void describe(CLI::App& app, InfoArguments& info) {
  app.footer(info_footer);
  add_model(app, info.model.model);
  add_count(app, "--sequences", info.sequences, 1, "Sequences that are in memory at once");
  add_json(app, info.json);
  add_running(app, info.model);
  add_context(app, info.model);
}

void describe(CLI::App& app, TokenizeArguments& tokenize) {
  app.footer(tokenize_footer);
  add_model(app, tokenize.model);
  app.add_flag("--bos", tokenize.bos, "Put BOS in front");
  app.add_flag("--special", tokenize.special, "Control tokens that the text spells out become those tokens");
  add_json(app, tokenize.json);
}

void describe(CLI::App& app, PerplexityArguments& perplexity) {
  app.footer(perplexity_footer);
  perplexity.model.context = 512;
  add_model(app, perplexity.model);
  add_path(app, "-f,--file", perplexity.file, "T", "The text");
  add_count(app, "-c,--context", perplexity.model.context, 2, "Tokens of a window");
  add_json(app, perplexity.json);
  add_running(app, perplexity.model);
}

void describe(CLI::App& app, BenchArguments& bench) {
  app.footer(bench_footer);
  bench.model.chunk = 512;
  add_model(app, bench.model);
  add_count(app, "-p,--prompt", bench.prompt, 1, "Tokens to read");
  add_count(app, "-n,--generate", bench.generate, 1, "Tokens to generate");
  add_count(app, "-d,--depth", bench.depth, 0, "Tokens that the context holds when generation begins");
  app.add_option("-r,--repetitions", bench.repetitions, "Runs whose median is told")
      ->type_name("N")
      ->check(range(1, 1000))
      ->capture_default_str();
  add_json(app, bench.json);
  add_running(app, bench.model);
}

}  // namespace

std::variant<Arguments, int> parse_command_line(int count, const char* const* words) {
  CLI::App app(about, "tfm");
  set_up(app, footer);

  ChatArguments chat;
  CompleteArguments complete;
  InfoArguments info;
  TokenizeArguments tokenize;
  PerplexityArguments perplexity;
  BenchArguments bench;
  const auto add = [&](const char* name, const char* help, auto& arguments) {
    CLI::App* const command = app.add_subcommand(name, help);
    describe(*command, arguments);
    return command;
  };
  CLI::App* const chat_command = add("chat", "Talk with a model, in the terminal or for one answer", chat);
  CLI::App* const complete_command = add("complete", "Continue a text", complete);
  CLI::App* const info_command = add("info", "Tell what a model file holds, and the memory that it needs", info);
  CLI::App* const tokenize_command = add("tokenize", "Tell the tokens of a text", tokenize);
  CLI::App* const perplexity_command = add("perplexity", "Measure how well a model predicts a text", perplexity);
  CLI::App* const bench_command = add("bench", "Measure speed and memory", bench);

  if (const auto code = parse(app, count, words)) return *code;
  if (chat_command->parsed()) return Arguments(chat);
  if (complete_command->parsed()) return Arguments(complete);
  if (info_command->parsed()) return Arguments(info);
  if (tokenize_command->parsed()) return Arguments(tokenize);
  if (perplexity_command->parsed()) return Arguments(perplexity);
  static_cast<void>(bench_command);
  return Arguments(bench);
}

}  // namespace cli
