// says: deleted|implicitly-deleted
#include "tfm/numeric/f32.hpp"

tfm::F32 f(const tfm::F32& weight) {
#ifdef WRONG
  return weight;
#else
  return weight.clone();
#endif
}
