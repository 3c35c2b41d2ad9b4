// Dot products of int8 as VNNI has them.
#define TFM_LANES_VNNI
#include "tfm/kernels/cpu/lanes_avx512_bytes.inl"
#undef TFM_LANES_VNNI
