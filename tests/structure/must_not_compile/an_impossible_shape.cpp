// says: tfm: impossible shape: heads must be a multiple of kv_heads
#include "tfm/models/llama.hpp"

struct Toy : tfm::LlamaShape {
#ifdef WRONG
  static constexpr tfm::Index heads = 7;
#else
  static constexpr tfm::Index heads = 8;
#endif
  static constexpr tfm::Index vocab = 512, dim = 64, layers = 5, kv_heads = 4, ffn = 172, context = 512;
};
using Model = tfm::Llama<Toy, tfm::EveryLinear<tfm::Q8_0>>;
bool f(const Model& model) { return sizeof(model) > 1; }
