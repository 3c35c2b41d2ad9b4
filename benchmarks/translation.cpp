// Greedy translation by a folder's model, beside other engines: translation_peers.py drives it.
//   translation FOLDER --steps N --threads N --batch N
// reads one line: the sentences, as JSON arrays of ids. It writes the translations as JSON; then, for every further line,
// it translates all of them again and writes the seconds that this took.
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include <tfm/checkpoint/transformer_file.hpp>
#include <tfm/generate/translate.hpp>
#include <tfm/models/pack_transformer.hpp>

#include "limits.hpp"

namespace {

using namespace tfm;

/// Operations of encoding and of every step: two for each weight and row, and the products of attention.
double operations(const DynamicTransformerShape& s, const std::vector<std::vector<Token>>& sentences, Index steps) {
  const auto number = [](Index n) { return static_cast<double>(n); };
  const double square = number(s.dim * s.dim), ffn = 2 * number(s.dim * s.ffn), n = number(steps);
  double sum = 0;
  for (const auto& sentence : sentences) {
    const double from = static_cast<double>(sentence.size());
    const double encoder = from * (4 * square + ffn) + 2 * from * from * number(s.dim) + 2 * from * square;
    const double decoder = n * (6 * square + ffn) + (n * n + 2 * n * from) * number(s.dim);
    sum += number(s.layers) * (encoder + decoder) + n * number(s.dim * s.target_vocab);
  }
  return 2 * sum;
}

}  // namespace

int main(int count, char** words) try {
  Index steps = 20, batch = 64;
  int threads = 2;
  Isa isa = best_isa();
  for (int i = 2; i + 1 < count; i += 2) {
    if (std::strcmp(words[i], "--steps") == 0) steps = std::atoi(words[i + 1]);
    if (std::strcmp(words[i], "--threads") == 0) threads = std::atoi(words[i + 1]);
    if (std::strcmp(words[i], "--isa") == 0) isa = limits::isa_named(words[i + 1]);
    if (std::strcmp(words[i], "--batch") == 0) batch = std::atoi(words[i + 1]);
  }
  Context context(threads);
  context.isa = isa;
  const auto model = pack_transformer<EveryLinear<FrozenF32>>(context, load_transformer(words[1]));
  std::string line;
  std::getline(std::cin, line);
  std::vector<std::vector<Token>> sentences;
  const JsonDocument document(line, "standard input");
  for (const Json row : document.root().elements()) {
    sentences.emplace_back();
    for (const Json id : row.elements()) sentences.back().push_back(static_cast<Token>(id.integer(0, model.shape.source_vocab - 1)));
  }
  const SearchOptions options{.bos = 2, .eos = 3, .max_tokens = steps};
  std::vector<std::vector<Token>> said;
  const auto translate_all = [&] {
    said.clear();
    for (std::size_t from = 0; from < sentences.size(); from += to_size(batch)) {
      const auto part = std::span(sentences).subspan(from, std::min(to_size(batch), sentences.size() - from));
      for (auto& one : translate_greedily(context, model, part, options)) said.push_back(std::move(one));
    }
  };
  translate_all();
  std::cout << "{\"said\": [";
  for (std::size_t i = 0; i < said.size(); ++i) {
    std::cout << (i > 0 ? ", [" : "[");
    for (std::size_t k = 0; k < said[i].size(); ++k) std::cout << (k > 0 ? ", " : "") << said[i][k];
    std::cout << "]";
  }
  std::cout << "], \"operations\": " << operations(model.shape, sentences, steps)
            << ", \"limit\": " << limits::float32(isa, threads) << ", \"isa\": \"" << name(isa) << "\"}" << std::endl;
  while (std::getline(std::cin, line)) {
    const double begin = limits::seconds();
    translate_all();
    std::cout << limits::seconds() - begin << std::endl;
  }
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
