// Training steps of the Transformer, forward and backward, against the limit measured in the same run: milliseconds and
// the part of the float32 limit, median of interleaved rounds; and what ragged batches save at half padding.
//   transformer [--threads N] [--rounds N] [--only NAME] [--json FILE] [--width N [--sentences N] [--tokens N]]
// With --width one size is measured, of two layers with heads of 64 and ffn of four times the width, without padding.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include <tfm/transformer.hpp>

#include "limits.hpp"

namespace {

using namespace tfm;
using Model = Transformer<DynamicTransformerShape, EveryLinear<F32>>;

// Sentences of `longest` tokens; or of half that on the average, padded or not.
struct Sentences {
  std::vector<Index> start{0};
  std::vector<std::int32_t> ids;
  std::vector<unsigned char> valid;

  Sentences(Index count, Index longest, Index vocab, bool half, bool padded) {
    for (Index s = 0; s < count; ++s) {
      const Index n = half ? 1 + s * (longest - 1) / std::max<Index>(count - 1, 1) : longest;
      for (Index t = 0; t < (padded ? longest : n); ++t) {
        ids.push_back(static_cast<std::int32_t>(RandomKey{1}.bits(ids.size()) % static_cast<std::uint64_t>(vocab)));
        if (half && padded) valid.push_back(t < n);
      }
      start.push_back(static_cast<Index>(ids.size()));
    }
  }
  Batch batch() const { return {.start = start, .valid = valid}; }
};

// Operations of a forward pass: two for each weight and token, and the products of attention.
double forward_operations(const DynamicTransformerShape& s, const Batch& source, const Batch& target) {
  const auto number = [](Index n) { return static_cast<double>(n); };
  const double square = number(s.dim * s.dim), from = number(source.tokens()), to = number(target.tokens());
  const double ffn = 2 * number(s.dim * s.ffn);
  double pairs = 0;
  for (Index i = 0; i < source.sequences(); ++i) {
    const double a = number(source.length(i)), b = number(target.length(i));
    pairs += a * a + b * b / 2 + a * b;
  }
  const double block = (from + to) * (6 * square + ffn);  // the memory's keys and values are made from the source
  return 2 * (number(s.layers) * (block + 2 * pairs * number(s.dim)) + to * number(s.dim * s.target_vocab));
}

struct Row {
  std::string name;
  double operations;
  std::function<void()> work;
  std::vector<double> seconds{};
  double median() {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
};

// Everything that one row owns.
struct Step {
  Sentences source, target;
  Buffer logits, dlogits;
  Model::Saved saved;

  Step(const DynamicTransformerShape& s, Index count, Index longest, bool half, bool padded)
      : source(count, longest, s.source_vocab, half, padded), target(count, longest, s.target_vocab, half, padded),
        logits(target.start.back(), s.target_vocab), dlogits(target.start.back(), s.target_vocab) {
    for (Index i = 0; i < dlogits.view().size(); ++i)
      dlogits.view().data[i] = RandomKey{2}.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
  }
  PairBatch pairs() const { return {source.batch(), source.ids, target.batch(), target.ids}; }
};

struct Trained {
  Model model;
  std::vector<Buffer> buffers;
  Gradients gradients;

