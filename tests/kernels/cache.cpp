// Filling a cache: the plain loop on every instruction set, whatever the pieces.
#include "tfm/kernels/cache.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/plain_cache.hpp"

using namespace tfm;
using kernels::AttentionShape;

namespace {

constexpr Index most_positions = 80;

// What is rounded, what is none, and what binary16 has no room for.
Buffer with_special_numbers(Buffer m) {
  const auto bits = [](std::uint32_t b) { return std::bit_cast<float>(b); };
  const float special[] = {0.f, -0.f, 1 + 0x1p-11f, 1 + 0x3p-11f, -2.f - 0x1p-10f, 65504.f, 65519.99f, 65520.f, -65520.f, 1e30f, 0x1p-14f, 0x1.ffcp-15f, 0x1.ffep-15f,
                           0x1p-24f, 0x1p-25f, 0x1.000002p-25f, -0x3p-25f, 0x1p-26f, 1e-42f, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                           bits(0x7fc00000u), bits(0xffc12345u), bits(0x7f800001u), bits(0xffbfffffu), bits(0x7fffe000u)};
  Index i = 0;
  for (const float number : special) m.view().data[(i += 7) % m.view().size()] = number;
  return m;
}

// Numbers half way between two of Q8_0's levels, and next to it: each block's largest is 127.
Buffer halves(Index rows, Index heads, Index head_dim) {
  Buffer m(rows, heads * head_dim);
  for (Index t = 0; t < rows; ++t)
    for (Index c = 0; c < heads * head_dim; ++c) {
      const Index i = t * heads * head_dim + c, d = c % head_dim;
      const float half = 0.5f * static_cast<float>(i * 37 % 509 - 254);
      m.view().row(t)[c] = d % 32 == 0 ? (t % 2 == 0 ? 127.f : -127.f) : d % 3 == 0 ? std::nextafter(half, 0.f) : half;
    }
  return m;
}

// Key and value bytes of a cache, at first no numbers.
struct Cache {
  AlignedBytes keys, values;
  explicit Cache(const AttentionShape& s) : keys(s.kv_heads * s.key_head_bytes), values(s.kv_heads * s.value_head_bytes) {
    std::memset(keys.data(), 0xff, to_size(keys.size()));
    std::memset(values.data(), 0xff, to_size(values.size()));
  }
  bool operator==(const Cache& other) const {
    return std::memcmp(keys.data(), other.keys.data(), to_size(keys.size())) == 0 && std::memcmp(values.data(), other.values.data(), to_size(values.size())) == 0;
  }
};

}  // namespace

TEST_CASE("filling a cache equals its plain loop, and touches nothing else") {
  Context context(1);
  struct Case {
    Index position, tokens;
  };
  for (const Format format : {Format::f32, Format::f16, Format::q8_0})
    for (const Index kv_heads : {1, 3})
      for (const Index head_dim : {2, 16, 20, 35, 48, 64, 128})
        for (const Case c : {Case{0, 1}, {0, 16}, {0, 70}, {5, 11}, {15, 1}, {15, 34}, {16, 15}, {31, 49}, {48, 32}}) {
          const Index row = kv_heads * head_dim, panels = most_positions / 16;
          const AttentionShape shape{kv_heads, kv_heads, head_dim, format, panels * kernels::key_panel_bytes(format, head_dim),
                                     panels * kernels::value_panel_bytes(format, head_dim)};
          const Buffer k = with_special_numbers(tfm_test::random_matrix(1, c.tokens, row, 3)), v = halves(c.tokens, kv_heads, head_dim);
          Cache plain(shape);
          for (Index t = 0; t < c.tokens; ++t)
            kernels::plain::append_key_value(shape, k.view().row(t), v.view().row(t), c.position + t, plain.keys.data(), plain.values.data());
          for (const Isa isa : tfm_test::isas())
            for (const Index piece : {Index{1}, Index{7}, Index{16}, most_positions}) {
              INFO(name(format) << " " << kv_heads << " heads of " << head_dim << ", " << c.tokens << " tokens at " << c.position << " by " << piece << " " << name(isa));
              context.isa = isa;
              Cache found(shape);
              for (Index t = 0; t < c.tokens; t += piece) {
                const Index n = std::min(piece, c.tokens - t);
                kernels::append_keys_values(context, shape, k.view().slice(t, n), v.view().slice(t, n), c.position + t, found.keys.data(), found.values.data());
              }
              REQUIRE(found == plain);
            }
        }
}
