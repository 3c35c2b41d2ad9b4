#pragma once
// Eigen's language over tfm's memory, for layers of one's own and for tests. The only header of the library that needs Eigen.
#include <Eigen/Core>

#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI {

/// The floats of a view as Eigen's matrix [rows, cols]: eigen(y).noalias() = eigen(x) * eigen(w).transpose(). It owns nothing, and takes
/// memory at any address. What Eigen sums up may have other bits with other compiler flags; tfm's kernels have not.
inline Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> eigen(View x) noexcept {
  return {x.data, x.rows, x.cols};
}
inline Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>> eigen(MutableView x) noexcept {
  return {x.data, x.rows, x.cols};
}

}  // namespace tfm::inline TFM_ABI
