#pragma once
// What the entries of a region take: plain structs and sizes that all regions share.
#include <cstdint>

#include "tfm/core/isa.hpp"
#include "tfm/core/random.hpp"
#include "tfm/numeric/panels.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// Bytes of sixteen binary16: what a panel has for one column, or one block's scales.
inline constexpr Index sixteen_halves = 2 * panel_rows;

/// Quantised activations: row t is at q + t cols, what belongs to its blocks at t blocks. A block's start is -8 times its sum: there a
/// product begins to sum whose weights are stored 8 too large, and at 16 times that one whose weights are 128 too large. Its half start is
/// that of its first half.
struct Quantised {
  const signed char* q;
  const float* scales;
  const float* scaled_sums;
  const int *starts, *half_starts;
  Index cols, blocks;
  bool added = false;  // their product is added to y, not stored

  // What products of Int8 weights keep in floating point: or null.
  const std::uint64_t* outliers = nullptr;  // token t: bit k % 64 of word t words + k / 64 for column k
  const int* outlier_counts = nullptr;      // of each token
  Index words = 0;
};

/// y = x Wᵀ.
struct MatmulTask {
  Panels w;                      // or, if data is null, the row-major floats below
  const float* row_major;
  Quantised quantised;           // q null: float32 activations
  Quantised rest;                // q null, or what `quantised` leaves of x, quantised: its product is added
  const unsigned short* x_bf16;  // not null: bfloat16 activations, rows of an even number of values
  const float* x;
  Index tokens;
  float* y;
  bool added;                    // to what y has; not of quantised activations
};

/// dy, each value times its output row's scale, as int8 in groups of gradient_group output rows. A group's start is -8 times its sum.
struct QuantisedGradient {
  const signed char* q;  // row t at t q_row, padded with 0 to a multiple of 16
  const float* scales;   // of row t at t groups
  const int* starts;
  Index q_row, groups;
};

/// dx += dy W.
struct BackwardTask {
  Panels w;
  const float* row_major;
  const float* dy;
  const unsigned short* dy_bf16;  // or null; rows of an even number of values
  QuantisedGradient quantised;    // q null: float32 or bfloat16
  Index tokens;
  float* dx;
};

inline constexpr Index expand_k = 256;  // columns expanded at a time: panels of 4 x 256 x 16 floats stay in the second cache
inline constexpr Index expand_floats = 4 * expand_k * 16;
inline constexpr Index backward_rows = 256;                // output rows that a gradient of the input takes at a time: as large
inline constexpr Index backward_tokens = 512;              // tokens whose gradient of 64 columns is summed in scratch
inline constexpr Index scratch_floats = expand_floats * 3 / 2;  // and the same as bfloat16
constexpr Index backward_floats(Index tokens) noexcept { return scratch_floats + 64 * (tokens < backward_tokens ? tokens : backward_tokens); }
inline constexpr Index gradient_group = 128;  // output rows that share a scale where a gradient is int8: a divisor of backward_rows

/// dw += dyᵀ x.
struct AccumulateTask {
  const float* dy;      // [tokens, out]
  const float* x;       // sixteen columns of token t at t stride, those of panel p at p panel
  Index panel, stride;
  Index out, in, tokens;
  float* dw;            // [out, in]
};
inline constexpr Index accumulate_rows = 96, accumulate_tokens = 512;  // of dw and of dy at a time: whole tiles
inline constexpr Index accumulate_floats = accumulate_tokens * accumulate_rows;
inline constexpr Index short_row = 128;  // floats: several such rows share a page

/// Bytes of sixteen positions' keys and values of one head, as kernels/attention.hpp describes them.
constexpr Index key_panel_bytes(Format format, Index head_dim) noexcept { return panel_bytes(format, head_dim); }
constexpr Index value_panel_bytes(Format format, Index head_dim) noexcept {
  return panel_header_bytes(format, head_dim) + 16 * round_up(head_dim, 16) * cached_bytes(format);
}

/// Numbers of a head that share a scale where keys and values are cached in Q8_0. Its bytes there are those of the scales of sixteen.
inline constexpr Index cache_block = FormatTraits<Format::q8_0>::block;
static_assert(cache_block == sixteen_halves);

