#pragma once
// What a visitor is told of each weight beside its name.
#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

enum class WeightRole : unsigned char {
  base,       ///< a projection [out, in]
  norm,       ///< a vector of a normalisation
  embedding,  ///< [vocabulary, dim]
  adapter,    ///< A or B of a LoRA pair
};

}  // namespace tfm::inline TFM_ABI
