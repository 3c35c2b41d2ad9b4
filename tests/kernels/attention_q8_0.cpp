// Attention over keys and values in Q8_0: what is stored, and how far from the unrounded it leads.
#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/cache.hpp"
#include "tfm/kernels/plain_attention.hpp"

using namespace tfm;
using kernels::AttentionSequence;
using kernels::AttentionShape;
using tfm_test::random_matrix;
using tfm_test::same_bits;

namespace {

constexpr Index kv_heads = 2, group = 3, position = 70, tokens = 30, positions = position + tokens;

// Two key/value heads of head_dim numbers, in `format`.
struct Cache {
  AttentionShape shape;
  AlignedBytes keys, values;

  Cache(Index head_dim, Format format, View k, View v)
      : shape{kv_heads * group, kv_heads, head_dim, format, 0, 0, 1 / std::sqrt(static_cast<float>(head_dim))} {
    shape.key_head_bytes = ceil_div(positions, 16) * kernels::key_panel_bytes(format, head_dim);
    shape.value_head_bytes = ceil_div(positions, 16) * kernels::value_panel_bytes(format, head_dim);
    keys = AlignedBytes(kv_heads * shape.key_head_bytes);
    values = AlignedBytes(kv_heads * shape.value_head_bytes);
    Context context(1);
    kernels::append_keys_values(context, shape, k, v, 0, keys.data(), values.data());
  }
  kernels::plain::CachedHead head(Index h) const {
    return {keys.data() + h * shape.key_head_bytes, values.data() + h * shape.value_head_bytes, shape};
  }
  Buffer attend(Context& context, View q) const {
    Buffer out(q.rows, q.cols);
    const AttentionSequence alone[] = {{q, out, keys.data(), values.data(), position}};
    kernels::attention(context, shape, alone);
    return out;
  }
};

// Each head of x in blocks of a file's Q8_0, filled up with 0, and back.
Buffer rounded(View x, Index head_dim) {
  const Index padded = round_up(head_dim, 32);
  Buffer out(x.rows, x.cols);
  std::vector<float> head(to_size(padded));
  std::vector<std::byte> bytes(to_size(row_bytes(Format::q8_0, padded)));
  for (Index r = 0; r < x.rows; ++r)
    for (Index from = 0; from < x.cols; from += head_dim) {
      std::fill(head.begin(), head.end(), 0.f);
      std::copy_n(x.row(r) + from, head_dim, head.begin());
      quantise_row(Format::q8_0, head.data(), padded, bytes.data());
      dequantise_row(Format::q8_0, bytes.data(), padded, 1, head.data());
      std::copy_n(head.begin(), head_dim, out.view().row(r) + from);
    }
  return out;
}

// Half a level, and what rounding the scale to binary16 adds to 127 levels, of each number's block.
Buffer largest_errors(View x, Index head_dim) {
  Buffer out(x.rows, x.cols);
  for (Index r = 0; r < x.rows; ++r)
    for (Index c = 0; c < x.cols; ++c) {
      const Index d = c % head_dim, first = c - d % 32, n = std::min<Index>(32, head_dim - d / 32 * 32);
      const float level = detail::absmax(x.row(r) + first, n) / 127;
      out.view().row(r)[c] = level * (0.5f + 127 * 0x1p-11f) * (1 + 1e-5f);
    }
  return out;
}

}  // namespace

