#pragma once
// The version of tfm, the namespace that carries it, and what the library asks of a compiler.

#define TFM_VERSION_MAJOR 0
#define TFM_VERSION_MINOR 1
#define TFM_VERSION_PATCH 0

#if defined(_MSC_VER)
#error "tfm: MSVC has not been tested; build with g++ 12, clang 14 or newer"
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tfm: model files are little-endian and are mapped as they are; big-endian machines have not been tested"
#endif
#if __cplusplus < 202002L
#include "tfm: compile with -std=c++20 or newer"  // which ends here, where #error would go on to thousands of lines
#endif

// Everything lives in an inline namespace, so that two versions, or two configurations, can meet in one program.
#if !defined(TFM_ABI)
#if defined(__cpp_exceptions)
#define TFM_ABI v0_1
#else
#define TFM_ABI v0_1_noexcept
#endif
#endif
