// The commands, their options and their help.
#include "command_line.hpp"

#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "convert_options.hpp"
#include "hints.hpp"
#include "model_options.hpp"
#include "prove_options.hpp"
#include "template_options.hpp"
#include "settle.hpp"
#include "support/template_names.hpp"

namespace cli {

namespace {

using tfm::Index;

constexpr const char* about =
    "tfm runs LLaMA-family language models on the CPU: it talks, continues texts, and tells what a model file holds.";
constexpr const char* footer =
    R"(Examples:
  tfm chat model.gguf                               a conversation in the terminal
  tfm chat --model model.gguf --prompt 'Hello!'     one answer, on standard output
  tfm complete --model folder/ --prompt 'Once upon a time' --max-tokens 50
  tfm info --model model.gguf                       shape, formats, memory, tokenizer
  tfm convert model.gguf --out folder/              as a Hugging Face folder, and back
  tfm COMMAND --help                                the options of a command, with examples

A model is a GGUF file (F32, F16, BF16, Q8_0, Q4_K_M and most others) or a Hugging Face folder (config.json,
safetensors, tokenizer.model or tokenizer.json), named behind the command or by --model. Results go to standard
output; progress, figures, notes and errors to standard error; results in JSON hold the notes too ("notes").

Exit codes: 0 all went well; 1 an error, told on standard error; 2 the command line makes no sense;
130 interrupted with Ctrl-C.)";

constexpr const char* chat_footer =
    R"(In the terminal: /regen answers anew, /undo takes the last turn back, /save FILE and /load FILE keep and bring
back a conversation, /system TEXT changes the system prompt, /reset begins a new conversation, /quit or Ctrl-D
leaves, /help tells more. Ctrl-C stops an answer, not the program; arrow keys edit the line and bring back earlier
ones, those of other times too: they are kept in $XDG_STATE_HOME/tfm/history, or ~/.local/state/tfm/history.
A line that ends with a backslash goes on; """ opens and closes several lines; pasted lines stay together.
With --prompt or --file, or with text piped in, it answers once and exits: the answer alone on standard output.
--prompt and --file win over piped text. Texts in files and pipes lose the line break at their end.
--messages is JSON: [{"role": "user", "content": "..."}, ...], or {"messages": [...]}; where the last one is the
user's, it is answered; so are results of tools ("role": "tool"), where the model's template takes them.
The context is the model's own, at most 4096 tokens unless --context asks for more; when it is full, the answer
ends, or with --overflow slide the oldest turns are forgotten.

Examples:
  tfm chat --model model.gguf --system 'You answer in one sentence.' --temperature 0.3
  tfm chat --model model.gguf --prompt 'Name three fruits.' --temperature 0 --max-tokens 60
  git log -5 | tfm chat --model model.gguf --seed 1 > summary.txt
  tfm chat model.gguf --messages talk.json --prompt 'And why?\nBe brief.' -n -1
  tfm chat --model base.gguf --template alpaca --overflow slide --context 2048
  tfm chat --model model.gguf --packed model.packed                  starts at once from the second time on
  tfm chat --model base.gguf --adapter tweets/ --adapter poems/=0    /adapter poems changes to the other)";

constexpr const char* complete_footer =
    R"(The prompt is a template's text: control tokens that it spells out (<s>, <|im_end|>) become those tokens,
unless --plain is given. BOS is put in front where the tokenizer asks for it; an empty prompt is BOS alone.
--file is the prompt out of a file, and without both standard input is the prompt, byte for byte; --prompt-ids
are its tokens themselves. The new text alone goes to standard output.
With --json: {"prompt_ids": [...], "ids": [...], "text": "...", "notes": [...]}; ids and text are what is new,
without the token that ended it.

Examples:
  tfm complete --model model.gguf --prompt 'Once upon a time' --temperature 0 --max-tokens 100
  tfm complete --model model.gguf --prompt '' --seed 7 --json
  tfm complete --model folder/ --adapter lora/ --prompt 'Once' --json
  tfm complete --model folder/ --adapter one/=0.7 --adapter other/=0.3 --prompt 'Once'
  tfm complete --model model.gguf --stop '\n\n' < beginning.txt
  tfm complete model.gguf --prompt-ids '[1, 403, 407]' -n -1        until the context is full)";

constexpr const char* info_footer =
    R"(Weights are not loaded: it takes a moment, whatever the file's size. Types that tfm does not compute with
are shown as such. Memory is for --context, --chunk, --threads, --cache and --sequences; the context is the
model's own, at most 4096 tokens, unless it is given.

Examples:
  tfm info --model model.gguf --context 8192
  tfm info --model folder/ --json)";

constexpr const char* tokenize_footer =
    R"(Reads standard input, or --file, byte for byte, the last newline included. Everything in it is text: what looks like a
control token (<s>, <|im_end|>) is not one, unless --special is given. No BOS is added, unless --bos is
given. A GGUF file may be of any architecture, and needs no tensors: the vocabulary alone is read.
With --json: {"ids": [...], "notes": [...]}; otherwise a line for each token: its number and its piece.

Examples:
  printf 'Hello world' | tfm tokenize --model model.gguf
  tfm tokenize --model folder/ --bos --json < letter.txt)";

constexpr const char* detokenize_footer =
    R"(Reads the tokens' numbers from standard input, --file or --prompt: between them may stand white space, commas and
brackets, so that what tokenize --json prints as "ids" will do. Control tokens have no text. Nothing is put behind the
text. With --json: {"text": "...", "notes": [...]}.

Examples:
  echo 1 2 3 | tfm detokenize --model model.gguf
  tfm tokenize --model folder/ --json < letter.txt | jq .ids | tfm detokenize --model folder/)";

constexpr const char* perplexity_footer =
    R"(The file is text (no control tokens), cut into windows of --context tokens that do not overlap; the last one
may be shorter. Where the tokenizer adds BOS, each window begins with it and has one token of text less.
Each window is read alone, and every token of it but the first is predicted from those before it. The
perplexity is exp of the mean of -log p over all predicted tokens, whose number is "tokens".
With --json: {"perplexity": ..., "tokens": ..., "notes": [...]}.

Examples:
  tfm perplexity --model model.gguf --file wiki.test.raw --context 512
  zcat letters.gz | tfm perplexity model.gguf --file - --arithmetic exact --json)";

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
"cache_bytes_per_token", "notes"}.

Examples:
  tfm bench --model model.gguf --threads 2
  tfm bench --model model.gguf --threads 2 --prompt 512 --generate 128 --json)";

const std::map<std::string, bool> overflows{{"error", false}, {"slide", true}};

/// "[1, 2]", "1,2" or "1 2".
std::optional<std::vector<tfm::Token>> ids_of(std::string text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  for (char& c : text)
    if (c == ',') c = ' ';
  std::vector<tfm::Token> ids;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto id = number_of<tfm::Token>(word);
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids.empty() ? std::nullopt : std::optional(ids);
}

void describe(CLI::App& app, ChatArguments& chat) {
  app.footer(chat_footer);
  add_model(app, chat.model);
  add_adapters(app, chat.adapters);
  add_any_base(app, chat.any_base);
  add_text_source(app, chat.text, "Answer this and exit");
  add_text(app, "--system", chat.system, "The system prompt; the model's own, unless it is given");
  add_optional_path(app, "--messages", chat.messages, "F", "The conversation so far, as /save writes it; - is standard input");
  app.add_option("--template", chat.chat_template, "How turns are written, by name or by a file with a Jinja template; as the\nmodel's file says, unless it is given")
      ->type_name(template_names("|") + "|F")
      ->check(template_fault);
  add_choice(app, "--overflow", chat.slide, overflows, "error|slide",
             "When the context is full: say so (the default), or forget the oldest turns");
  app.add_flag("-v,--verbose", chat.verbose, "Tell the seed, the template, the memory and what the CPU runs");
  app.add_flag_callback("--no-history", [&chat] { chat.history = false; }, "Do not remember what is typed for the next time");
  add_escapes(app, chat.text);
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
  add_text_source(app, complete.text, "The text to continue");
  const auto ids = [&complete](const CLI::results_t& words) {
    complete.prompt_ids = ids_of(words.front());
    return true;
  };
  app.add_option("--prompt-ids", ids, "The tokens to continue, in place of a text; no BOS is put in front")->type_name("[1,2]")->expected(1)->check([](const std::string& text) {
    return ids_of(text) ? std::string() : "found '" + text + "', expected ids as in [1,2] or 1,2";
  });
  app.add_flag("--plain", complete.plain, "Nothing in the prompt is a control token");
  add_json(app, complete.json);
  add_escapes(app, complete.text);
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
  add_text_source(app, tokenize.text, "The text; standard input, unless one is given");
  add_escapes(app, tokenize.text);
  app.add_flag("--bos", tokenize.bos, "Put BOS in front");
  app.add_flag("--special", tokenize.special, "Control tokens that the text spells out become those tokens");
  add_json(app, tokenize.json);
}

void describe(CLI::App& app, DetokenizeArguments& detokenize) {
  app.footer(detokenize_footer);
  add_model(app, detokenize.model);
  add_text_source(app, detokenize.text, "The numbers; standard input, unless they are given");
  add_json(app, detokenize.json);
}

void describe(CLI::App& app, PerplexityArguments& perplexity) {
  app.footer(perplexity_footer);
  perplexity.model.context = 512;
  add_model(app, perplexity.model);
  add_path(app, "-f,--file", perplexity.file, "T", "The text; - is standard input");
  add_count(app, "-c,--context,--ctx-size", perplexity.model.context, 2, "Tokens of a window");
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

void describe(CLI::App& app, ProveArguments& prove) {
  add_model(app, prove.model);
  add_prove_options(app, prove);
}

void describe(CLI::App& app, TemplateArguments& arguments) {
  add_model(app, arguments.model);
  add_template_options(app, arguments);
}

}  // namespace

std::variant<Arguments, int> parse_command_line(int count, const char* const* words) {
  CLI::App app(about, "tfm");
  set_up(app, footer);

  ChatArguments chat;
  CompleteArguments complete;
  InfoArguments info;
  ConvertArguments convert;
  TokenizeArguments tokenize;
  DetokenizeArguments detokenize;
  PerplexityArguments perplexity;
  BenchArguments bench;
  ProveArguments prove;
  TemplateArguments chat_template;
  const auto add = [&](const char* name, const char* help, auto& arguments) {
    CLI::App* const command = app.add_subcommand(name, help);
    describe(*command, arguments);
    return command;
  };
  const CLI::App* const chat_command = add("chat", "Talk with a model, in the terminal or for one answer", chat);
  const CLI::App* const complete_command = add("complete", "Continue a text", complete);
  const CLI::App* const info_command = add("info", "Tell what a model file holds, and the memory that it needs", info);
  const CLI::App* const convert_command = add("convert", "Write a model as a GGUF file or a Hugging Face folder", convert);
  const CLI::App* const tokenize_command = add("tokenize", "Tell the tokens of a text", tokenize);
  const CLI::App* const detokenize_command = add("detokenize", "Tell the text of tokens", detokenize);
  const CLI::App* const perplexity_command = add("perplexity", "Measure how well a model predicts a text", perplexity);
  const CLI::App* const bench_command = add("bench", "Measure speed and memory", bench);
  const CLI::App* const prove_command = add("prove", "Hold a model to the same bits in every way, and hash them", prove);
  const CLI::App* const template_command = add("template", "Write a conversation as a chat template does", chat_template);

  if (const auto code = refuse_habits(app, count, words)) return *code;
  if (const auto code = parse(app, count, words, hint)) return *code;
  const auto settled = [](const CLI::App* command, auto& arguments) {
    settle(*command, arguments);
    return Arguments(arguments);
  };
  try {
    if (chat_command->parsed()) return settled(chat_command, chat);
    if (complete_command->parsed()) return settled(complete_command, complete);
    if (info_command->parsed()) return settled(info_command, info);
    if (convert_command->parsed()) return settled(convert_command, convert);
    if (tokenize_command->parsed()) return settled(tokenize_command, tokenize);
    if (detokenize_command->parsed()) return settled(detokenize_command, detokenize);
    if (perplexity_command->parsed()) return settled(perplexity_command, perplexity);
    if (prove_command->parsed()) return settled(prove_command, prove);
    if (template_command->parsed()) return settled(template_command, chat_template);
    return settled(bench_command, bench);
  } catch (const UsageError& error) { return fail(usage, error.what()); } catch (const tfm::Error& error) {
    return fail(failure, error.what());
  }
}

}  // namespace cli
