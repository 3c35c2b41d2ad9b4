// A number format of a user's own, in the user's namespace, inside our layers.
#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/layers/swiglu.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/train/check_format.hpp"

namespace mine {

/// -1, 0 or 1 times one scale.
struct Ternary {
  static constexpr bool trainable = false;
  std::vector<signed char> values;
  tfm::Index out = 0, in = 0;
  float scale = 0.1f;

  tfm::Index rows() const noexcept { return out; }
  tfm::Index cols() const noexcept { return in; }
  float at(tfm::Index r, tfm::Index k) const noexcept { return scale * static_cast<float>(values[tfm::to_size(r * in + k)]); }
};
inline void matmul(tfm::Context&, const Ternary& w, tfm::View x, tfm::MutableView y) {
  for (tfm::Index t = 0; t < x.rows; ++t)
    for (tfm::Index r = 0; r < w.out; ++r) {
      y.row(t)[r] = 0;
      for (tfm::Index k = 0; k < w.in; ++k) y.row(t)[r] += x.row(t)[k] * w.at(r, k);
    }
}
inline void matmul_backward(tfm::Context&, const Ternary& w, tfm::View dy, tfm::MutableView dx) {
  for (tfm::Index t = 0; t < dy.rows; ++t)
    for (tfm::Index r = 0; r < w.out; ++r)
      for (tfm::Index k = 0; k < w.in; ++k) dx.row(t)[k] += dy.row(t)[r] * w.at(r, k);
}
inline void row(const Ternary& w, tfm::Index i, float* out) {
  for (tfm::Index k = 0; k < w.in; ++k) out[k] = w.at(i, k);
}
inline void column(const Ternary& w, tfm::Index k, float* out) {
  for (tfm::Index r = 0; r < w.out; ++r) out[r] = w.at(r, k);
}

Ternary random(std::uint64_t seed, tfm::Index out, tfm::Index in) {
  Ternary w{std::vector<signed char>(tfm::to_size(out * in)), out, in};
  for (std::size_t i = 0; i < w.values.size(); ++i) w.values[i] = static_cast<signed char>(static_cast<int>(tfm::RandomKey{seed}.bits(i) % 3) - 1);
  return w;
}

}  // namespace mine

static_assert(tfm::Weight<mine::Ternary>);

TEST_CASE("a user's format keeps what layers rely on") { CHECK(tfm::check_format(mine::random(1, 24, 10)) == tfm::Faults{}); }

TEST_CASE("a user's format runs in our layers, and gives what its plain floats give") {
  using namespace tfm;
  SwiGLU<EveryLinear<mine::Ternary>> ours;
  SwiGLU<EveryLinear<F32>> floats;
  const auto both = [](auto& a, auto& b, std::uint64_t seed, Index out, Index in) {
    a.weight = mine::random(seed, out, in);
    b.weight = F32(out, in);
    for (Index r = 0; r < out; ++r) row(a.weight, r, b.weight.values().row(r));
  };
  both(ours.gate_proj, floats.gate_proj, 1, 24, 10);
  both(ours.up_proj, floats.up_proj, 2, 24, 10);
  both(ours.down_proj, floats.down_proj, 3, 10, 24);
  Context context(2);
  const Buffer x = tfm_test::random_matrix(4, 5, 10);
  const Index start[] = {0, 5};
  Buffer y(5, 10), expected(5, 10);
  ours.forward(context, {start}, x, y);
  floats.forward(context, {start}, x, expected);
  for (Index i = 0; i < 50; ++i) REQUIRE(y.view().data[i] == Approx(expected.view().data[i]).margin(1e-6));
}
