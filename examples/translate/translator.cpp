#include "translator.hpp"

#include <optional>

#include "support/interrupt.hpp"
#include "tfm/checkpoint/transformer_file.hpp"
#include "tfm/generate/translate.hpp"
#include "tfm/models/pack_transformer.hpp"

namespace cli {

using tfm::Json, tfm::Token;

namespace {

constexpr const char* file_name = "translation.json";
// Packed once, in place of inside every product.
using FloatTransformer = tfm::Transformer<tfm::DynamicTransformerShape, tfm::EveryLinear<tfm::FrozenF32>>;
using Int8Transformer = tfm::Transformer<tfm::DynamicTransformerShape, tfm::EveryLinear<tfm::Int8>>;

void check_size(const tfm::AnyTokenizer& vocabulary, Index size, const char* side) {
  if (vocabulary.size() != size)
    tfm::raise(tfm::ShapeError("tfm: the vocabulary of the " + std::string(side) + " has " +
                               std::to_string(vocabulary.size()) + " tokens, the model expects " + std::to_string(size)));
}

}  // namespace

void write_translation_file(const std::filesystem::path& folder, const TranslationFile& file) {
  tfm::JsonWriter json;
  json.begin_object(tfm::JsonLayout::lines).member("version", 1).member("preset", file.preset).member("steps", file.steps);
  json.member("training", file.training).key("vocabularies").begin_array();
  for (const auto& [name, print] : file.vocabularies)
    json.begin_object().member("file", name).member("fingerprint", print).end();
  tfm::write_file(folder / file_name, tfm::bytes_of(json.end().end().text() + "\n"));
}

TranslationFile read_translation_file(const std::filesystem::path& folder) {
  const tfm::JsonDocument document = tfm::read_json(folder / file_name);
  const Json root = document.root();
  if (const Json version = root.at("version"); version.integer() != 1)
    version.refuse("found " + version.found() + ", expected 1");
  TranslationFile file;
  file.preset = root.at("preset").text();
  file.steps = root.at("steps").integer(1, 1 << 20);
  file.training = root.at("training").text();
  const Json vocabularies = root.at("vocabularies");
  for (const Json each : vocabularies.elements()) {
    const std::string name(each.at("file").text());
    if (name.find('/') != std::string::npos) each.refuse("the name of a file in another folder");
    file.vocabularies.emplace_back(name, each.at("fingerprint").text());
  }
  if (file.vocabularies.empty() || file.vocabularies.size() > 2)
    vocabularies.refuse("found " + std::to_string(file.vocabularies.size()) + " files, expected 1 or 2");
  return file;
}

struct Translator::Parts {
  tfm::Context context;
  TranslationFile file;
  Vocabularies vocabularies;
  std::optional<FloatTransformer> model;
  std::optional<Int8Transformer> in_eight_bits;
  tfm::BeamOptions options;
  Index batch = 64, cut = 0;

  explicit Parts(const SearchArguments& arguments)
      : context(arguments.threads > 0 ? arguments.threads : tfm::Threads::hardware()),
        file(read_translation_file(arguments.model)),
        vocabularies(load_vocabularies(arguments.model, file.vocabularies)) {
    options.beam = arguments.beam, options.n_best = arguments.n_best, options.length_penalty = arguments.length_penalty;
    options.max_tokens = file.steps;
    if (arguments.n_best > arguments.beam)
      tfm::raise(tfm::OptionError("tfm: --n-best is " + std::to_string(arguments.n_best) + ", expected at most --beam, " +
                                  std::to_string(arguments.beam)));
    if (!vocabularies.target.bos() || !vocabularies.target.eos())
      tfm::raise(tfm::TokenizerError("tfm: the target's vocabulary has no token for the beginning or the end of a sentence"));
    options.bos = *vocabularies.target.bos(), options.eos = *vocabularies.target.eos();
    batch = arguments.batch;
    context.stop = interrupt_token();
    const tfm::TrainableTransformer trained = tfm::load_transformer(arguments.model);
    check_size(vocabularies.source, trained.shape.source_vocab, "source");
    check_size(vocabularies.target, trained.shape.target_vocab, "target");
    if (file.steps > trained.shape.context)
      tfm::raise(tfm::ShapeError("tfm: sentences may have " + std::to_string(file.steps) + " tokens (translation.json), the model has " +
                                 std::to_string(trained.shape.context) + " positions"));
    if (arguments.int8) in_eight_bits = tfm::pack_transformer<tfm::EveryLinear<tfm::Int8>>(context, trained);
    else model = tfm::pack_transformer<tfm::EveryLinear<tfm::FrozenF32>>(context, trained);
  }

