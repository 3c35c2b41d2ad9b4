#pragma once
// The kernels' bodies, compiled once for each instruction set of the architecture, each in a namespace of its own; and
// the one switch that chooses among them.
#include <cstddef>
#include <xsimd/xsimd.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "tfm/core/isa.hpp"
#include "tfm/kernels/cpu/target.hpp"
#include "tfm/kernels/cpu/tasks.hpp"

// Either every file that uses a kernel compiles it (TFM_KERNEL is inline), or, with TFM_COMPILED, one file does
// (cmake/compiled.cpp, which defines TFM_KERNEL_BODIES), and the others link with it.
#if !defined(TFM_COMPILED)
#define TFM_KERNEL inline
#define TFM_KERNEL_BODIES
#else
#define TFM_KERNEL
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12's own intrinsics begin with undefined registers
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

namespace tfm::inline TFM_ABI::kernels::baseline::inline TFM_UNIT {
inline constexpr Isa this_isa = Isa::baseline;
#include "tfm/kernels/cpu/entries.inl"
#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/lanes_baseline.inl"
#include "tfm/kernels/cpu/region_bodies.inl"
#endif
}

#if defined(__x86_64__)
TFM_TARGET_BEGIN("avx2,fma,f16c")
namespace tfm::inline TFM_ABI::kernels::avx2::inline TFM_UNIT {
inline constexpr Isa this_isa = Isa::avx2;
#include "tfm/kernels/cpu/entries.inl"
#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/lanes_avx2.inl"
#include "tfm/kernels/cpu/lanes_avx2_bytes.inl"
#include "tfm/kernels/cpu/region_bodies.inl"
#endif
}
TFM_TARGET_END

// Four regions have only what their instruction is for; all else is the region that they name. This is the first of them.
TFM_TARGET_BEGIN("avx2,fma,f16c,avxvnni")
namespace tfm::inline TFM_ABI::kernels::avx_vnni::inline TFM_UNIT {
using namespace avx2;
inline constexpr Isa this_isa = Isa::avx_vnni;
#include "tfm/kernels/cpu/entries_int8.inl"
#if defined(TFM_KERNEL_BODIES)
#define TFM_LANES_VNNI
#include "tfm/kernels/cpu/lanes_avx2_bytes.inl"
#undef TFM_LANES_VNNI
#include "tfm/kernels/cpu/region_int8.inl"
#endif
}
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
namespace tfm::inline TFM_ABI::kernels::avx512::inline TFM_UNIT {
inline constexpr Isa this_isa = Isa::avx512;
#include "tfm/kernels/cpu/entries.inl"
#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/lanes_avx512.inl"
#include "tfm/kernels/cpu/lanes_avx512_bytes.inl"
#include "tfm/kernels/cpu/region_bodies.inl"
#endif
}
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
namespace tfm::inline TFM_ABI::kernels::avx512_vnni::inline TFM_UNIT {
using namespace avx512;
inline constexpr Isa this_isa = Isa::avx512_vnni;
#include "tfm/kernels/cpu/entries_int8.inl"
#if defined(TFM_KERNEL_BODIES)
#define TFM_LANES_VNNI
#include "tfm/kernels/cpu/lanes_avx512_bytes.inl"
#undef TFM_LANES_VNNI
#include "tfm/kernels/cpu/region_int8.inl"
#endif
}
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")
namespace tfm::inline TFM_ABI::kernels::avx512_bf16::inline TFM_UNIT {
using namespace avx512;
inline constexpr Isa this_isa = Isa::avx512_bf16;
TFM_KERNEL Isa bf16_chunk(const MatmulTask& a, Index first, Index count, float* scratch);
TFM_KERNEL Isa bf16_row(const float* x, Index count, unsigned short* out);
TFM_KERNEL Isa bf16_backward_chunk(const BackwardTask& a, Index k, Index n, float* scratch);
#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/body_bf16.inl"
#endif
}
TFM_TARGET_END
#endif

