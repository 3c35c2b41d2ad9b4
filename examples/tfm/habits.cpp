#include "habits.hpp"

#include <initializer_list>

namespace cli {

namespace {

struct Habit {
  std::initializer_list<std::string_view> words;
  std::string_view advice;
};

const Habit other_options[] = {
    {{"-ngl", "--gpu-layers", "--n-gpu-layers", "-sm", "--split-mode", "-ts", "--tensor-split", "-mg", "--main-gpu", "-dev", "--device", "--device-map", "--device_map", "-nkvo",
      "--no-kv-offload", "--list-devices", "-ot", "--override-tensor", "-cmoe", "--cpu-moe"},
     "is about GPUs, and tfm runs on the CPU: leave it out"},
    {{"--mlock", "--no-mmap", "--mmap", "--direct-io", "-dio", "--no-direct-io"},
     "is not needed: weights are packed into memory when they are loaded; --packed FILE keeps them packed, and maps them at the next start"},
    {{"-fa", "--flash-attn", "--flash-attention"}, "is not needed: attention never holds a matrix of all scores; leave it out"},
    {{"-b", "--batch-size", "-ub", "--ubatch-size"}, "is --chunk here: the tokens that are read at once"},
    {{"-tb", "--threads-batch"}, "is --threads here, for reading and for writing"},
    {{"--numa", "--prio", "--poll", "-C", "--cpu-mask", "-Cr", "--cpu-range", "--cpu-strict"}, "is the system's business: numactl and taskset place tfm where it is to run"},
    {{"-ctk", "--cache-type-k", "-ctv", "--cache-type-v"}, "is --cache here, for keys and values: f16, f32 or q8_0"},
    {{"-cnv", "--conversation", "-no-cnv", "--no-conversation", "-i", "--interactive", "-if", "--interactive-first", "-st", "--single-turn"},
     "is not needed: tfm chat talks, and answers once with --prompt; tfm complete goes on with a text"},
    {{"-r", "--reverse-prompt"}, "is --stop here"},
    {{"-mli", "--multiline-input"}, "is not needed: in a conversation a line that ends with a backslash goes on, and \"\"\" opens and closes several"},
    {{"-sys", "--system-prompt", "-sysf", "--system-prompt-file"}, "is --system TEXT here"},
    {{"--chat-template", "--chat-template-file"}, "is --template here: a name, or a file with a Jinja template"},
    {{"--jinja", "--no-jinja"}, "is not needed: the model's own template is used; --template names another"},
    {{"--context-shift"}, "is --overflow slide here"},
    {{"--no-context-shift"}, "is the default; --overflow slide is the other way"},
    {{"--keep"}, "is not needed: with --overflow slide the system turn stays and the oldest turns go"},
    {{"--lora", "--lora-scaled"}, "is --adapter here: a PEFT folder, D=0.5 for half of it"},
    {{"-hf", "-hfr", "--hf-repo", "-hff", "--hf-file", "-hft", "--hf-token", "-mu", "--model-url", "-dr", "--docker-repo"},
     "would download, which tfm does not: fetch the model yourself and name its file or folder"},
    {{"--model-name-or-path", "--model_name_or_path"}, "is --model here: a GGUF file or a Hugging Face folder"},
    {{"--max-new-tokens", "--max_new_tokens", "--max-length", "--max_length", "--num-predict", "--num_predict"}, "is --max-tokens here"},
    {{"--do-sample", "--do_sample"}, "is not needed: --temperature above 0 samples, 0 does not"},
    {{"--num-beams", "--num_beams"}, "is not there: tfm samples, or takes the likeliest token with --temperature 0"},
    {{"--num-ctx", "--num_ctx", "--n-ctx", "--n_ctx"}, "is --context here"},
    {{"--torch-dtype", "--torch_dtype", "--dtype", "--load-in-8bit", "--load_in_8bit"}, "is the file's business: weights are computed with as they are stored, see --arithmetic"},
    {{"--repeat-last-n", "--presence-penalty", "--frequency-penalty"}, "is not there: --repetition-penalty counts every token of the context once"},
    {{"--typical", "--typical-p", "--mirostat", "--mirostat-lr", "--mirostat-ent", "--dynatemp-range", "--dynatemp-exp", "--xtc-probability", "--xtc-threshold", "--top-nsigma",
      "--dry-multiplier", "--dry-base", "--dry-allowed-length", "--dry-penalty-last-n", "--samplers", "--sampling-seq", "--tfs"},
     "is not there: --temperature, --top-k, --top-p, --min-p and --repetition-penalty choose how tokens are drawn"},
    {{"--grammar", "--grammar-file", "--json-schema", "-j", "--json-schema-file", "--format"}, "is not there: nothing holds an answer to a grammar"},
    {{"--logit-bias"}, "is not there; --ignore-eos is its usual use"},
    {{"--rope-scaling", "--rope-scale", "--rope-freq-base", "--rope-freq-scale", "--yarn-orig-ctx", "--yarn-ext-factor"}, "is the model's: its file says how positions turn"},
    {{"--no-warmup", "--warmup"}, "is not needed: tfm warms nothing up; leave it out"},
    {{"--color", "-co", "--simple-io", "--log-disable", "--log-file", "--log-colors", "-lv", "--verbosity", "--verbose-prompt", "--no-perf", "--perf", "--nowordwrap"},
     "is not needed: only the answer goes to standard output; -v tells more on standard error"},
    {{"--no-display-prompt", "--display-prompt"}, "is not needed: the prompt is never repeated"},
    {{"-bf", "--binary-file"}, "is --file here: files are read byte for byte"},
    {{"--prompt-cache", "--prompt-cache-all", "--prompt-cache-ro"}, "is not there: a conversation is kept with /save and goes on with --messages"},
    {{"--in-prefix", "--in-suffix"}, "is the template's business: --template names another"},
    {{"-np", "--parallel", "-ns", "--sequences", "-cb", "--cont-batching", "--host", "--port", "--api-key", "--keepalive"}, "is a server's, and tfm is none"},
    {{"-md", "--model-draft", "--draft", "--draft-max", "--draft-min"}, "is not there: no second model runs ahead"},
    {{"-ppl", "--perplexity", "--ppl-stride"}, "is a command of its own here: tfm perplexity"},
    {{"--ids"}, "is --json here"},
    {{"--stdin"}, "is not needed: standard input is read unless a text is given"},
};

const Habit other_commands[] = {
    {{"run", "cli", "talk", "ask", "conversation"}, "chat"}, {{"generate", "completion", "continue", "predict"}, "complete"}, {{"show", "inspect", "gguf"}, "info"}, {{"quantize", "quantise", "export", "save", "to-gguf"}, "convert"},
    {{"tokenise", "encode", "tokens"}, "tokenize"},          {{"ppl", "evaluate", "eval"}, "perplexity"},                     {{"benchmark"}, "bench"},
};

template <std::size_t N>
std::string_view found_in(const Habit (&habits)[N], std::string_view word) {
  for (const Habit& habit : habits)
    for (const std::string_view known : habit.words)
      if (known == word) return habit.advice;
  return "";
}

}  // namespace

std::string_view foreign_option(std::string_view word) { return found_in(other_options, word.substr(0, word.find('='))); }
std::string_view foreign_command(std::string_view word) { return found_in(other_commands, word); }

}  // namespace cli
