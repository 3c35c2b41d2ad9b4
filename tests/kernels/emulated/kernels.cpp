// The kernels of every instruction set, as cmake/compiled/kernels.cpp compiles them, but with AVX-512's intrinsics emulated:
// all regions above the baseline are AVX2's code. A program that links this file never needs the library's own.
#include <xsimd/xsimd.hpp>

#include "kernels/emulated/avx512.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/kernels/cpu/tasks.hpp"

#undef TFM_TARGET_BEGIN
#if defined(__clang__)
#define TFM_TARGET_BEGIN(list) TFM_PRAGMA(clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function))
#else
#define TFM_TARGET_BEGIN(list) TFM_PRAGMA(GCC push_options) TFM_PRAGMA(GCC target("avx2,fma,f16c"))
#endif
// What bodies ask of registers (hold()) keeps them fast, and 64 bytes fit in none here.
#define asm(...) static_cast<void>(0)

#define TFM_KERNEL_BODIES
#include "tfm/kernels/cpu/regions.hpp"
