// Dot products of int8 as AVX-VNNI has them.
#define TFM_LANES_VNNI
#include "tfm/kernels/cpu/lanes_avx2_bytes.inl"
#undef TFM_LANES_VNNI