/// Attention of the query heads that share one key/value head.
struct AttentionHead {
  const std::byte* keys;    // as cached
  const std::byte* values;
  Format format;            // F32, F16 or Q8_0
  Index head_dim, value_row;
  const float* q;           // query head h of token t is at q + t q_row + h head_dim
  Index q_row;
  float* out;               // likewise
  Index out_row;
  Index group;              // query heads that share this key/value head
  Index position;           // of token 0: token t sees keys 0 .. position + t
  float scale;
  float* weights;           // or null: [head][token][weights_row], probabilities of all keys
  Index weights_tokens, weights_row;

  // What training and encoders add.
  const Index* visible = nullptr;  // or how many keys each token sees, in place of position; -1: none, so all `key_count` alike
  Index key_count = 0;
  float* softmax = nullptr;        // or [token][group][2]: the largest score and the sum, for backward
  std::uint64_t dropout_key = 0;   // of the weights: a function of it, head, token and key
  float dropout = 0;
  Index first_head = 0;            // the number of query head 0
};

/// One sequence's keys and values on their way into a cache: token t's stand at key + t row, value + t row.
struct CacheRows {
  const float *key, *value;
  Index row;
  std::byte *keys, *values;  // the cache's, of position 0
  Index key_head_bytes, value_head_bytes;
  Format format;
  Index kv_heads, head_dim;
  Index position;            // of token 0
};

inline constexpr Index query_tile = 6, key_block = 64;
/// Query tiles that walk through the cache side by side, so that it is read once for all of them.
inline constexpr Index most_tiles = 4;
constexpr Index tiles_together(Format format) noexcept { return cached_bytes(format) < Index{sizeof(float)} ? most_tiles : 1; }
/// Keys that have a softmax of their own, which is then joined to those before it: what threads share out.
inline constexpr Index piece_keys = 256;

/// Floats of what a query row knows of a piece: the weighted sum of values, sixteen sums of weights, sixteen times the largest score.
constexpr Index part_floats(Index head_dim) noexcept { return round_up(head_dim, 16) + 2 * 16; }

/// Floats of scratch that one worker needs for it.
constexpr Index attention_floats(Format format, Index head_dim) noexcept {
  const Index rows = query_tile * (tiles_together(format) * (head_dim + 2 * part_floats(head_dim)) + key_block);
  return rows + (is_quantised(format) ? key_block * (head_dim + round_up(head_dim, 16)) : 0);
}

/// The same where keys and values are rows, at most `keys` of them.
constexpr Index attention_rows_floats(Index head_dim, Index keys) noexcept {
  return round_up(keys, key_block) * (head_dim + round_up(head_dim, 16)) + attention_floats(Format::f32, head_dim);
}

/// The gradient of one key/value head's attention, from row-major q, k, v [.., heads x head_dim]; adds to dq, dk, dv.
struct AttentionBackward {
  AttentionHead forward;           // q, q_row, out, out_row, group, position, scale, visible, key_count, softmax, dropout
  Index tokens;
  const float *k, *v;              // this head's; rows of kv_row
  Index kv_row;
  const float* dout;               // rows of out_row
  float *dq, *dk, *dv;             // rows of q_row, kv_row, kv_row
};
inline constexpr Index backward_tile = 48;

/// Floats of scratch that one worker needs for it.
constexpr Index attention_backward_floats(Index head_dim, Index keys) noexcept {
  const Index room = round_up(keys, key_block), padded = round_up(head_dim, 16);
  return 2 * room * head_dim + 3 * room * padded + backward_tile * (2 * head_dim + 3 * padded + 2 * key_block);
}

/// The lowest id among a row's largest logits, or -1 where one is NaN or +inf, or all are -inf.
struct LargestLogit {
  std::int32_t token = -1;
  float logit = 0;
};

/// One step of Adam or AdamW for all parameters.
struct AdamStep {
  float beta1, beta2, eps;
  float rate;             // lr / (1 - beta1^t)
  float root_correction;  // sqrt(1 - beta2^t)
  float keep;             // 1 - lr decay
  float gradient_scale;   // of clipping
};

/// One step of gradient descent with momentum for all parameters.
struct SgdStep {
  float rate, momentum, decay;
  float gradient_scale;  // of clipping
  bool nesterov;
};

}  // namespace tfm::inline TFM_ABI::kernels
