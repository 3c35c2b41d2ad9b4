#pragma once
// The currency between layers and kernels: views over row-major float32, and the buffer that owns such memory.
#include <cstring>

#include "tfm/core/aligned_bytes.hpp"
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

/// Read-only floats, row-major [rows, cols]; usually [tokens, features]. Owns nothing.
struct View {
  const float* data{};
  Index rows{}, cols{};

  constexpr const float* row(Index r) const noexcept { return data + r * cols; }
  constexpr Index size() const noexcept { return rows * cols; }
  /// Rows from .. from + n.
  constexpr View slice(Index from, Index n) const noexcept { return {row(from), n, cols}; }
};

/// The same, to be written.
struct MutableView {
  float* data{};
  Index rows{}, cols{};

  constexpr float* row(Index r) const noexcept { return data + r * cols; }
  constexpr Index size() const noexcept { return rows * cols; }
  constexpr MutableView slice(Index from, Index n) const noexcept { return {row(from), n, cols}; }
  constexpr operator View() const noexcept { return {data, rows, cols}; }
};

/// Every element becomes `value`.
inline void fill(MutableView y, float value) noexcept {
  for (Index i = 0; i < y.size(); ++i) y.data[i] = value;
}

/// y becomes x; the sizes are equal.
inline void copy(View x, MutableView y) noexcept {
  if (x.size() > 0) std::memmove(y.data, x.data, to_size(x.size()) * sizeof(float));
}

/// Owns a matrix of floats, zero at first.
class Buffer {
  AlignedBytes bytes_;
  Index rows_ = 0, cols_ = 0;

 public:
  Buffer() = default;
  Buffer(Index rows, Index cols)
      : bytes_(rows * cols * static_cast<Index>(sizeof(float))), rows_(rows), cols_(cols) {
    fill(view(), 0);
  }
  MutableView view() noexcept { return {reinterpret_cast<float*>(bytes_.data()), rows_, cols_}; }
  View view() const noexcept { return {reinterpret_cast<const float*>(bytes_.data()), rows_, cols_}; }
  operator View() const noexcept { return view(); }
  operator MutableView() noexcept { return view(); }
};

}  // namespace tfm::inline TFM_ABI
