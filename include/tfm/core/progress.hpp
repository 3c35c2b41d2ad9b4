#pragma once
// Progress: what long work tells its caller on the way.
#include <functional>
#include <string_view>

#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// `what` is a phrase such as "loading"; `done` of `total` are bytes, steps or tokens, as `what` says.
struct Progress {
  std::string_view what;
  Index done{}, total{};
};
using ProgressCallback = std::function<void(const Progress&)>;

}  // namespace tfm::inline TFM_ABI
