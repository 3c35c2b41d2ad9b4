// says: tfm: impossible shape: .*all sizes at least 1
#include "tfm/models/transformer.hpp"

struct Toy : tfm::TransformerShape {
#ifdef WRONG
  static constexpr tfm::Index layers = 0;
#else
  static constexpr tfm::Index layers = 1;
#endif
  static constexpr tfm::Index source_vocab = 500, target_vocab = 600, dim = 64, heads = 4, ffn = 128;
};
tfm::Transformer<Toy, tfm::EveryLinear<tfm::F32>> model;
