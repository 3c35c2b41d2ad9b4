#pragma once
// From the rows that a file has to a packed weight, in parallel, panel by panel.

#include "tfm/numeric/packed_weight.hpp"

namespace tfm::inline TFM_ABI {

/// A matrix as a file has it: rows of row_bytes(format, cols), row-major. Owns nothing.
struct FileRows {
  Format format{};
  const std::byte* data{};
  Index rows{}, cols{};
  const float* scales = nullptr;  ///< [rows], for Int8
  /// Not 0: the rows are q or k of a GGUF or llama2.c file, so many heads, whose rotary pairs are neighbours; they become
  /// the halves that Hugging Face has (and this library inside).
  Index interleaved_heads = 0;

  /// Which row of the file becomes row r.
  Index source(Index r) const noexcept {
    if (interleaved_heads == 0) return r;
    const Index head_dim = rows / interleaved_heads, half = head_dim / 2, j = r % head_dim;
    return r - j + (j < half ? 2 * j : 2 * (j - half) + 1);
  }
  const std::byte* row(Index r) const noexcept { return data + source(r) * row_bytes(format, cols); }
  float scale(Index r) const noexcept { return scales == nullptr ? 1.f : scales[source(r)]; }
};

/// Packs into `target`; the same format keeps every bit, another one is reached through float32. `place`: 64-byte-aligned
/// room for packed_bytes() of it, which the weight then owns with others; none: room of its own.
/// Errors: ShapeError for columns that a block format cannot hold, naming `what`; LoadError for a value that is not
/// finite where it would have to be quantised; Stopped.
PackedWeight pack(Context& context, Format target, const FileRows& source, const std::string& what,
                  std::shared_ptr<std::byte> place = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/numeric/pack.inl"
#endif
