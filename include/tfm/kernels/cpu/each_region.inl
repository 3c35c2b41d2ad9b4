// Includes TFM_REGION_FILE once for each instruction set of this architecture, compiled for it (TFM_ISAS_HERE lists the same). There
//   TFM_REGION         is its name
//   TFM_REGION_BASE    the one whose kernels it has but for the products of its own; not defined where all are its own
//   TFM_REGION_LANES   the file of its registers and instructions
//   TFM_REGION_BF16    is defined where its own products are of bfloat16; of int8 otherwise

#define TFM_REGION baseline
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_baseline.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_LANES

#if defined(__x86_64__)
TFM_TARGET_BEGIN("avx2,fma,f16c")
#define TFM_REGION avx2
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_avx2.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_LANES
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avxvnni")
#define TFM_REGION avx_vnni
#define TFM_REGION_BASE avx2
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_avx_vnni.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_LANES
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq")
#define TFM_REGION avx512
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_avx512.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_LANES
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#define TFM_REGION avx512_vnni
#define TFM_REGION_BASE avx512
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_avx512_vnni.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_LANES
TFM_TARGET_END

TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")
#define TFM_REGION avx512_bf16
#define TFM_REGION_BASE avx512_vnni
#define TFM_REGION_BF16
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_avx512_bf16.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_BF16
#undef TFM_REGION_LANES
TFM_TARGET_END

#elif defined(__aarch64__)
#define TFM_REGION neon
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_neon.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_LANES

#if TFM_ARM_DOT_PRODUCTS
TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod")
#define TFM_REGION neon_dotprod
#define TFM_REGION_BASE neon
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_neon_dotprod.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_LANES
TFM_TARGET_END

TFM_TARGET_BEGIN("arch=armv8.2-a+dotprod+i8mm")
#define TFM_REGION neon_i8mm
#define TFM_REGION_BASE neon_dotprod
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_neon_i8mm.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_LANES
TFM_TARGET_END
#endif
#endif
