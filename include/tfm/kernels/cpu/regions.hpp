#pragma once
// The kernels' bodies, compiled once for each instruction set of the architecture, each in a namespace of its own.
#include <cstddef>
#include <xsimd/xsimd.hpp>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#include "tfm/kernels/kth_largest.hpp"
#include "tfm/kernels/rope.hpp"
#include "tfm/kernels/tables.hpp"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12's own intrinsics begin with undefined registers
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define TFM_REGION_FILE "tfm/kernels/cpu/region.inl"
#include "tfm/kernels/cpu/each_region.inl"
#undef TFM_REGION_FILE

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

namespace tfm::inline TFM_ABI::kernels::inline TFM_UNIT {

TFM_INLINE const Table& table(Isa isa) noexcept {
  switch (isa) {
#define TFM_X(name, ...) \
  case Isa::name: return name::table;
    TFM_ISAS_HERE(TFM_X)
#undef TFM_X
    default: return baseline::table;
  }
}
TFM_INLINE const TrainingTable& training_table(Isa isa) noexcept {
  switch (isa) {
#define TFM_X(name, ...) \
  case Isa::name: return name::training_table;
    TFM_ISAS_HERE(TFM_X)
#undef TFM_X
    default: return baseline::training_table;
  }
}

}  // namespace tfm::inline TFM_ABI::kernels::inline TFM_UNIT
