#pragma once
// The plain loops that the attention kernel equals, to the last bit where the CPU has a fused multiply-add.
#include <limits>
#include <vector>

#include "tfm/kernels/attention.hpp"
#include "tfm/kernels/plain_elementwise.hpp"
#include "tfm/kernels/plain_norms.hpp"

namespace tfm::inline TFM_ABI::kernels::plain {

/// A cached key's or value's number d, for one key/value head, as the kernel's layout has it. Q8_0's scale times level is exact.
struct CachedHead {
  const std::byte *keys, *values;
  const AttentionShape& shape;

  float key(Index position, Index d) const noexcept {
    return value_at(Panels{keys, position + 1, shape.head_dim, shape.format}, position, d);
  }
  float value(Index position, Index d) const noexcept {
    const Index r = position % 16, i = r * shape.value_row() + d;
    const std::byte* const panel = values + position / 16 * value_panel_bytes(shape.format, shape.head_dim);
    if (is_quantised(shape.format)) {
      const float scale = tfm::detail::read_f16(panel + d / cache_block * cache_block + 2 * r);  // 16 scales of 2 bytes a block
      return scale * static_cast<float>(tfm::detail::read_i8(panel + panel_header_bytes(shape.format, shape.head_dim) + i));
    }
    if (cached_bytes(shape.format) == 2) return tfm::detail::read_f16(panel + 2 * i);
    float number;
    std::memcpy(&number, panel + 4 * i, 4);
    return number;
  }
};

/// What a query knows of some keys: the largest score, and weights and values summed as if that were 0.
struct SoftmaxPart {
  float largest = -std::numeric_limits<float>::infinity();
  SixteenSums sums;
  std::vector<float> out;

  explicit SoftmaxPart(Index head_dim) : out(to_size(head_dim)) {}

  void join(const SoftmaxPart& part) {
    const float now = std::max(part.largest, largest), keeps = exponential(largest - now), adds = exponential(part.largest - now);
    for (std::size_t d = 0; d < out.size(); ++d) out[d] = std::fma(part.out[d], adds, out[d] * keeps);
    for (int i = 0; i < 16; ++i) sums.lane[i] = std::fma(part.sums.lane[i], adds, sums.lane[i] * keeps);
    largest = now;
  }
};

/// One query q [head_dim] over keys up to `visible`, or those of the window that ends there: out [head_dim] = softmax(q kᵀ scale) v. The
/// softmax is gathered in blocks of 64 keys, each rescaling what came before it, and begins anew every 256, these pieces being joined in
/// their order; all are counted from position 0. probabilities [visible] as well, where they are wanted.
inline void attend(const CachedHead& cached, const float* q, Index visible, float* out, float* probabilities) {
  const Index head_dim = cached.shape.head_dim, window = cached.shape.window, first = window == 0 ? 0 : std::max<Index>(0, visible - window);
  std::vector<float> scores(to_size(visible));
  const auto attend_piece = [&](Index begin, Index stop) {
    SoftmaxPart known(head_dim);
    for (Index block = std::max(begin, first) / 64 * 64; block < stop; block += 64) {
      const Index end = std::min(block + 64, stop), from = std::max(block, first);
      float now = known.largest;
      for (Index j = from; j < end; ++j) {
        float& s = scores[to_size(j)] = 0;
        for (Index d = 0; d < head_dim; ++d) s = std::fma(q[d], cached.key(j, d), s);
        s *= cached.shape.scale;
        if (cached.shape.cap != 0) s = soft_capped(s, cached.shape.cap);
        now = std::max(now, s);
      }
      const float correction = exponential(known.largest - now);
      SixteenSums added;
      for (float& o : known.out) o *= correction;
      for (Index j = from; j < end; ++j) {
        const float e = exponential(scores[to_size(j)] - now);
        added.lane[j % 16] += e;
        for (Index d = 0; d < head_dim; ++d) known.out[to_size(d)] = std::fma(e, cached.value(j, d), known.out[to_size(d)]);
      }
      for (int i = 0; i < 16; ++i) known.sums.lane[i] = std::fma(known.sums.lane[i], correction, added.lane[i]);
      known.largest = now;
    }
    return known;
  };
  Index begin = first / 256 * 256;
  SoftmaxPart whole = attend_piece(begin, std::min(begin + 256, visible));
  while ((begin += 256) < visible) whole.join(attend_piece(begin, std::min(begin + 256, visible)));
  const float total = whole.sums.total();
  for (Index d = 0; d < head_dim; ++d) out[d] = whole.out[to_size(d)] / total;
  if (probabilities != nullptr)
    for (Index j = first; j < visible; ++j) probabilities[j] = exponential(scores[to_size(j)] - whole.largest) / total;
}

/// kernels::attention() for one sequence.
inline void attention(const AttentionShape& shape, const AttentionSequence& s) {
  const Index group = shape.heads / shape.kv_heads, all = s.position + s.q.rows;
  for (Index h = 0; h < shape.heads; ++h)
    for (Index t = 0; t < s.q.rows; ++t) {
      const CachedHead cached{s.keys + h / group * shape.key_head_bytes, s.values + h / group * shape.value_head_bytes,
                              shape};
      float* const weights = s.weights == nullptr ? nullptr : s.weights + (h * s.q.rows + t) * all;
      if (weights != nullptr) fill(MutableView{weights, 1, all}, 0);
      attend(cached, s.q.row(t) + h * shape.head_dim, s.position + t + 1, s.out.row(t) + h * shape.head_dim, weights);
    }
}

}  // namespace tfm::inline TFM_ABI::kernels::plain
