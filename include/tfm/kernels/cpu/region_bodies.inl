// Everything that is compiled once for each region: included inside its namespace, after its lanes.
#include "tfm/kernels/cpu/body_basic.inl"
#include "tfm/kernels/cpu/body_quantise.inl"
#include "tfm/kernels/cpu/body_matmul.inl"
#if defined(TFM_REGION_BF16)
#include "tfm/kernels/cpu/body_bf16.inl"
#endif
#include "tfm/kernels/cpu/body_products.inl"
#include "tfm/kernels/cpu/body_attention.inl"
#include "tfm/kernels/cpu/body_attention_backward.inl"
#include "tfm/kernels/cpu/body_train.inl"
#include "tfm/kernels/cpu/body_loss.inl"
