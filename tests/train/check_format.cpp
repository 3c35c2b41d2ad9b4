// Our formats keep what layers rely on, and the checkers find formats and kernels that do not.
#include "tfm/train/check_format.hpp"

#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/kernels/plain_norms.hpp"
#include "tfm/numeric/pack.hpp"
#include "tfm/train/check_kernel.hpp"

using namespace tfm;

namespace mine {

enum class Wrong { nothing, column, adds, backward_overwrites, neighbours, threads };

struct Floats {
  static constexpr bool trainable = false;
  Buffer values = tfm_test::random_matrix(1, 6, 9);
  Wrong wrong = Wrong::nothing;
  Index rows() const noexcept { return 6; }
  Index cols() const noexcept { return 9; }
};
void matmul(Context& context, const Floats& w, View x, MutableView y) {
  for (Index t = 0; t < x.rows; ++t)
    for (Index r = 0; r < 6; ++r) {
      float sum = w.wrong == Wrong::adds ? y.row(t)[r] : 0.f;
      for (Index k = 0; k < 9; ++k) sum += x.row(t)[k] * w.values.view().row(r)[k];
      if (w.wrong == Wrong::neighbours && x.rows > 1) sum += 1e-7f;
      if (w.wrong == Wrong::threads && context.threads->count() == 3) sum += 1e-7f;
      y.row(t)[r] = sum;
    }
}
void matmul_backward(Context&, const Floats& w, View dy, MutableView dx) {
  if (w.wrong == Wrong::backward_overwrites) fill(dx, 0);
  for (Index t = 0; t < dy.rows; ++t)
    for (Index r = 0; r < 6; ++r)
      for (Index k = 0; k < 9; ++k) dx.row(t)[k] += dy.row(t)[r] * w.values.view().row(r)[k];
}
void row(const Floats& w, Index i, float* out) {
  for (Index k = 0; k < 9; ++k) out[k] = w.values.view().row(i)[k];
}
void column(const Floats& w, Index k, float* out) {
  for (Index r = 0; r < 6; ++r) out[r] = w.values.view().row(r)[w.wrong == Wrong::column ? 8 - k : k];
}

Faults check(Wrong wrong) {
  Floats w;
  w.wrong = wrong;
  return tfm::check_format(w);
}

}  // namespace mine

TEST_CASE("our formats keep what layers rely on") {
  F32 trainable(21, 64);
  const Buffer values = tfm_test::random_matrix(3, 21, 64);
  copy(values, trainable.values());
  CHECK(check_format(trainable) == Faults{});
  Context context(1);
  for (int i = 0; i < format_count; ++i) {
    const auto format = static_cast<Format>(i);
    INFO(name(format));
    const Buffer own = tfm_test::random_matrix(3, 21, std::max<Index>(64, block_size(format)));
    CHECK(check_format(pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(own.view().data), 21, own.view().cols}, "w")) == Faults{});
  }
  CHECK(check_format(F32{}) == Faults{"the weight is [0, 0]: make one that has elements"});
}

TEST_CASE("each mistake of a format is found") {
  using mine::Wrong;
  CHECK(mine::check(Wrong::nothing) == Faults{});
  const auto first = [](const Faults& faults) { return faults.empty() ? std::string() : faults[0]; };
  CHECK(first(mine::check(Wrong::column)).find("row 0 and column 0 disagree: ") == 0);
  CHECK(first(mine::check(Wrong::adds)).find("matmul: y = x W^T at [0, 0]: found nan, expected ") == 0);
  CHECK(first(mine::check(Wrong::backward_overwrites)).find("matmul_backward: dx += dy W at [0, 0]: ") == 0);
  CHECK(first(mine::check(Wrong::neighbours)) == "matmul: token 0 alone has other bits than among 5");
  CHECK(mine::check(Wrong::threads) == Faults{"matmul: 3 threads give other bits than one"});
}

TEST_CASE("our kernel passes check_kernel, and each mistake of a kernel is found") {
  const Buffer x = tfm_test::random_matrix(1, 40, 37), w = tfm_test::random_matrix(2, 1, 37);
  Buffer plain(40, 37);
  std::vector<float> inverse(40);
  kernels::plain::rms_norm(x, View(w).data, 1e-5f, plain, inverse.data());
  const auto right = [&](Context& context, MutableView y) { kernels::rms_norm(context, x, View(w).data, 1e-5f, y); };
  CHECK(check_kernel(plain, right, {.tolerance = 1e-6}) == Faults{});
  const auto any = [](const Faults& faults, const std::string& what) {
    return std::any_of(faults.begin(), faults.end(), [&](const std::string& f) { return f.find(what) != std::string::npos; });
  };
  CHECK(any(check_kernel(plain, [&](Context& context, MutableView y) { right(context, y), y.row(3)[5] += 1; }, {.tolerance = 1e-6}), ": element [3, 5]: found "));
  CHECK(any(check_kernel(plain, [&](Context& context, MutableView y) { kernels::rms_norm(context, x.view().slice(0, 39), View(w).data, 1e-5f, y); }, {.tolerance = 1e-6}),
            ": element [39, 0]: found nan"));
  const auto by_threads = [&](Context& context, MutableView y) {
    right(context, y);
    if (context.threads->count() == 2) y.data[0] = std::nextafter(y.data[0], 9.f);
  };
  CHECK(any(check_kernel(plain, by_threads, {.tolerance = 1e-6, .bits_of_plain_loop = false}), " with 2 threads: other bits than with one"));
}
