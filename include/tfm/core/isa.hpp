#pragma once
// The instruction sets that kernels are compiled for, and what this CPU has. Read once, by cpuid.
#include <array>
#include <span>
#include <string_view>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// A region of kernels/cpu. Ordered: a CPU that has one has those before it on the same architecture.
enum class Isa : unsigned char {
  baseline,     ///< what every CPU of the architecture has: SSE2, or NEON through xsimd
  neon,         ///< aarch64
  avx2,         ///< AVX2, FMA, F16C
  avx512,       ///< AVX-512 F, BW, VL, DQ
  avx512_vnni,  ///< and VNNI: int8 dot products
  avx512_bf16,  ///< and BF16: bfloat16 dot products, used by Arithmetic::bf16 alone
};
inline constexpr int isa_count = 6;

constexpr std::string_view name(Isa isa) noexcept {
  constexpr std::array<std::string_view, isa_count> names{"baseline", "neon", "avx2", "avx512", "avx512_vnni", "avx512_bf16"};
  return names[static_cast<std::size_t>(isa)];
}

/// Whether this CPU, and its operating system, run it.
inline bool supported(Isa isa) noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::baseline: return true;
    case Isa::neon: return false;
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // F16C is in every CPU that has AVX2
    case Isa::avx512:
      return supported(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case Isa::avx512_vnni: return supported(Isa::avx512) && __builtin_cpu_supports("avx512vnni");
    case Isa::avx512_bf16: return supported(Isa::avx512_vnni) && __builtin_cpu_supports("avx512bf16");
  }
  return false;
#elif defined(__aarch64__)
  return isa == Isa::baseline || isa == Isa::neon;
#else
  return isa == Isa::baseline;
#endif
}

/// Whether the region has a fused multiply-add: those that have one give the same bits.
constexpr bool has_fma(Isa isa) noexcept {
#if defined(__aarch64__)
  static_cast<void>(isa);
  return true;
#else
  return isa != Isa::baseline;
#endif
}

/// The best region of this CPU.
inline Isa best_isa() noexcept {
  static const Isa best = [] {
    Isa found = Isa::baseline;
    for (int i = 1; i < isa_count; ++i)
      if (supported(static_cast<Isa>(i))) found = static_cast<Isa>(i);
    return found;
  }();
  return best;
}

/// What the products of quantised weights compute with.
enum class Arithmetic : unsigned char {
  exact,  ///< weights dequantised, float32 activations
  fast,   ///< int8 activations inside products of quantised weights, float32 elsewhere
  bf16,   ///< fast, and bfloat16 dot products for float weights where the CPU has them (not bit-stable across CPUs)
};
constexpr std::string_view name(Arithmetic arithmetic) noexcept {
  constexpr std::array<std::string_view, 3> names{"exact", "fast", "bf16"};
  return names[static_cast<std::size_t>(arithmetic)];
}

}  // namespace tfm::inline TFM_ABI
