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

// Which file compiles what. Without a macro each file compiles what it uses, as of any header-only library. With TFM_COMPILED headers
// only declare what is dear, and one file of the program compiles it: the one that defines TFM_IMPLEMENTATION, or tfm::compiled.
// FILE.hpp declares, and at its end includes FILE.inl, which defines, where this file is to compile it (docs/decisions/0017).
#if defined(TFM_IMPLEMENTATION)
#if !defined(TFM_COMPILED)
#define TFM_COMPILED
#endif
#define TFM_DEFINITIONS     // functions that are no templates
#define TFM_KERNEL_BODIES   // kernels
#define TFM_JINJA_BODIES    // the interpreter of chat templates
#define TFM_COMPILED_LLAMA  // AnyLlama and AnyModel, their sessions and chats
#define TFM_COMPILED_TRAINING  // what trains AnyLlama and the Transformer of a shape known at run time
#elif !defined(TFM_COMPILED)
#define TFM_DEFINITIONS
#define TFM_KERNEL_BODIES
#endif
#if defined(TFM_COMPILED)
#define TFM_INLINE
#else
#define TFM_INLINE inline
#endif
// In front of explicit instantiations, which stand only where one of these is defined: the file that compiles them has them as they are,
// files that find them compiled as extern.
#if defined(TFM_COMPILED) && defined(TFM_COMPILED_LLAMA)
#define TFM_EXTERN
#elif defined(TFM_COMPILED) && !defined(TFM_DEFINITIONS)
#define TFM_EXTERN extern
#endif
#if defined(TFM_COMPILED) && defined(TFM_COMPILED_TRAINING)
#define TFM_EXTERN_TRAINING
#elif defined(TFM_COMPILED) && !defined(TFM_DEFINITIONS)
#define TFM_EXTERN_TRAINING extern
#endif
