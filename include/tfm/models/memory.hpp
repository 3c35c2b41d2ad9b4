#pragma once
// How many bytes a model needs, before it is loaded.
#include "tfm/numeric/format_table.hpp"

namespace tfm::inline TFM_ABI {

/// What a model is to be used for.
struct MemoryOptions {
  Index context = 0;    ///< positions of each sequence; 0: the shape's
  Index sequences = 1;  ///< sequences in the cache and in a batch
  Index chunk = 512;    ///< tokens of a forward pass, at most
  Index threads = 1;
  Index rank = 0;  ///< the largest rank of the sequences' adapters, as LoraLinear computes; 0: none has one
  Format cache = Format::f16;  ///< of the keys and values: F32, F16 or Q8_0
};

/// Bytes by what they are for; what allocations ask for, without the heap's own. A Session's ids and its two rows of logits, those of
/// before a pass and those that it writes, are among them.
struct Memory {
  Index weights{}, cache{}, scratch{}, logits{};
  constexpr Index total() const noexcept { return weights + cache + scratch + logits; }
};

namespace detail {

inline constexpr Index owner_bytes = 64;  // what shares a packed weight's bytes: 32 to 48 in the standard libraries

/// What a Context, its threads and a cache's lists take beside their arenas.
constexpr Index bookkeeping_bytes(Index threads, Index sequences) noexcept {
  return 1024 + 256 * threads + 64 * sequences;
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
