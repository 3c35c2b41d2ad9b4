// translate bleu: how near translations of a file's pairs come to its own.
#include "notes.hpp"
#include "support/json_output.hpp"
#include "support/progress_bar.hpp"
#include "support/terminal.hpp"
#include "tfm/train/bleu.hpp"
#include "translator.hpp"

namespace cli {

int run(const BleuArguments& arguments) {
  Translator translator(arguments.search);
  const tfm::SentencePairs read = tfm::read_sentence_pairs(arguments.file);
  tell_skipped(arguments.file, read.skipped);
  const auto count = static_cast<Index>(read.pairs.size());
  if (count == 0) tfm::raise(tfm::LoadError("tfm: " + arguments.file.string() + ": there is no pair of sentences in it"));
  tfm::BleuCounts counts;
  ProgressBar bar;
  bar.begin();
  std::vector<std::string> sources;
  for (Index from = 0; from < count; from += arguments.search.batch) {
    const Index to = std::min(count, from + arguments.search.batch);
    sources.clear();
    for (Index i = from; i < to; ++i) sources.push_back(read.pairs[tfm::to_size(i)].source);
    const auto found = translator.translate(sources, false);
    for (Index i = from; i < to; ++i)
      counts.add(found[tfm::to_size(i - from)].at(0).text, read.pairs[tfm::to_size(i)].target);
    bar.update({"translating", to, count});
  }
  bar.clear();
  const tfm::CorpusBleu bleu = counts.score();
  tell_cut(translator.cut());
  if (!arguments.json) {
    print(tfm::bleu_line(bleu) + "\n");
    return success;
  }
  print_json({{"bleu", bleu.score},
              {"precisions", bleu.precisions},
              {"brevity_penalty", bleu.brevity_penalty},
              {"ratio", bleu.ratio()},
              {"hyp_len", bleu.length},
              {"ref_len", bleu.reference_length},
              {"pairs", count}});
  return success;
}

}  // namespace cli
