#pragma once
// KvCache: the keys and values of sequences that are being continued, a value that the caller owns.
#include <algorithm>
#include <string>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/kernels/cache.hpp"
#include "tfm/kernels/host.hpp"
#include "tfm/layers/state.hpp"

namespace tfm::inline TFM_ABI {

/// What a cache is made for.
struct CacheShape {
  Index layers{}, kv_heads{}, head_dim{}, context{}, sequences = 1;
  Format format = Format::f16;  ///< F32, F16 or Q8_0

  /// Positions that have room: whole panels of keys.
  constexpr Index room() const noexcept { return round_up(context, 16); }
  /// What a head takes.
  constexpr Index key_head_bytes() const noexcept { return room() / 16 * kernels::key_panel_bytes(format, head_dim); }
  constexpr Index value_head_bytes() const noexcept { return room() / 16 * kernels::value_panel_bytes(format, head_dim); }
  constexpr Index sequence_bytes() const noexcept { return kv_heads * (key_head_bytes() + value_head_bytes()); }
  /// Bytes of the whole cache.
  constexpr Index bytes() const noexcept { return layers * sequences * sequence_bytes(); }
};

/// A State (state.hpp) of `sequences` slots of `context` positions each. Errors: OptionError for a format that is none of F32, F16 and Q8_0, or
/// sizes below 1.
class KvCache {
  CacheShape shape_;
  AlignedBytes bytes_;
  std::vector<Index> length_;

  std::byte* base(Index layer, Index slot) const noexcept { return bytes_.data() + (layer * shape_.sequences + slot) * shape_.sequence_bytes(); }

 public:
  KvCache() = default;
  explicit KvCache(const CacheShape& shape) : shape_(shape) {
    const auto cached = [](Format format) { return cached_bytes(format) > 0; };
    if (!cached(shape.format))
      raise<OptionError>({"tfm: a cache stores ", format_names(cached), ", found ", name(shape.format)});
    if (shape.context < 1 || shape.sequences < 1)
      raise<OptionError>({"tfm: a cache needs a context and sequences of at least 1, found ", shape.context, " and ", shape.sequences});
    bytes_ = AlignedBytes(shape.bytes());
    length_.assign(to_size(shape.sequences), 0);
  }

  const CacheShape& shape() const noexcept { return shape_; }
  Index sequences() const noexcept { return shape_.sequences; }
  Index context() const noexcept { return shape_.context; }
  /// Positions that slot holds.
  Index length(Index slot) const noexcept { return length_[to_size(slot)]; }

  std::byte* keys(Index layer, Index slot) const noexcept { return base(layer, slot); }
  std::byte* values(Index layer, Index slot) const noexcept { return base(layer, slot) + shape_.kv_heads * shape_.key_head_bytes(); }

  /// Counts n positions that every layer has written.
  void advance(Index slot, Index n) noexcept { length_[to_size(slot)] += n; }
  /// Forgets what stands at n and after it; returns the length that is left.
  Index truncate(Index slot, Index n) noexcept { return length_[to_size(slot)] = std::clamp<Index>(n, 0, length(slot)); }
  /// Slot `to` becomes a copy of slot `from`, to be continued differently.
  void fork(Index from, Index to) noexcept {
    if (from == to) return;
    const Index used = ceil_div(length(from), 16);  // whole panels; what stands behind them nobody reads
    const Index key_bytes = used * kernels::key_panel_bytes(shape_.format, shape_.head_dim);
    const Index value_bytes = used * kernels::value_panel_bytes(shape_.format, shape_.head_dim);
    for (Index layer = 0; layer < shape_.layers; ++layer)
      for (Index h = 0; h < shape_.kv_heads; ++h) {
        const Index key = h * shape_.key_head_bytes(), value = h * shape_.value_head_bytes();
        kernels::copy_bytes(keys(layer, from) + key, keys(layer, to) + key, key_bytes);
        kernels::copy_bytes(values(layer, from) + value, values(layer, to) + value, value_bytes);
      }
    length_[to_size(to)] = length(from);
  }
};
static_assert(State<KvCache>);

}  // namespace tfm::inline TFM_ABI
