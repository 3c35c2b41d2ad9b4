// Compiled twice into one program, with plain flags and with -mavx2 -mfma; TFM_RESULTS names this copy's entry.
#include "results.hpp"
#include "tfm/kernels/cache.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/numeric/pack.hpp"

namespace {

// Buffers of numbers that are no round ones, the same in every copy.
tfm::Buffer numbers(tfm::Index rows, tfm::Index cols, std::uint64_t seed) {
  tfm::Buffer buffer(rows, cols);
  const tfm::RandomKey key{seed};
  for (tfm::Index i = 0; i < rows * cols; ++i) buffer.view().data[i] = key.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
  return buffer;
}

std::uint64_t hash(tfm::View x) {
  std::uint64_t h = 0;
  for (tfm::Index i = 0; i < x.size(); ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, x.data + i, sizeof bits);
    h = tfm::splitmix64(h ^ bits);
  }
  return h;
}

}  // namespace

namespace {

void add_products(tfm::Isa isa, Results& results) {
  const tfm::Buffer weights = numbers(37, 96, 1), x = numbers(5, 96, 2), dy = numbers(5, 37, 3);
  for (int f = 0; f < tfm::format_count; ++f) {
    for (const auto arithmetic : {tfm::Arithmetic::exact, tfm::Arithmetic::fast}) {
      tfm::Context context(2);
      context.isa = isa;
      context.arithmetic = arithmetic;
      const auto format = static_cast<tfm::Format>(f);
      const tfm::FileRows rows{tfm::Format::f32, reinterpret_cast<const std::byte*>(weights.view().data), 37, 96};
      const tfm::PackedWeight packed = tfm::pack(context, format, rows, "weights");
      tfm::Buffer y(5, 37), dx(5, 96);
      tfm::matmul(context, packed, x.view(), y.view());
      tfm::matmul_backward(context, packed, dy.view(), dx.view());
      const std::string what = std::string(name(isa)) + " " + std::string(name(format)) + " " + std::string(name(arithmetic));
      results[what] = hash(y.view());
      results[what + " backward"] = hash(dx.view());
    }
  }
}

void add_rows(tfm::Isa isa, Results& results) {
  tfm::Context context(2);
  context.isa = isa;
  const auto keep = [&](const char* what, tfm::View y) { results[std::string(name(isa)) + " " + what] = hash(y); };
  const tfm::Buffer x = numbers(5, 96, 4), z = numbers(5, 96, 5), dy = numbers(5, 96, 6);
  tfm::Buffer y(5, 96), dx(5, 96), inverse(5, 1), dw(1, 96);
  tfm::kernels::rms_norm(context, x.view(), z.view().data, 1e-5f, y.view(), inverse.view().data);
  keep("rms_norm", y.view());
  tfm::kernels::rms_norm_backward(context, x.view(), z.view().data, inverse.view().data, dy.view(), dx.view(), dw.view().data);
  keep("rms_norm_backward", dx.view());
  keep("rms_norm_backward to the weight", dw.view());
  tfm::kernels::silu_mul(context, x.view(), z.view(), y.view());
  keep("silu_mul", y.view());
  tfm::kernels::silu_mul_backward(context, x.view(), z.view(), dy.view(), dx.view(), y.view());
  keep("silu_mul_backward to the gate", dx.view());
  keep("silu_mul_backward", y.view());
  tfm::kernels::scale_add(context, 0.3f, x.view(), y.view());
  keep("scale_add", y.view());
  const tfm::Buffer cosine = numbers(5, 12, 7), sine = numbers(5, 12, 8);
  tfm::kernels::rotate(context, y.view(), cosine.view(), sine.view());
  keep("rotate", y.view());
}

void add_attention(tfm::Isa isa, Results& results) {
  tfm::Context context(2);
  context.isa = isa;
  const tfm::Index tokens = 70, head_dim = 24, padded = 80;
  const tfm::kernels::AttentionShape shape{4, 2, head_dim, tfm::Format::f32, padded * head_dim * 4, padded * 32 * 4, 0.2f};
  const tfm::Buffer q = numbers(tokens, 4 * head_dim, 9), k = numbers(tokens, 2 * head_dim, 10), v = numbers(tokens, 2 * head_dim, 11);
  tfm::Buffer keys(2 * padded, head_dim), values(2 * padded, 32), out(tokens, 4 * head_dim);
  auto* const key_bytes = reinterpret_cast<std::byte*>(keys.view().data);
  auto* const value_bytes = reinterpret_cast<std::byte*>(values.view().data);
  tfm::kernels::append_keys_values(context, shape, k.view(), v.view(), 0, key_bytes, value_bytes);
  const tfm::kernels::AttentionSequence one[] = {{q.view(), out.view(), key_bytes, value_bytes, 0, nullptr}};
  tfm::kernels::attention(context, shape, one);
  results[std::string(name(isa)) + " attention"] = hash(out.view());
}

}  // namespace

Results TFM_RESULTS() {
  Results results;
  for (int i = 0; i < tfm::isa_count; ++i) {
    const auto isa = static_cast<tfm::Isa>(i);
    if (!tfm::supported(isa)) continue;
    add_products(isa, results);
    add_rows(isa, results);
    add_attention(isa, results);
  }
  return results;
}
