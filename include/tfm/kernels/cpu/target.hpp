#pragma once
// Macros that open and close a region of code compiled for one instruction set, whatever the flags of the file are; and
// the name of the file's own flags, which is part of the name of everything inside a region: two files with different
// -m flags in one program must never share one such function.
// Nothing may be included inside a region but our own .inl bodies, which use nothing of std.
#include "tfm/core/config.hpp"

#if defined(TFM_COMPILED)
#define TFM_UNIT compiled
#elif defined(__AVX512F__)
#define TFM_UNIT unit_avx512
#elif defined(__AVX2__)
#define TFM_UNIT unit_avx2
#elif defined(__FMA__)
#define TFM_UNIT unit_avx_fma
#elif defined(__AVX__)
#define TFM_UNIT unit_avx
#elif defined(__SSE4_1__)
#define TFM_UNIT unit_sse4
#else
#define TFM_UNIT unit_plain
#endif

#define TFM_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define TFM_TARGET_BEGIN(list) TFM_PRAGMA(clang attribute push(__attribute__((target(list))), apply_to = function))
#define TFM_TARGET_END TFM_PRAGMA(clang attribute pop)
#define TFM_UNROLL TFM_PRAGMA(clang loop unroll(full))
#else
#define TFM_TARGET_BEGIN(list) TFM_PRAGMA(GCC push_options) TFM_PRAGMA(GCC target(list))
#define TFM_TARGET_END TFM_PRAGMA(GCC pop_options)
#define TFM_UNROLL TFM_PRAGMA(GCC unroll 32)
#endif

#define TFM_LANES inline __attribute__((always_inline))
