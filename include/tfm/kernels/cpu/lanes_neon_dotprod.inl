// Dot products of int8 as FEAT_DotProd has them.
#define TFM_LANES_DOTPROD
#include "tfm/kernels/cpu/lanes_neon_bytes.inl"
#undef TFM_LANES_DOTPROD
