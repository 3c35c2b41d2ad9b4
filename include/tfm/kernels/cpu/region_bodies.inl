// Everything that is compiled once for each whole region: included inside its namespace, after its lanes.
#include "tfm/kernels/cpu/body_basic.inl"
#include "tfm/kernels/cpu/body_quantise.inl"
#include "tfm/kernels/cpu/body_matmul.inl"
#include "tfm/kernels/cpu/body_int8.inl"
#include "tfm/kernels/cpu/body_products.inl"
#include "tfm/kernels/cpu/body_attention.inl"
#include "tfm/kernels/cpu/body_attention_backward.inl"
#include "tfm/kernels/cpu/body_train.inl"
