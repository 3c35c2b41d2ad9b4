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

}  // namespace limits

// The bodies stand beside the lanes that they use.
#define TFM_PROBES(region)                                       \
  namespace tfm::inline TFM_ABI::kernels::region::inline TFM_UNIT { \
  using limits::sink;
TFM_PROBES(baseline)
#include "limits_body.inl"
}
#if defined(__x86_64__)
TFM_TARGET_BEGIN("avx2,fma,f16c")
TFM_PROBES(avx2)
#include "limits_body.inl"
}
TFM_TARGET_END
TFM_TARGET_BEGIN("avx2,fma,f16c,avxvnni")
TFM_PROBES(avx_vnni)
#include "limits_body.inl"
}
TFM_TARGET_END
TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
TFM_PROBES(avx512)
#include "limits_body.inl"
}
TFM_TARGET_END
TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
TFM_PROBES(avx512_vnni)
#include "limits_body.inl"
}
TFM_TARGET_END
TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")
TFM_PROBES(avx512_bf16)
#include "limits_bf16_body.inl"
}
TFM_TARGET_END
#elif defined(__aarch64__)
TFM_PROBES(neon)
#include "limits_body.inl"
}
#if TFM_ARM_DOT_PRODUCTS
TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod")
TFM_PROBES(neon_dotprod)
#include "limits_body.inl"
}
TFM_TARGET_END
TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
TFM_PROBES(neon_i8mm)
#include "limits_body.inl"
}
TFM_TARGET_END
#endif
#endif
#undef TFM_PROBES

namespace limits {

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
  return best_rate(threads, [isa](int) { return TFM_ON(isa, multiply_add(4'000'000)); });
}
/// The same for exact signed int8 dot products.
inline double int8(Isa isa, int threads) {
  return best_rate(threads, [isa](int) { return TFM_ON_INT8(isa, dot_int8(4'000'000)); });
}
/// The same for products of pairs of bfloat16; 0 where no instruction has them.
inline double bf16([[maybe_unused]] Isa isa, [[maybe_unused]] int threads) {
#if defined(__x86_64__)
  if (isa == Isa::avx512_bf16) return best_rate(threads, [](int) { return TFM_ON_BF16(isa, dot_bf16(4'000'000)); });
#endif
  return 0;
}
/// Bytes per second, each thread reading its own 256 MiB in four streams.
inline double reading(Isa isa, int threads) {
  constexpr Index size = 256 * tfm::MiB;
  std::vector<std::vector<float>> memory(static_cast<std::size_t>(threads), std::vector<float>(static_cast<std::size_t>(size / 4), 1.f));
  return best_rate(threads, [&](int t) { return TFM_ON(isa, read_streams(memory[static_cast<std::size_t>(t)].data(), size)); });
}

}  // namespace limits
