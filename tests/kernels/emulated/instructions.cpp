// Where the CPU has AVX-512: the emulated intrinsics give the instructions' bits. A NaN is a NaN: which one, an operand's place decides.
#include <immintrin.h>

#include <cmath>
#include <cstring>
#include <iostream>
#include <random>
#include <string_view>

#include "support/catch.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/kernels/cpu/target.hpp"

namespace {

struct Operands {
  unsigned a[16], b[16], c[16];
  float number;
};
struct Instruction {
  const char* name;
  void (*run)(const Operands&, unsigned*);
};

}  // namespace

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12's own intrinsics begin with undefined registers
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
TFM_TARGET_BEGIN("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avxvnni")
namespace {
namespace real {
#include "kernels/emulated/instructions.inl"
}
}  // namespace
TFM_TARGET_END

#include "kernels/emulated/avx512.hpp"

TFM_TARGET_BEGIN("avx2,fma,f16c")
namespace {
namespace emulated {
#include "kernels/emulated/instructions.inl"
}
}  // namespace
TFM_TARGET_END

namespace {

bool same(unsigned x, unsigned y) {
  float a, b;
  std::memcpy(&a, &x, 4), std::memcpy(&b, &y, 4);
  return x == y || (std::isnan(a) && std::isnan(b));
}

}  // namespace

TEST_CASE("emulated instructions of AVX-512 give the instructions' bits") {
  if (!tfm::supported(tfm::Isa::avx512_bf16)) {
    std::cout << "[tfm: skipped] this CPU lacks AVX-512, VNNI or BF16\n";
    return;
  }
  std::mt19937 random(1);
  const auto bits = [&] { return static_cast<unsigned>(random()); };
  // Any bits; numbers near 1 and near the subnormals; and what is special, also as pairs of bfloat16.
  constexpr unsigned special[] = {0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc12345, 1, 0x807fffff, 0x00800000, 0x7f7fffff,
                                  0x3f000000, 0x40200000, 0x4b000001, 0xcf000000, 0x80808080, 0x7f7f7f7f, 0xffffffff, 0x00010001, 0x3f800080};
  const auto any = [&]() -> unsigned {
    const unsigned x = bits();
    switch (bits() % 4) {
      case 0: return x;
      case 1: return (x & 0x83ffffff) | 0x3c000000;
      case 2: return x & 0x81ff83ff;
      default: return special[x % std::size(special)];
    }
  };
  for (int round = 0; round < 20000; ++round) {
    Operands x;
    for (int i = 0; i < 16; ++i) x.a[i] = any(), x.b[i] = any(), x.c[i] = any();
    x.number = static_cast<float>(static_cast<int>(bits())) * 0x1p-20f;
    for (std::size_t n = 0; n < std::size(real::instructions); ++n) {
      if (real::instructions[n].name == std::string_view("dpbusd_avx_epi32") && !tfm::supported(tfm::Isa::avx_vnni)) continue;
      unsigned expected[16], found[16];
      std::memset(expected, 0x5a, sizeof expected), std::memset(found, 0x5a, sizeof found);
      real::instructions[n].run(x, expected);
      emulated::instructions[n].run(x, found);
      for (int i = 0; i < 16; ++i) {
        if (same(found[i], expected[i])) continue;
        INFO(real::instructions[n].name << ", round " << round << ", lane " << i << std::hex << ": a " << x.a[i] << " b " << x.b[i] << " c " << x.c[i]);
        REQUIRE(found[i] == expected[i]);
      }
    }
  }
  SUCCEED();
}
