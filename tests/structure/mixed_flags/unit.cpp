// Compiled twice into one program, with plain flags and with -mavx2 -mfma; TFM_RESULTS names this copy's entry.
#include "results.hpp"
#include "tfm/kernels/matmul.hpp"
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
    h = tfm::mix(h ^ bits);
  }
  return h;
}

}  // namespace

Results TFM_RESULTS() {
  Results results;
  const tfm::Buffer weights = numbers(37, 96, 1), x = numbers(5, 96, 2), dy = numbers(5, 37, 3);
  for (int i = 0; i < tfm::isa_count; ++i) {
    const auto isa = static_cast<tfm::Isa>(i);
    if (!tfm::supported(isa)) continue;
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
  return results;
}