  explicit Trained(const DynamicTransformerShape& shape) : model(shape) {
    std::uint64_t seed = 0;
    visit_weights(model, "", [&](const std::string&, F32& weight, WeightRole role) {
      weight.parameter = static_cast<Index>(buffers.size());
      buffers.emplace_back(weight.rows(), weight.cols());
      const RandomKey key{++seed};
      const float scale = 1.f / std::sqrt(static_cast<float>(weight.cols()));
      if (role != WeightRole::norm)
        for (Index i = 0; i < weight.values().size(); ++i)
          weight.values().data[i] = scale * (key.uniform(static_cast<std::uint64_t>(i)) - 0.5f);
    });
    for (Buffer& buffer : buffers) gradients.of.push_back(buffer);
  }
};

}  // namespace

int main(int count, char** arguments) {
  int threads = Threads::hardware(), rounds = 9;
  std::string only;
  const char* json = nullptr;
  Index width = 0, sentences = 16, tokens = 32;
  Isa isa = best_isa();
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--threads") == 0) threads = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--rounds") == 0) rounds = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--only") == 0) only = arguments[i + 1];
    if (std::strcmp(arguments[i], "--json") == 0) json = arguments[i + 1];
    if (std::strcmp(arguments[i], "--isa") == 0) isa = limits::isa_named(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--width") == 0) width = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--sentences") == 0) sentences = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--tokens") == 0) tokens = std::atoi(arguments[i + 1]);
  }
  const double limit = limits::float32(isa, threads);
  std::printf("instruction set %s, %d threads: float32 %.0f GFLOPS\n", name(isa).data(), threads, limit / 1e9);

  struct Size {
    const char* name;
    DynamicTransformerShape shape;
    Index sentences, tokens;
  };
  std::vector<Size> sizes = {
      {"d2l",
       {.source_vocab = 200, .target_vocab = 210, .dim = 32, .layers = 2, .heads = 4, .ffn = 64, .dropout = 0.1f},
       64,
       10},
      {"wide",
       {.source_vocab = 200, .target_vocab = 210, .dim = 512, .layers = 6, .heads = 8, .ffn = 2048, .dropout = 0.1f},
       32,
       64}};
  if (width > 0)
    sizes = {{"own",
              {.source_vocab = 200, .target_vocab = 210, .dim = width, .layers = 2, .heads = std::max<Index>(1, width / 64), .ffn = 4 * width, .dropout = 0.1f},
              sentences,
              tokens}};
  std::string lines;
  for (const Size& size : sizes) {
    if (!only.empty() && only != size.name) continue;
    const auto trained = std::make_shared<Trained>(size.shape);
    const auto context = std::make_shared<Context>(threads);
    context->isa = isa;
    context->training = true;
    std::vector<Row> rows;
    for (const auto& [what, half, padded] : {std::tuple{"full", false, true},
                                             {"half padding, padded", true, true},
                                             {"half padding, ragged", true, false}}) {
      if (half && width > 0) continue;
      const auto step = std::make_shared<Step>(size.shape, size.sentences, size.tokens, half, padded);
      const double forward = forward_operations(size.shape, step->source.batch(), step->target.batch());
      rows.push_back({std::string(what) + ", forward", forward,
                      [=] { trained->model.forward(*context, step->pairs(), step->logits); }});
      rows.push_back({std::string(what) + ", forward and backward", 3 * forward, [=] {
                        const Arena::Frame frame(context->kept);
                        trained->model.forward(*context, step->pairs(), step->logits, &step->saved);
                        trained->model.backward(*context, step->pairs(), step->dlogits, step->saved,
                                                trained->gradients);
                      }});
    }
    for (Row& row : rows) row.work();
    const int inner = size.shape.dim < 100 ? 10 : 1;
    for (int round = 0; round < rounds; ++round)
      for (Row& row : rows) {
        const double begin = limits::seconds();
        for (int i = 0; i < inner; ++i) row.work();
        row.seconds.push_back((limits::seconds() - begin) / inner);
      }
    std::printf("%s: width %td, %td layers, %td heads, ffn %td, %td sentences x %td tokens\n", size.name,
                size.shape.dim, size.shape.layers, size.shape.heads, size.shape.ffn, size.sentences, size.tokens);
    for (Row& row : rows) {
      std::printf("  %-44s %9.3f ms  %6.1f GFLOPS  %4.0f %% of the limit\n", row.name.c_str(), 1e3 * row.median(),
                  row.operations / row.median() / 1e9, 100 * row.operations / row.median() / limit);
      lines += (lines.empty() ? "" : ",\n") + ("  {\"size\": \"" + std::string(size.name) + "\", \"name\": \"" + row.name + "\", \"milliseconds\": " + std::to_string(1e3 * row.median()) +
               ", \"operations\": " + std::to_string(row.operations) + ", \"limit_rate\": " + std::to_string(limit) + "}");
    }
    if (rows.size() == 6) std::printf("  ragged / padded at half padding: %.2f of a step\n", rows[5].median() / rows[3].median());
  }
  if (json != nullptr) std::ofstream(json) << "[\n" << lines << "\n]\n";
}