TEST_CASE("Q8_0 keys and values are a file's blocks, and attention is that of an F32 cache with their numbers") {
  for (const Index head_dim : {2, 8, 20, 32, 35, 48, 64, 80, 128}) {
    const Buffer k = random_matrix(1, positions, kv_heads * head_dim, 3), v = random_matrix(2, positions, k.view().cols),
                 q = random_matrix(3, tokens, group * k.view().cols, 2);
    const Buffer k_rounded = rounded(k, head_dim), v_rounded = rounded(v, head_dim);
    const Cache cache(head_dim, Format::q8_0, k, v), floats(head_dim, Format::f32, k_rounded, v_rounded);
    for (Index h = 0; h < kv_heads; ++h)
      for (Index j = 0; j < positions; ++j)
        for (Index d = 0; d < head_dim; ++d) {
          REQUIRE(cache.head(h).key(j, d) == k_rounded.view().row(j)[h * head_dim + d]);
          REQUIRE(cache.head(h).value(j, d) == v_rounded.view().row(j)[h * head_dim + d]);
        }
    for (const Isa isa : tfm_test::isas()) {
      INFO("heads of " << head_dim << ", " << name(isa));
      Context context(2);
      context.isa = isa;
      REQUIRE(same_bits(cache.attend(context, q), floats.attend(context, q)));
    }
  }
}

// Scores move by at most s = scale sum |q| e, so probabilities by a factor within exp(-2 s) and exp(2 s).
TEST_CASE("Q8_0 keys and values lead no further from the unrounded than their levels' halves can") {
  Context context(2);
  for (const Index head_dim : {20, 64, 80}) {
    const Buffer k = random_matrix(1, positions, kv_heads * head_dim, 3), v = random_matrix(2, positions, k.view().cols),
                 q = random_matrix(3, tokens, group * k.view().cols, 2);
    const Buffer k_errors = largest_errors(k, head_dim), v_errors = largest_errors(v, head_dim);
    const Cache cache(head_dim, Format::q8_0, k, v), exact(head_dim, Format::f32, k, v);
    const Buffer found = cache.attend(context, q), wanted = exact.attend(context, q);
    double largest_share = 0;  // of what is allowed
    for (Index h = 0; h < kv_heads * group; ++h)
      for (Index t = 0; t < tokens; ++t) {
        const Index at = h / group * head_dim, visible = position + t + 1;
        const float* const query = q.view().row(t) + h * head_dim;
        std::vector<float> out(to_size(head_dim)), probability(to_size(visible));
        kernels::plain::attend(exact.head(h / group), query, visible, out.data(), probability.data());
        double moved = 0;
        for (Index j = 0; j < visible; ++j) {
          double score = 0;
          for (Index d = 0; d < head_dim; ++d) score += static_cast<double>(std::abs(query[d]) * k_errors.view().row(j)[at + d]);
          moved = std::max(moved, score * static_cast<double>(exact.shape.scale));
        }
        const double factor = std::exp(2 * moved);
        for (Index d = 0; d < head_dim; ++d) {
          double bound = 1e-5;  // of float32
          for (Index j = 0; j < visible; ++j)
            bound += static_cast<double>(probability[to_size(j)]) *
                     (factor * static_cast<double>(v_errors.view().row(j)[at + d]) +
                      (factor - 1) * static_cast<double>(std::abs(v.view().row(j)[at + d])));
          const Index c = h * head_dim + d;
          const double error = static_cast<double>(std::abs(found.view().row(t)[c] - wanted.view().row(t)[c]));
          REQUIRE(error <= bound);
          largest_share = std::max(largest_share, error / bound);
        }
      }
    CHECK(largest_share > 0.05);  // a bound that rounding comes near
  }
}

TEST_CASE("a number that is not finite makes its block of a Q8_0 cache NaN, and no other") {
  constexpr Index head_dim = 70;
  for (const float what : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Buffer k = random_matrix(1, 20, kv_heads * head_dim), v = random_matrix(2, 20, kv_heads * head_dim);
    k.view().row(17)[head_dim + 34] = what;
    v.view().row(17)[head_dim + 65] = what;
    const Cache cache(head_dim, Format::q8_0, k, v);
    for (Index h = 0; h < kv_heads; ++h)
      for (Index j = 0; j < 20; ++j)
        for (Index d = 0; d < head_dim; ++d) {
          REQUIRE(std::isnan(cache.head(h).key(j, d)) == (h == 1 && j == 17 && d / 32 == 1));
          REQUIRE(std::isnan(cache.head(h).value(j, d)) == (h == 1 && j == 17 && d / 32 == 2));
        }
  }
}
