// says: tfm: impossible shape: dim must be even and a multiple of heads
#include "tfm/models/transformer.hpp"

struct Toy : tfm::TransformerShape {
#ifdef WRONG
  static constexpr tfm::Index heads = 7;
#else
  static constexpr tfm::Index heads = 8;
#endif
  static constexpr tfm::Index source_vocab = 500, target_vocab = 600, dim = 64, layers = 2, ffn = 128;
};
using Model = tfm::Transformer<Toy, tfm::EveryLinear<tfm::F32>>;
bool f(const Model& model) { return sizeof(model) > 1; }
