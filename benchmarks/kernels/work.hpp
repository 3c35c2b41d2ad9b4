#pragma once
// What the files of `kernels` share: what they measure with and against, memory to cycle through, and how a benchmark is added.
#include <benchmark/benchmark.h>

#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <tfm/core/context.hpp>
#include <tfm/core/view.hpp>
#include <tfm/numeric/format_table.hpp>

namespace work {

using namespace tfm;

/// Operations and bytes per second, measured in this process. bf16 is 0 where no instruction has it.
struct Limits {
  double float32{}, int8{}, bf16{}, reading{};

  /// The faster of the limits by which such products may be counted.
  const char* for_int8() const noexcept { return int8 > float32 ? "int8" : "float32"; }
  const char* for_bf16() const noexcept { return bf16 > float32 ? "bf16" : "float32"; }
};

/// More bytes than caches hold. All lie between 0x20 and 0x3f: in every format they are numbers and scales of ordinary size.
class Pool {
  AlignedBytes bytes_;
  Index size_;

 public:
  explicit Pool(Index size) : bytes_(size), size_(size) {
    const RandomKey key{7};
    for (Index i = 0; i < size / 8; ++i) {
      const std::uint64_t eight = (key.bits(static_cast<std::uint64_t>(i)) & 0x1f1f1f1f1f1f1f1fu) | 0x2020202020202020u;
      std::memcpy(bytes_.data() + 8 * i, &eight, 8);
    }
  }

  /// One piece of `bytes` after another, over and over.
  auto cycle(Index bytes) const {
    return [this, each = round_up(bytes, 64), at = Index{0}]() mutable -> const std::byte* {
      if (at + each > size_) at = 0;
      return bytes_.data() + std::exchange(at, at + each);
    };
  }
};

struct Setup {
  Context fast, bf16, int8_backward;  ///< on the same threads: two arithmetics, and fast with int8 gradients
  Limits limits;
  Pool pool;
  Index size = 0;  ///< of products: 0, or the only one

  Setup(int threads, Isa isa, Limits measured) : fast(threads), bf16(fast.threads), int8_backward(fast.threads), limits(measured), pool(1024 * MiB) {
    fast.isa = bf16.isa = int8_backward.isa = isa;
    bf16.arithmetic = Arithmetic::bf16;
    int8_backward.int8.backward = true;
  }
};

inline Buffer random_buffer(Index rows, Index cols, std::uint64_t seed) {
  Buffer buffer(rows, cols);
  const RandomKey key{seed};
  for (Index i = 0; i < rows * cols; ++i) buffer.view().data[i] = key.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
  return buffer;
}

/// Registers a benchmark, "GROUP/WORK"; its label is the limit that it is held against, or "". `operations` and `bytes`, each byte that it
/// must touch once, are those of one call of run().
inline void add(const std::string& name, const char* limit, Index operations, Index bytes, std::function<void()> run) {
  benchmark::RegisterBenchmark(name.c_str(), [=, run = std::move(run)](benchmark::State& state) {
    for ([[maybe_unused]] auto _ : state) run();
    state.SetItemsProcessed(state.iterations() * operations);
    state.SetBytesProcessed(state.iterations() * bytes);
    state.SetLabel(limit);
  })->UseRealTime()->Unit(benchmark::kMicrosecond);
}

// Each in a file of its own. The setup outlives the benchmarks.
void add_products(Setup& setup);
void add_one_token(Setup& setup);
void add_attention(Setup& setup);
void add_rows(Setup& setup);

}  // namespace work