  template <class Model>
  void translate(const Model& with, std::span<const std::vector<Token>> ids, bool scores,
                 std::vector<std::vector<Translation>>& out) {
    if (options.beam == 1 && !scores) {
      for (const auto& tokens : tfm::translate_greedily(context, with, ids, options))
        out.push_back({{vocabularies.target.decode(tokens)}});
      return;
    }
    for (const auto& hypotheses : tfm::translate(context, with, ids, options)) {
      out.emplace_back();
      for (const auto& h : hypotheses)
        out.back().push_back({vocabularies.target.decode(h.tokens), h.score, h.log_probability, h.ended});
    }
  }
};

Translator::Translator(const SearchArguments& arguments) : parts_(std::make_unique<Parts>(arguments)) {}
Translator::~Translator() = default;

std::vector<std::vector<Translation>> Translator::translate(const std::vector<std::string>& sentences, bool scores) {
  std::vector<std::vector<Translation>> out;
  std::vector<std::vector<Token>> ids;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    ids.push_back(tfm::sentence_ids(parts_->vocabularies.source, sentences[i], PTRDIFF_MAX));
    if (static_cast<Index>(ids.back().size()) > parts_->file.steps) {
      ids.back().resize(tfm::to_size(parts_->file.steps));
      ++parts_->cut;
    }
    if (static_cast<Index>(ids.size()) < parts_->batch && i + 1 < sentences.size()) continue;
    if (parts_->in_eight_bits) parts_->translate(*parts_->in_eight_bits, ids, scores, out);
    else parts_->translate(*parts_->model, ids, scores, out);
    ids.clear();
  }
  return out;
}

namespace {

std::vector<std::string> labels(const tfm::AnyTokenizer& vocabulary, std::span<const Token> ids) {
  std::vector<std::string> out;
  for (const Token id : ids) out.emplace_back(vocabulary.piece(id));
  return out;
}

picture::HeatMaps empty_maps(std::string title, const std::vector<std::string>& queries, std::string query_axis,
                             const std::vector<std::string>& keys, std::string key_axis,
                             const tfm::DynamicTransformerShape& shape) {
  picture::HeatMaps maps{.title = std::move(title), .row_axis = std::move(query_axis), .column_axis = std::move(key_axis),
                         .row_labels = queries, .column_labels = keys, .down = {}, .across = {}, .maps = {}};
  for (Index layer = 1; layer <= shape.layers; ++layer) maps.down.push_back("layer " + std::to_string(layer));
  for (Index head = 1; head <= shape.heads; ++head) maps.across.push_back("head " + std::to_string(head));
  return maps;
}

}  // namespace

AttentionMaps Translator::attention(const std::string& sentence) {
  Parts& p = *parts_;
  const std::vector<std::vector<Token>> source{tfm::sentence_ids(p.vocabularies.source, sentence, p.file.steps)};
  std::vector<Token> target = tfm::translate_greedily(p.context, *p.model, source, p.options)[0];
  target.insert(target.begin(), p.options.bos);
  const auto source_labels = labels(p.vocabularies.source, source[0]), target_labels = labels(p.vocabularies.target, target);
  const auto& shape = p.model->shape;
  const std::string of = ": " + sentence;
  AttentionMaps all{empty_maps("Encoder" + of, source_labels, "query", source_labels, "key", shape),
                    empty_maps("Decoder, itself" + of, target_labels, "query", target_labels, "key", shape),
                    empty_maps("Decoder, the source" + of, target_labels, "query", source_labels, "key", shape)};
  const auto into = [](picture::HeatMaps& maps) {
    return [&maps](const tfm::AttentionWeights& weights) {
      for (Index head = 0; head < weights.heads; ++head)
        maps.maps.emplace_back(weights.head(head).data, weights.head(head).data + weights.head(head).size());
    };
  };
  tfm::RaggedSentences sources, targets;
  sources.add(source[0]), targets.add(target);
  std::vector<float> logits(target.size() * tfm::to_size(shape.target_vocab));
  const tfm::TransformerWatch watch{into(all.encoder), into(all.decoder_self), into(all.decoder_cross)};
  p.model->forward(p.context, {sources.batch(), sources.ids(), targets.batch(), targets.ids()},
                   {logits.data(), static_cast<Index>(target.size()), shape.target_vocab}, nullptr, &watch);
  return all;
}

Index Translator::cut() const noexcept { return parts_->cut; }

}  // namespace cli
