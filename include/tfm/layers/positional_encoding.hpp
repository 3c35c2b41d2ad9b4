#pragma once
// PositionalEncoding: sine and cosine of a token's position, added to its embedding.    Vaswani et al. 2017,
// section 3.5
#include "tfm/kernels/rope.hpp"
#include "tfm/layers/dropout.hpp"

namespace tfm::inline TFM_ABI {

/// Column 2 i is sin(position / 10000^(2 i / dim)), column 2 i + 1 its cosine. The angle is rounded to float32, as
/// PyTorch has it.
struct PositionalEncoding {
  Buffer table;  ///< [positions, dim]
  Dropout dropout;

  PositionalEncoding() = default;
  /// dim is even.
  PositionalEncoding(Index positions, Index dim, float rate = 0) : table(positions, dim), dropout{rate} {
    kernels::sinusoidal_positions(table);
  }

  /// x [tokens, dim] in place: each token's row of the table is added, then dropout. Positions are below the table's.
  void forward(Context& context, const Batch& batch, MutableView x) const noexcept {
    {
      const Arena::Frame frame(context.scratch);
      auto* const rows = context.scratch.take<Index>(batch.tokens());
      for (Index s = 0; s < batch.sequences(); ++s)
        for (Index t = 0; t < batch.length(s); ++t) rows[batch.first(s) + t] = batch.position_of(s) + t;
      kernels::gather_add(context, table, rows, x);
    }
    dropout.forward(context, batch, x);
  }
  /// dx += …
  void backward(Context& context, const Batch& batch, View dy, MutableView dx) const noexcept {
    dropout.add(context, batch, dy, dx);
  }

  void visit(auto&& f) { f("dropout", dropout); }
  void visit(auto&& f) const { f("dropout", dropout); }
};

}  // namespace tfm::inline TFM_ABI
