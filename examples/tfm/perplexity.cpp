// tfm perplexity: how well a model predicts a text.
#include <cmath>

#include "model.hpp"
#include "support/json_output.hpp"
#include "support/progress_bar.hpp"
#include "support/text_file.hpp"
#include "tfm/formats/message.hpp"
#include "tfm/generate/log_sum_exp.hpp"

namespace cli {

namespace {

using tfm::Index;
using tfm::Token;

/// Reads windows, each on its own.
class Reader {
  const tfm::AnyModel& model_;
  tfm::Context context_;
  tfm::KvCache cache_;
  tfm::Buffer logits_;
  std::vector<double> surprises_;
  Index chunk_;

 public:
  Reader(const tfm::AnyModel& model, const tfm::SessionOptions& options)
      : model_(model),
        context_(options.threads > 0 ? options.threads : tfm::Threads::hardware()),
        cache_(model.make_cache(1, options.context, options.cache)),
        chunk_(std::min(options.chunk, options.context)) {
    context_.isa = options.isa;
    context_.arithmetic = options.arithmetic;
    context_.stop = options.stop;
    logits_ = tfm::Buffer(chunk_, model.shape.vocab);
    surprises_.resize(tfm::to_size(chunk_));
  }

  /// The sum of -log p over every token of the window but the first.
  double read(std::span<const Token> window) {
    cache_.truncate(0, 0);
    const auto size = static_cast<Index>(window.size());
    double sum = 0;
    for (Index at = 0; at < size; at += chunk_) {
      const Index n = std::min(chunk_, size - at), start[] = {0, n}, position[] = {at};
      const tfm::MutableView logits = logits_.view().slice(0, n);
      model_.forward(context_, tfm::Batch{start, position}, window.subspan(tfm::to_size(at), tfm::to_size(n)), cache_,
                     tfm::Logits::all, logits);
      const Index predicted = std::min(n, size - at - 1);
      context_.run(predicted, [&](Index row, int) {
        surprises_[tfm::to_size(row)] = tfm::log_sum_exp(logits.row(row), logits.cols) - static_cast<double>(logits.row(row)[window[tfm::to_size(at + row + 1)]]);
      });
      for (Index row = 0; row < predicted; ++row) sum += surprises_[tfm::to_size(row)];
      if (context_.stop.stop_requested()) tfm::raise(tfm::Stopped());
    }
    return sum;
  }
};

}  // namespace

int run(const PerplexityArguments& arguments) {
  const std::string words = read_text(arguments.file);
  const Loaded loaded = open_model(arguments.model);
  const tfm::AnyTokenizer& tokenizer = loaded.tokenizer;
  if (!tokenizer)
    tfm::raise(
        tfm::TokenizerError("tfm: " + arguments.model.model.string() + " has no tokenizer: no text can be read"));
  const std::vector<Token> text = tokenizer.encode(tfm::UserText{words});
  const tfm::SessionOptions options = session_options(arguments.model, loaded.model);
  Reader reader(loaded.model, options);

  const std::vector<Token> begin = tokenizer.add_bos() ? std::vector<Token>{*tokenizer.bos()} : std::vector<Token>{};
  const Index total = static_cast<Index>(text.size()), step = options.context - static_cast<Index>(begin.size());
  double sum = 0;
  Index tokens = 0;
  ProgressBar bar;
  bar.begin();
  for (Index at = 0; at < total; at += step) {
    const Index n = std::min(step, total - at);
    std::vector<Token> window = begin;
    window.insert(window.end(), text.begin() + at, text.begin() + at + n);
    if (window.size() < 2) break;
    sum += reader.read(window);
    tokens += static_cast<Index>(window.size()) - 1;
    bar.update({"reading", at + n, total});
  }
  bar.clear();
  if (tokens == 0)
    tfm::raise(tfm::LoadError("tfm: " + (arguments.file == "-" ? "standard input" : arguments.file.string()) + ": a text of " + std::to_string(total) +
                              " tokens, expected enough to predict at least one"));
  const double perplexity = std::exp(sum / static_cast<double>(tokens));
  if (arguments.json) print_json({{"perplexity", perplexity}, {"tokens", tokens}});
  else print("perplexity " + tfm::number_text(perplexity) + " over " + std::to_string(tokens) + " tokens\n");
  return success;
}

}  // namespace cli
