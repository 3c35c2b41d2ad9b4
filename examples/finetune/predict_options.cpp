// The options and the help of finetune predict.
#include "common_options.hpp"

namespace cli {

namespace {

constexpr const char* predict_footer =
    R"(Every line of standard input, whatever it holds, gives one line of standard output. A line becomes a prompt as the adapter's training
made it: by the template and the instruction that run.json in its folder keeps; where it learnt conversations, a user's turn by its chat
template. The answer is the likeliest of the labels: those of
--labels, or else those that the adapter learnt; where there are none (the training's outputs were no labels), it is what the model
says, greedily. Breaks in an answer are written \n and \r, other control characters \xNN, a backslash \\. A blank line is no
question, and its answer is a blank line. Where prompt and answer are longer than --cutoff, the line's end is cut off, which is told at the end.

With --json a line is {"text", "label", "probabilities": {...}, "answer"}: the line, the likeliest label, the likelihood of each label as
a share of their sum, and what the model says; label and probabilities are left out where there are no labels, and null with
the answer for a blank line.

Examples:
  finetune predict --model model.gguf --adapter adapter < tweets.txt > labels.txt
  finetune predict --model model.gguf --adapter adapter --json < tweets.txt
  finetune predict --model folder/ --labels Negative,Neutral,Positive --instruction 'Detect the sentiment of the tweet.' < tweets.txt)";

}  // namespace

void describe(CLI::App& app, PredictArguments& predict) {
  app.footer(predict_footer);
  add_base(app, predict.base);
  add_optional_path(app, "-a,--adapter", predict.adapter, "D", "A PEFT folder");
  add_prompt(app, predict.prompt, "the adapter's own, or else Alpaca's");
  app.add_option("--instruction", predict.instruction, "What is to be done with each line; the adapter's own, unless it is given")->type_name("TEXT");
  add_names(app, "--labels", predict.labels, "What a line may be; what the adapter learnt, unless they are given");
  add_cutoff(app, predict.cutoff);
  add_count(app, "-n,--max-tokens", predict.max_tokens, 1, "Tokens of an answer, at most, where there are no labels");
  add_any_base(app, predict.any_base);
  app.add_flag("--json", predict.json, "A JSON object a line");
}

}  // namespace cli
