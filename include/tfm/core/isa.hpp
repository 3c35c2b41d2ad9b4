#pragma once
// The instruction sets that kernels are compiled for, and what this CPU has.
#include <array>
#include <cstddef>
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

// The list of instruction sets: X(name, base, probe). A set's kernels are its own, all of them where it is its own base; otherwise those
// of its base but for the products that its name is for (kernels/cpu/each_region.inl). The best one is the last that the CPU supports:
// probe says what it needs besides its base, and is asked on its own architecture alone. Enumerators are there on every architecture.
#define TFM_ISAS_AARCH64(X)                                                              \
  X(neon, neon, true)                                                                    \
  X(neon_dotprod, neon, detail::has_feature("hw.optional.arm.FEAT_DotProd", 20, 0))      \
  X(neon_i8mm, neon_dotprod, detail::has_feature("hw.optional.arm.FEAT_I8MM", 0, 13))
#define TFM_ISAS_X86(X)                                                                                                                     \
  X(avx2, avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) /* F16C is in every CPU that has AVX2 */                    \
  X(avx_vnni, avx2, detail::has_avx_vnni())                                                                                                 \
  X(avx512, avx512, supported(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&                      \
    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))                                                               \
  X(avx512_vnni, avx512, __builtin_cpu_supports("avx512vnni"))                                                                              \
  X(avx512_bf16, avx512_vnni, __builtin_cpu_supports("avx512bf16")) /* used by Arithmetic::bf16 alone */
#define TFM_ISAS(X) X(baseline, baseline, true) TFM_ISAS_AARCH64(X) TFM_ISAS_X86(X)

// Those of this architecture that this compiler has compiled: each has a region.
#if defined(__x86_64__)
#define TFM_ISAS_HERE(X) X(baseline, baseline, true) TFM_ISAS_X86(X)
#elif defined(__aarch64__) && TFM_ARM_DOT_PRODUCTS
#define TFM_ISAS_HERE(X) X(baseline, baseline, true) TFM_ISAS_AARCH64(X)
#elif defined(__aarch64__)
#define TFM_ISAS_HERE(X) X(baseline, baseline, true) X(neon, neon, true)
#else
#define TFM_ISAS_HERE(X) X(baseline, baseline, true)
#endif

namespace tfm::inline TFM_ABI {

/// An instruction set that kernels are compiled for: baseline is what every CPU of the architecture has (SSE2, or NEON through xsimd).
enum class Isa : unsigned char {
#define TFM_X(name, ...) name,
  TFM_ISAS(TFM_X)
#undef TFM_X
};

namespace detail {

struct IsaFacts {
  std::string_view name;
  Isa base;
};
inline constexpr std::array isa_facts{
#define TFM_X(name, base, ...) IsaFacts{#name, Isa::base},
    TFM_ISAS(TFM_X)
#undef TFM_X
};

#if defined(__x86_64__)
// Not every compiler's __builtin_cpu_supports knows it: leaf 7, part 1, bit 4 of EAX.
inline bool has_avx_vnni() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & 16u) != 0;
}
#elif defined(__aarch64__)
// A feature by Apple's name, or by its bit in Linux's words HWCAP or HWCAP2; 0: not there.
inline bool has_feature([[maybe_unused]] const char* apple, [[maybe_unused]] int hwcap, [[maybe_unused]] int hwcap2) noexcept {
#if defined(__linux__)
  return hwcap != 0 ? (getauxval(AT_HWCAP) >> hwcap & 1) != 0 : (getauxval(AT_HWCAP2) >> hwcap2 & 1) != 0;
#elif defined(__APPLE__)
  int has = 0;
  std::size_t size = sizeof has;
  return sysctlbyname(apple, &has, &size, nullptr, 0) == 0 && has != 0;
#else
  return false;
#endif
}
#endif

}  // namespace detail

inline constexpr int isa_count = static_cast<int>(detail::isa_facts.size());

constexpr std::string_view name(Isa isa) noexcept { return detail::isa_facts[static_cast<std::size_t>(isa)].name; }

/// The instruction set whose kernels it has, but for the products that its own name is for; itself where all are its own.
constexpr Isa base(Isa isa) noexcept { return detail::isa_facts[static_cast<std::size_t>(isa)].base; }
/// The one that compiled all kernels but those products.
constexpr Isa whole_region(Isa isa) noexcept {
  while (base(isa) != isa) isa = base(isa);
  return isa;
}

/// Whether this CPU, and its operating system, run it, and this compiler has compiled it.
inline bool supported(Isa isa) noexcept {
  if (base(isa) != isa && !supported(base(isa))) return false;
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  switch (isa) {
#define TFM_X(name, base, ...) \
  case Isa::name: return __VA_ARGS__;
    TFM_ISAS_HERE(TFM_X)
#undef TFM_X
    default: return false;
  }
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
