// The gradient of a weight in all the ways that its size chooses: columns brought together or not, pieces of rows, columns and tokens.
#include "tfm/kernels/accumulate.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/plain.hpp"

using namespace tfm;
using tfm_test::random_matrix;

TEST_CASE("the gradient of a weight of any size has the plain loop's bits, for any number of threads") {
  struct Size {
    Index rows, cols, tokens;
  };
  for (const auto [rows, cols, tokens] : {Size{40, 563, 520}, Size{12, 144, 520}, Size{203, 24, 30}, Size{130, 32, 5}, Size{7, 1030, 3}, Size{100, 512, 1}}) {
    const Buffer x = random_matrix(3, tokens, cols), dy = random_matrix(5, tokens, rows), start = random_matrix(8, rows, cols);
    Buffer expected = random_matrix(8, rows, cols);
    kernels::plain::accumulate(dy, x, expected);
    for (const Isa isa : tfm_test::isas())
      for (const int threads : {1, 2, 3, 8}) {
        INFO(rows << " x " << cols << ", " << tokens << " tokens, " << name(isa) << ", " << threads << " threads");
        Context context(threads);
        context.isa = isa;
        Buffer dw(rows, cols);
        copy(start, dw);
        accumulate(context, dy, x, dw);
        REQUIRE(context.scratch.peak() == kernels::accumulate_bytes(tokens, rows, cols, threads));
        if (has_fma(isa)) {
          REQUIRE(tfm_test::same_bits(dw, expected));
          continue;
        }
        for (Index i = 0; i < dw.view().size(); ++i)  // each product and each sum may round once more
          REQUIRE(std::abs(dw.view().data[i] - expected.view().data[i]) <= 1.2e-7f * static_cast<float>(tokens + 2) * static_cast<float>(tokens + 1));
      }
  }
}
