#pragma once
// What a visitor is told of each weight beside its name.
#include "tfm/core/index.hpp"

namespace tfm::inline TFM_ABI {

enum class WeightRole : unsigned char {
  base,       ///< a projection [out, in]
  norm,       ///< a vector that a normalisation multiplies with
  embedding,  ///< [vocabulary, dim]
  adapter,    ///< A or B of a LoRA pair
  bias,       ///< a vector that is added, by a projection or a normalisation
  output,     ///< [vocabulary, dim], where it is not the embedding: what hidden states become logits by
};

/// A weight as its model needs it, whether or not it is there yet. A vector is [1, cols].
struct WeightInfo {
  WeightRole role{};
  Index rows = 0, cols = 0;
  /// Not 0: the rows are those of so many heads, which are rotated (Su et al. 2021, arXiv:2104.09864): row j of a head with row
  /// j + half, as in Hugging Face's files. Files in which the two are neighbours are sorted when they are read.
  Index rotary_heads = 0;

  /// From a role alone, too: a layer of one's own need say no more.
  constexpr WeightInfo(WeightRole of = {}, Index rows_needed = 0, Index cols_needed = 0, Index rotated = 0) noexcept
      : role(of), rows(rows_needed), cols(cols_needed), rotary_heads(rotated) {}
  constexpr bool is_vector() const noexcept { return role == WeightRole::norm || role == WeightRole::bias; }
  /// For visitors that ask for no more.
  constexpr operator WeightRole() const noexcept { return role; }
};

}  // namespace tfm::inline TFM_ABI
