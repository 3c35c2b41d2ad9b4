#include "report.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "support/json_output.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/train/bleu.hpp"
#include "translator.hpp"

namespace cli {

namespace {

using Figures = nlohmann::ordered_json;

/// d2l.ai's four.
constexpr std::array<std::array<const char*, 2>, 4> sentences{{{"go .", "va !"},
                                                               {"i lost .", "j'ai perdu ."},
                                                               {"he's calm .", "il est calme ."},
                                                               {"i'm home .", "je suis chez moi ."}}};

std::string rounded(double value) { return tfm::number_text(std::round(value * 10000) / 10000); }

/// Each of d2l's sentences with its translation, and BLEU with up to 1, 2, 3 and 4 words.
Figures translate_sentences(Translator& translator, std::string& text) {
  std::vector<std::string> sources;
  for (const auto& pair : sentences) sources.emplace_back(pair[0]);
  const auto found = translator.translate(sources, false);
  Figures all = Figures::array();
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const std::string& said = found[i][0].text;
    Figures bleu = Figures::array();
    std::string figures;
    for (const Index longest : {1, 2, 3, 4}) {
      bleu.push_back(tfm::sentence_bleu(said, sentences[i][1], longest));
      figures += " " + rounded(bleu.back());
    }
    text += std::string(sentences[i][0]) + " => " + said + ",  BLEU-1 to 4" + figures + "\n";
    all.push_back({{"source", sentences[i][0]}, {"reference", sentences[i][1]}, {"translation", said}, {"bleu", bleu}});
  }
  return all;
}

void draw(Translator& translator, const TrainArguments& arguments, const Trained& trained) {
  const auto save = [&](const char* name, const std::string& svg) {
    tfm::write_file(arguments.out / name, tfm::bytes_of(svg));
  };
  const AttentionMaps maps = translator.attention(sentences.back()[0]);
  save("attention-encoder.svg", picture::svg(maps.encoder));
  save("attention-decoder-self.svg", picture::svg(maps.decoder_self));
  save("attention-decoder-cross.svg", picture::svg(maps.decoder_cross));
  save("loss.svg", picture::svg(trained.losses.chart));
  if (arguments.json) return;
  const bool colours = has_escapes(standard_output);
  const auto columns = static_cast<std::size_t>(terminal_size(standard_output).columns);
  for (const auto* each : {&maps.encoder, &maps.decoder_self, &maps.decoder_cross})
    print(picture::in_terminal(*each, columns, colours) + "\n");
  print(picture::in_terminal(trained.losses.chart, columns, 18) + "\n");
}

/// BLEU of the pairs that were held out; nothing without them.
std::optional<tfm::CorpusBleu> held_out_bleu(Translator& translator, const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return std::nullopt;
  const auto pairs = tfm::read_sentence_pairs(file).pairs;
  std::vector<std::string> sources;
  for (const auto& pair : pairs) sources.push_back(pair.source);
  const auto found = translator.translate(sources, false);
  tfm::BleuCounts counts;
  for (std::size_t i = 0; i < pairs.size(); ++i) counts.add(found[i][0].text, pairs[i].target);
  return counts.score();
}

}  // namespace

void report(const TrainArguments& arguments, const Trained& trained) {
  SearchArguments search;
  search.model = arguments.out, search.threads = arguments.threads;
  Translator translator(search);
  std::string text;
  const Figures translations = translate_sentences(translator, text);
  const auto bleu = held_out_bleu(translator, arguments.out / "held_out.txt");
  const double speed = trained.seconds > 0 ? trained.tokens / trained.seconds : 0;
  draw(translator, arguments, trained);
  if (arguments.json) {
    Figures all{{"preset", arguments.preset.name}, {"seed", arguments.seed.value_or(0)}, {"pairs", trained.pairs},
             {"held_out", trained.held_out}, {"parameters", trained.parameters}, {"steps", trained.steps},
             {"seconds", trained.seconds}, {"tokens_per_second", speed}, {"d2l_loss", trained.losses.d2l},
             {"loss_per_token", trained.losses.per_token}, {"loss_per_token_without_dropout", trained.evaluated},
             {"translations", translations}};
    if (bleu) all["held_out_bleu"] = bleu->score;
    print_json(std::move(all));
    return;
  }
  print("trained on " + std::to_string(trained.pairs) + " pairs, " + std::to_string(trained.steps) + " steps in " +
        rounded(trained.seconds) + " s, " + std::to_string(static_cast<long>(speed)) + " target tokens/s\n");
  print("loss of the last epoch: d2l's " + rounded(trained.losses.d2l) + " (sum over sentences of the mean over steps, by tokens), per token " +
        rounded(trained.losses.per_token) + " nats; without dropout " + rounded(trained.evaluated) + " nats\n");
  print(text);
  if (bleu) print(tfm::bleu_line(*bleu) + ", of " + std::to_string(trained.held_out) + " pairs whose English sentence it has not seen\n");
}

}  // namespace cli
