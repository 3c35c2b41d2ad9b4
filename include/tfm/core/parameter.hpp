#pragma once
// What a visitor is told of each weight beside its name.
#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

enum class WeightRole : unsigned char {
  base,       ///< a projection [out, in]
  norm,       ///< a vector that a normalisation multiplies with
  embedding,  ///< [vocabulary, dim]
  adapter,    ///< A or B of a LoRA pair
  bias,       ///< a vector that is added, by a projection or a normalisation
};

}  // namespace tfm::inline TFM_ABI
