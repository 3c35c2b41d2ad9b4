// The logits that tfm computes for a folder of `translate train` and the ids that transformer_torch.py prints; for
// torch_logits.py to compare.    logits FOLDER < JSON
#include <iostream>
#include <iterator>

#include "tfm/checkpoint/transformer_file.hpp"
#include "tfm/generate/translate.hpp"

int main(int, char** words) try {
  const tfm::TrainableTransformer model = tfm::load_transformer(words[1]);
  const std::string text(std::istreambuf_iterator<char>(std::cin), {});
  const tfm::JsonDocument document(text, "standard input");
  const tfm::Json root = document.root();
  std::vector<tfm::Index> lens;
  for (const tfm::Json n : root.at("lens").elements()) lens.push_back(n.integer(1));
  // The source's rows are padded behind `lens` ids.
  const auto rows = [](const tfm::Json& array, const std::vector<tfm::Index>& lengths) {
    tfm::RaggedSentences sentences;
    for (const tfm::Json row : array.elements()) {
      std::vector<tfm::Token> ids;
      for (const tfm::Json id : row.elements()) ids.push_back(static_cast<tfm::Token>(id.integer(0, 1 << 24)));
      if (!lengths.empty()) ids.resize(tfm::to_size(lengths[sentences.start().size() - 1]));
      sentences.add(ids);
    }
    return sentences;
  };
  const tfm::RaggedSentences source = rows(root.at("source"), lens), target = rows(root.at("target"), {});
  tfm::Buffer logits(target.batch().tokens(), model.shape.target_vocab);
  tfm::Context context(2);
  model.forward(context, {source.batch(), source.ids(), target.batch(), target.ids()}, logits);
  std::cout.precision(9);
  std::cout << "[";
  for (tfm::Index i = 0; i < logits.view().size(); ++i) std::cout << (i > 0 ? "," : "") << logits.view().data[i];
  std::cout << "]\n";
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
