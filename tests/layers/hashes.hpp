#pragma once
// Hashes of what kernels and one block give (layers/same_bits.cpp): every machine with a fused multiply-add gives these.
// They change only when an operation, its order or its rounding changes, which then is to be said in the changelog.
#include "support/expected_hash.hpp"

namespace tfm_test {

inline constexpr ExpectedHash kernel_hashes[] = {
    {"accumulate", 0x3e5617851736c8a7u},
    {"add, scale_add, scale", 0x850378548829c9e5u},
    {"attention weights", 0x23e44dd09d8746aeu},
    {"block F32 exact, cache F16", 0x42182c780c385e69u},
    {"block F32 exact, cache F32", 0x682712e4a976f3a0u},
    {"block F32 fast, cache F16", 0x42182c780c385e69u},
    {"block F32 fast, cache F32", 0x682712e4a976f3a0u},
    {"block Int8 exact, cache F16", 0xcebd314aac8594c1u},
    {"block Int8 exact, cache F32", 0xa50f5a6a1de34031u},
    {"block Int8 fast, cache F16", 0x5f1dc73a6526636au},
    {"block Int8 fast, cache F32", 0x9946b3c1fd3d6861u},
    {"block Q4_1 exact, cache F16", 0xd63ee1ccf37fad57u},
    {"block Q4_1 exact, cache F32", 0xa3bf9164e3a25539u},
    {"block Q4_1 fast, cache F16", 0xa76fd452bfd89a2au},
    {"block Q4_1 fast, cache F32", 0x45d38fc47d96500eu},
    {"block Q8_0 exact, cache F16", 0x811a115aafe35d50u},
    {"block Q8_0 exact, cache F32", 0xc48a9527ff3c105eu},
    {"block Q8_0 fast, cache F16", 0x1407c232302b9e4du},
    {"block Q8_0 fast, cache F32", 0x5df0826136ecae4u},
    {"matmul BF16 exact", 0xacf096817ee4de6cu},
    {"matmul BF16 fast", 0xacf096817ee4de6cu},
    {"matmul F16 exact", 0x826735faab48883fu},
    {"matmul F16 fast", 0x826735faab48883fu},
    {"matmul F32 exact", 0x18fd60fb23f06936u},
    {"matmul F32 fast", 0x18fd60fb23f06936u},
    {"matmul Int8 exact", 0x3cd864d79006f7f8u},
    {"matmul Int8 fast", 0xeaa93773b41f71d5u},
    {"matmul Q4_0 exact", 0xf3c5a56570b82764u},
    {"matmul Q4_0 fast", 0xbef2a20c1a618a2eu},
    {"matmul Q4_1 exact", 0xe00bc847fa9283au},
    {"matmul Q4_1 fast", 0x64e442f4f11126c6u},
    {"matmul Q8_0 exact", 0x8c79804b7b11f7dcu},
    {"matmul Q8_0 fast", 0xfca4ca471db9a23u},
    {"matmul, trainable", 0x7c2c7813cd3b455u},
    {"matmul_backward BF16", 0x8365be4890732cd8u},
    {"matmul_backward F16", 0xe660816883e0c8cu},
    {"matmul_backward F32", 0x746f3c87e999a34eu},
    {"matmul_backward Int8", 0x4b0879060b2d287eu},
    {"matmul_backward Q4_0", 0xc778670108d51a14u},
    {"matmul_backward Q4_1", 0x6ff55e33beb6c2a7u},
    {"matmul_backward Q8_0", 0x743c1b50d459dc26u},
    {"matmul_backward, trainable", 0x80fcf50c8ed3da08u},
    {"rms_norm", 0x46c846ea2a1d49e6u},
    {"rms_norm_backward", 0x23352d0662131f8u},
    {"rotate", 0x28098f29ef99efefu},
    {"silu_mul", 0xa11411c36f527431u},
    {"silu_mul_backward", 0xbd212727b0db2b0u},
};

}  // namespace tfm_test
