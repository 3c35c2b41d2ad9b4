// What goes over rows between products. The rows stay in the second level of cache: arithmetic counts, and there is no limit to hold it against.
#include <tfm/kernels/elementwise.hpp>
#include <tfm/kernels/norms.hpp>

#include "work.hpp"

namespace work {

void add_rows(Setup& setup) {
  constexpr Index rows = 64, cols = 2048, size = rows * cols;
  Context& context = setup.fast;
  const auto x = std::make_shared<Buffer>(random_buffer(rows, cols, 1)), other = std::make_shared<Buffer>(random_buffer(rows, cols, 2)), y = std::make_shared<Buffer>(rows, cols);
  const auto add_one = [&](const std::string& what, Index bytes, std::function<void()> run) {
    add("rows/" + what + " " + std::to_string(rows) + " x " + std::to_string(cols), "", size, bytes, std::move(run));
  };
  add_one("RMSNorm", 4 * 2 * size, [=, &context] { kernels::rms_norm(context, *x, View(*other).data, 1e-5f, *y); });
  add_one("silu(gate) up", 4 * 3 * size, [=, &context] { kernels::silu_mul(context, *x, *other, *y); });
  add_one("softmax", 4 * 2 * size, [=, &context] { kernels::softmax(context, *x, *y); });
}

}  // namespace work