#if defined(__aarch64__)
namespace tfm::inline TFM_ABI::kernels::neon::inline TFM_UNIT {
inline constexpr Isa this_isa = Isa::neon;
#include "tfm/kernels/cpu/entries.inl"
#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/lanes_neon.inl"
#include "tfm/kernels/cpu/lanes_neon_bytes.inl"
#include "tfm/kernels/cpu/region_bodies.inl"
#endif
}

#if TFM_ARM_DOT_PRODUCTS
TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace tfm::inline TFM_ABI::kernels::neon_dotprod::inline TFM_UNIT {
using namespace neon;
inline constexpr Isa this_isa = Isa::neon_dotprod;
#include "tfm/kernels/cpu/entries_int8.inl"
#if defined(TFM_KERNEL_BODIES)
#define TFM_LANES_DOTPROD
#include "tfm/kernels/cpu/lanes_neon_bytes.inl"
#include "tfm/kernels/cpu/region_int8.inl"
#undef TFM_LANES_DOTPROD
#endif
}
TFM_TARGET_END

TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
namespace tfm::inline TFM_ABI::kernels::neon_i8mm::inline TFM_UNIT {
using namespace neon;
inline constexpr Isa this_isa = Isa::neon_i8mm;
#include "tfm/kernels/cpu/entries_int8.inl"
#if defined(TFM_KERNEL_BODIES)
#define TFM_LANES_DOTPROD
#define TFM_LANES_I8MM
#include "tfm/kernels/cpu/lanes_neon_bytes.inl"
#include "tfm/kernels/cpu/region_int8.inl"
#undef TFM_LANES_I8MM
#undef TFM_LANES_DOTPROD
#endif
}
TFM_TARGET_END
#endif
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

// TFM_ON(isa, call): evaluates kernels::REGION::call in the whole region of isa; TFM_ON_INT8 that of int8_chunk and
// int8_backward_chunk.
#if defined(__x86_64__)
#define TFM_ON(isa, ...)                                                        \
  ((isa) >= ::tfm::Isa::avx512 ? ::tfm::kernels::avx512::__VA_ARGS__            \
   : (isa) >= ::tfm::Isa::avx2 ? ::tfm::kernels::avx2::__VA_ARGS__              \
                               : ::tfm::kernels::baseline::__VA_ARGS__)
#define TFM_ON_INT8(isa, ...)                                                   \
  ((isa) >= ::tfm::Isa::avx512_vnni ? ::tfm::kernels::avx512_vnni::__VA_ARGS__  \
   : (isa) == ::tfm::Isa::avx_vnni  ? ::tfm::kernels::avx_vnni::__VA_ARGS__     \
                                    : TFM_ON(isa, __VA_ARGS__))
#define TFM_ON_BF16(isa, ...) ::tfm::kernels::avx512_bf16::__VA_ARGS__
#elif defined(__aarch64__)
#define TFM_ON(isa, ...) ((isa) >= ::tfm::Isa::neon ? ::tfm::kernels::neon::__VA_ARGS__ : ::tfm::kernels::baseline::__VA_ARGS__)
#if TFM_ARM_DOT_PRODUCTS
#define TFM_ON_INT8(isa, ...)                                                   \
  ((isa) == ::tfm::Isa::neon_i8mm      ? ::tfm::kernels::neon_i8mm::__VA_ARGS__    \
   : (isa) == ::tfm::Isa::neon_dotprod ? ::tfm::kernels::neon_dotprod::__VA_ARGS__ \
                                       : TFM_ON(isa, __VA_ARGS__))
#else
#define TFM_ON_INT8(isa, ...) TFM_ON(isa, __VA_ARGS__)
#endif
#else
#define TFM_ON(isa, ...) (::tfm::kernels::baseline::__VA_ARGS__)
#define TFM_ON_INT8(isa, ...) TFM_ON(isa, __VA_ARGS__)
#endif
