// says: EncoderDecoderShape|constraint
#include "tfm/models/transformer.hpp"

struct Toy : tfm::TransformerShape {
#ifndef WRONG
  static constexpr tfm::Index target_vocab = 600;
#endif
  static constexpr tfm::Index source_vocab = 500, dim = 64, layers = 1, heads = 4, ffn = 128;
};
tfm::Transformer<Toy, tfm::EveryLinear<tfm::F32>> model;
