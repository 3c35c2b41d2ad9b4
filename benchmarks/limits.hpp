#pragma once
// The limits that work is measured against, probed in the same run: float32, int8 and bfloat16 arithmetic, and reading memory.
#include <chrono>
#include <thread>
#include <vector>

#include <tfm/kernels/dispatch.hpp>

#include "isa_named.hpp"

namespace limits {

using tfm::Index;
using tfm::Isa;
inline thread_local volatile float sink;

inline double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// One instruction set's probes: each does some rounds of work and returns what it did, operations or bytes.
struct Probes {
  double (*multiply_add)(Index rounds);
  double (*dot_int8)(Index rounds);
  double (*dot_bf16)(Index rounds);  // null where no instruction has them
  double (*read_streams)(const float* from, Index size);
};

}  // namespace limits

#define TFM_REGION_FILE "limits_region.inl"
#include <tfm/kernels/cpu/each_region.inl>
#undef TFM_REGION_FILE

namespace limits {

inline const Probes& probes(Isa isa) noexcept {
  switch (isa) {
#define TFM_X(name, ...) \
  case Isa::name: return tfm::kernels::name::probes;
    TFM_ISAS_HERE(TFM_X)
#undef TFM_X
    default: return tfm::kernels::baseline::probes;
  }
}

/// The best of several rounds, `threads` at once, of work(thread) that returns what it did: units per second of all.
template <class Work>
double best_rate(int threads, Work work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::thread> others;
    std::vector<double> done(static_cast<std::size_t>(threads));
    const double begin = seconds();
    for (int t = 0; t < threads; ++t) others.emplace_back([&, t] { done[static_cast<std::size_t>(t)] = work(t); });
    for (auto& other : others) other.join();
    double sum = 0;
    for (const double d : done) sum += d;
    best = std::max(best, sum / (seconds() - begin));
  }
  return best;
}

/// Operations (2 for a multiply-add) per second in float32.
inline double float32(Isa isa, int threads) {
  return best_rate(threads, [isa](int) { return probes(isa).multiply_add(4'000'000); });
}
/// The same for exact signed int8 dot products.
inline double int8(Isa isa, int threads) {
  return best_rate(threads, [isa](int) { return probes(isa).dot_int8(4'000'000); });
}
/// The same for products of pairs of bfloat16; 0 where no instruction has them.
inline double bf16(Isa isa, int threads) {
  if (probes(isa).dot_bf16 == nullptr) return 0;
  return best_rate(threads, [isa](int) { return probes(isa).dot_bf16(4'000'000); });
}
/// Bytes per second, each thread reading its own 256 MiB in four streams.
inline double reading(Isa isa, int threads) {
  constexpr Index size = 256 * tfm::MiB;
  std::vector<std::vector<float>> memory(static_cast<std::size_t>(threads), std::vector<float>(static_cast<std::size_t>(size / 4), 1.f));
  return best_rate(threads, [&](int t) { return probes(isa).read_streams(memory[static_cast<std::size_t>(t)].data(), size); });
}

}  // namespace limits
