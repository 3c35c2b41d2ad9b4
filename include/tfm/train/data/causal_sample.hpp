#pragma once
// CausalSample: what a model of next tokens trains on.
#include <cstdint>
#include <vector>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Ids and labels of one text, of equal length: a token's label is its own id, or ignored_label, as Hugging Face has them.
struct CausalSample {
  std::vector<std::int32_t> ids, labels;
};

}  // namespace tfm::inline TFM_ABI
