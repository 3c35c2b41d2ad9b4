#pragma once
// part: how a layer hands a member of its Saved to the layer inside it, if anything is saved at all.
#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// &saved->member, or null where nothing is saved.
template <class Saved, class Part>
constexpr Part* part(Saved* saved, Part Saved::*member) noexcept {
  return saved == nullptr ? nullptr : &(saved->*member);
}

}  // namespace tfm::inline TFM_ABI
