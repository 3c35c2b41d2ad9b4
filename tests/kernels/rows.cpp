// Rows that are filled, copied and looked up: the plain loops' on every instruction set, whatever the threads.
#include "tfm/kernels/rows.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/rope.hpp"
#include "tfm/numeric/pack.hpp"

namespace mine {

/// A format of a user's own: it has rows, and no panels.
struct Counting {
  tfm::Index dim;
};
void row(const Counting& w, tfm::Index i, float* out) {
  for (tfm::Index k = 0; k < w.dim; ++k) out[k] = static_cast<float>(100 * i + k);
}

}  // namespace mine

using namespace tfm;
using tfm_test::random_matrix;
using tfm_test::same_bits;

namespace {

struct Size {
  Index rows, cols;
};
constexpr Size sizes[] = {{1, 1}, {3, 17}, {7, 64}, {300, 600}};

template <class Test>
void everywhere(Test test) {
  for (const Isa isa : tfm_test::isas())
    for (const int threads : {1, 3}) {
      INFO(name(isa) << ", " << threads << " threads");
      Context context(threads);
      context.isa = isa;
      test(context);
    }
}

}  // namespace

TEST_CASE("memory is filled and copied, and nothing beside it") {
  for (const Size size : sizes)
    everywhere([&](Context& context) {
      const Buffer x = random_matrix(1, size.rows, size.cols);
      Buffer filled = random_matrix(2, size.rows + 1, size.cols), copied = random_matrix(2, size.rows + 1, size.cols);
      const Buffer before = random_matrix(2, size.rows + 1, size.cols);
      kernels::fill(context, filled.view().slice(0, size.rows), -1.5f);
      kernels::copy(context, x, copied.view().slice(0, size.rows));
      REQUIRE(std::all_of(filled.view().data, filled.view().row(size.rows), [](float f) { return f == -1.5f; }));
      REQUIRE(same_bits(copied.view().slice(0, size.rows), x));
      for (const Buffer* const b : {&filled, &copied}) REQUIRE(same_bits(b->view().slice(size.rows, 1), before.view().slice(size.rows, 1)));
    });
}

TEST_CASE("rows are taken by their numbers, and put back") {
  for (const Size size : sizes)
    everywhere([&](Context& context) {
      const Buffer x = random_matrix(1, size.rows, size.cols);
      std::vector<Index> rows;
      for (Index t = 0; t < size.rows; ++t) rows.push_back(size.rows - 1 - t);
      Buffer taken(size.rows, size.cols), back(size.rows + 1, size.cols);
      kernels::take_rows(context, x, rows.data(), taken);
      for (Index t = 0; t < size.rows; ++t) REQUIRE(same_bits(taken.view().slice(t, 1), x.view().slice(rows[to_size(t)], 1)));
      kernels::put_rows(context, taken, rows.data(), back);
      REQUIRE(same_bits(back.view().slice(0, size.rows), x));
      REQUIRE(same_bits(back.view().slice(size.rows, 1), Buffer(1, size.cols)));
    });
}

TEST_CASE("rows of a weight are those that its format says, in every format") {
  constexpr Index vocabulary = 37, dim = 256;
  const std::vector<std::int32_t> ids{36, 0, 17, 17, 15, 16, 1};
  const auto tokens = static_cast<Index>(ids.size());
  const Buffer values = random_matrix(1, vocabulary, dim);
  Context packs(1);
  for (int i = 0; i < format_count; ++i) {
    const auto format = static_cast<Format>(i);
    INFO(name(format));
    const PackedWeight w = pack(packs, format, {Format::f32, reinterpret_cast<const std::byte*>(values.view().data), vocabulary, dim}, "w");
    Buffer expected(tokens, dim);
    for (Index t = 0; t < tokens; ++t)
      for (Index k = 0; k < dim; ++k) expected.view().row(t)[k] = value_at(w.panels(), ids[to_size(t)], k);
    everywhere([&](Context& context) {
      Buffer found(tokens, dim);
      kernels::weight_rows(context, w, ids, found);
      REQUIRE(same_bits(found, expected));
    });
  }
  const F32 trainable(values.view());
  everywhere([&](Context& context) {
    Buffer found(tokens, dim), own(tokens, dim);
    kernels::weight_rows(context, trainable, ids, found);
    kernels::weight_rows(context, mine::Counting{dim}, ids, own);
    for (Index t = 0; t < tokens; ++t) {
      REQUIRE(same_bits(found.view().slice(t, 1), values.view().slice(ids[to_size(t)], 1)));
      REQUIRE(own.view().row(t)[95] == static_cast<float>(100 * ids[to_size(t)] + 95));
    }
  });
}

TEST_CASE("rotary angles of tokens are those of their positions") {
  const Buffer frequencies = random_matrix(1, 1, 24);
  for (const Index tokens : {1, 70})
    everywhere([&](Context& context) {
      Buffer cosine(tokens, 24), sine(tokens, 24), plain_cosine(tokens, 24), plain_sine(tokens, 24);
      kernels::rotary_angles(context, 1000, frequencies.view().data, cosine, sine);
      for (Index t = 0; t < tokens; ++t) rope_angles(1000 + t, frequencies.view().data, 24, plain_cosine.view().row(t), plain_sine.view().row(t));
      REQUIRE((same_bits(cosine, plain_cosine) && same_bits(sine, plain_sine)));
    });
}
