#pragma once
// The instruction sets that kernels are compiled for, and what this CPU has. Read once, by cpuid.
#include <array>
#include <string_view>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#include "tfm/core/config.hpp"

// AArch64's dot products: clang knows their intrinsics inside a region from version 16 on.
#if defined(__aarch64__) && (!defined(__clang__) || __clang_major__ >= 16)
#define TFM_ARM_DOT_PRODUCTS 1
#else
#define TFM_ARM_DOT_PRODUCTS 0
#endif

namespace tfm::inline TFM_ABI {

/// A region of kernels/cpu, and what of the CPU it needs. The best one is the last that the CPU supports.
enum class Isa : unsigned char {
  baseline,      ///< what every CPU of the architecture has: SSE2, or NEON through xsimd
  neon,          ///< aarch64
  neon_dotprod,  ///< and the dot product of int8 (FEAT_DotProd)
  neon_i8mm,     ///< and that of int8 matrices (FEAT_I8MM)
  avx2,          ///< AVX2, FMA, F16C
  avx_vnni,      ///< and AVX-VNNI: int8 dot products of 256 bits
  avx512,        ///< AVX-512 F, BW, VL, DQ
  avx512_vnni,   ///< and VNNI: int8 dot products
  avx512_bf16,   ///< and BF16: bfloat16 dot products, used by Arithmetic::bf16 alone
};
inline constexpr int isa_count = 9;

constexpr std::string_view name(Isa isa) noexcept {
  constexpr std::array<std::string_view, isa_count> names{"baseline", "neon", "neon_dotprod", "neon_i8mm", "avx2", "avx_vnni", "avx512", "avx512_vnni", "avx512_bf16"};
  return names[static_cast<std::size_t>(isa)];
}

/// The region of all kernels but the products that an instruction set's own name is for.
constexpr Isa whole_region(Isa isa) noexcept {
  switch (isa) {
    case Isa::neon_dotprod:
    case Isa::neon_i8mm: return Isa::neon;
    case Isa::avx_vnni: return Isa::avx2;
    case Isa::avx512_vnni:
    case Isa::avx512_bf16: return Isa::avx512;
    default: return isa;
  }
}

/// Whether this CPU, and its operating system, run it, and this compiler has compiled it.
inline bool supported(Isa isa) noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::baseline: return true;
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");  // F16C is in every CPU that has AVX2
    case Isa::avx_vnni: {  // not every compiler's __builtin_cpu_supports knows it: leaf 7, part 1, bit 4 of EAX
      unsigned a = 0, b = 0, c = 0, d = 0;
      return supported(Isa::avx2) && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 16u) != 0;
    }
    case Isa::avx512:
      return supported(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
    case Isa::avx512_vnni: return supported(Isa::avx512) && __builtin_cpu_supports("avx512vnni");
    case Isa::avx512_bf16: return supported(Isa::avx512_vnni) && __builtin_cpu_supports("avx512bf16");
    default: return false;
  }
#elif defined(__aarch64__)
  switch (isa) {
    case Isa::baseline:
    case Isa::neon: return true;
#if TFM_ARM_DOT_PRODUCTS && defined(__linux__)
    case Isa::neon_dotprod: return (getauxval(AT_HWCAP) & (1ul << 20)) != 0;                                 // HWCAP_ASIMDDP
    case Isa::neon_i8mm: return supported(Isa::neon_dotprod) && (getauxval(AT_HWCAP2) & (1ul << 13)) != 0;  // HWCAP2_I8MM
#elif TFM_ARM_DOT_PRODUCTS && defined(__APPLE__)
    case Isa::neon_dotprod:
    case Isa::neon_i8mm: {
      int has = 0;
      std::size_t size = sizeof has;
      const char* const feature = isa == Isa::neon_dotprod ? "hw.optional.arm.FEAT_DotProd" : "hw.optional.arm.FEAT_I8MM";
      return sysctlbyname(feature, &has, &size, nullptr, 0) == 0 && has != 0;
    }
#endif
    default: return false;
  }
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
