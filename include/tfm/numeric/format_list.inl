// The list of number formats: the one place that names them all. A format has a file numeric/formats/NAME.hpp with its
// FormatTraits, a file kernels/cpu/formats/NAME.inl with its loops over lanes, and two lines here.
//
// Packed files hold the places in the first list: what is added goes to its end.
#if !defined(TFM_FORMATS)

// TFM_FORMATS(X) is X(enumerator, name of the weight's class) for each format that tfm computes with.
#define TFM_FORMATS(X) \
  X(f32, FrozenF32)    \
  X(bf16, BF16)        \
  X(f16, F16)          \
  X(q8_0, Q8_0)        \
  X(q4_0, Q4_0)        \
  X(q4_1, Q4_1)        \
  X(int8, Int8)        \
  X(q4_k, Q4_K)        \
  X(q6_k, Q6_K)

// X(enumerator, name, values in a block, bytes of a block, number in GGUF or -1, whether safetensors has it, name in PyTorch or "") for
// what files have and nothing computes with. A format that gets a file of its own leaves this list.
#define TFM_STORED_FORMATS(X)                      \
  X(f64, "F64", 1, 8, 28, true, "float64")         \
  X(i64, "I64", 1, 8, 27, true, "int64")           \
  X(i32, "I32", 1, 4, 26, true, "int32")           \
  X(i16, "I16", 1, 2, 25, true, "int16")           \
  X(i8, "I8", 1, 1, 24, true, "int8")              \
  X(u8, "U8", 1, 1, -1, true, "uint8")             \
  X(boolean, "BOOL", 1, 1, -1, true, "bool")       \
  X(u16, "U16", 1, 2, -1, true, "")                \
  X(u32, "U32", 1, 4, -1, true, "")                \
  X(u64, "U64", 1, 8, -1, true, "")                \
  X(c64, "C64", 1, 8, -1, true, "complex64")       \
  X(c128, "C128", 1, 16, -1, false, "complex128")  \
  X(f8_e5m2, "F8_E5M2", 1, 1, -1, true, "")        \
  X(f8_e4m3, "F8_E4M3", 1, 1, -1, true, "")        \
  X(f8_e8m0, "F8_E8M0", 1, 1, -1, true, "")        \
  X(f8_e4m3fnuz, "F8_E4M3FNUZ", 1, 1, -1, true, "") \
  X(f4, "F4", 2, 1, -1, true, "")                  \
  X(f6_e2m3, "F6_E2M3", 4, 3, -1, true, "")        \
  X(f6_e3m2, "F6_E3M2", 4, 3, -1, true, "")        \
  X(q5_0, "Q5_0", 32, 22, 6, false, "")            \
  X(q5_1, "Q5_1", 32, 24, 7, false, "")            \
  X(q8_1, "Q8_1", 32, 36, 9, false, "")            \
  X(q2_k, "Q2_K", 256, 84, 10, false, "")          \
  X(q3_k, "Q3_K", 256, 110, 11, false, "")         \
  X(q5_k, "Q5_K", 256, 176, 13, false, "")         \
  X(q8_k, "Q8_K", 256, 292, 15, false, "")         \
  X(iq2_xxs, "IQ2_XXS", 256, 66, 16, false, "")    \
  X(iq2_xs, "IQ2_XS", 256, 74, 17, false, "")      \
  X(iq3_xxs, "IQ3_XXS", 256, 98, 18, false, "")    \
  X(iq1_s, "IQ1_S", 256, 50, 19, false, "")        \
  X(iq4_nl, "IQ4_NL", 32, 18, 20, false, "")       \
  X(iq3_s, "IQ3_S", 256, 110, 21, false, "")       \
  X(iq2_s, "IQ2_S", 256, 82, 22, false, "")        \
  X(iq4_xs, "IQ4_XS", 256, 136, 23, false, "")     \
  X(iq1_m, "IQ1_M", 256, 56, 29, false, "")        \
  X(tq1_0, "TQ1_0", 256, 54, 34, false, "")        \
  X(tq2_0, "TQ2_0", 256, 66, 35, false, "")        \
  X(mxfp4, "MXFP4", 32, 17, 39, false, "")         \
  X(nvfp4, "NVFP4", 64, 36, 40, false, "")         \
  X(q1_0, "Q1_0", 128, 18, 41, false, "")

// A path for #include, from tokens.
#define TFM_FORMAT_PATH(path) #path
#endif

// What reads this list says with TFM_FORMAT_FILE(name) which file of each format it wants.
#if defined(TFM_FORMAT_FILE)
#include TFM_FORMAT_FILE(f32)
#include TFM_FORMAT_FILE(bf16)
#include TFM_FORMAT_FILE(f16)
#include TFM_FORMAT_FILE(q8_0)
#include TFM_FORMAT_FILE(q4_0)
#include TFM_FORMAT_FILE(q4_1)
#include TFM_FORMAT_FILE(int8)
#include TFM_FORMAT_FILE(q4_k)
#include TFM_FORMAT_FILE(q6_k)
#endif
