// Everything that is compiled once for each region that has int8 dot products of its own: after its lanes.
#include "tfm/kernels/cpu/int8_sums.inl"
#include "tfm/kernels/cpu/body_int8.inl"
#include "tfm/kernels/cpu/body_int8_backward.inl"
