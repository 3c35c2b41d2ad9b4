// What a sampler looks at of logits: by definition, on every instruction set.
#include "tfm/kernels/candidates.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"

using namespace tfm;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Many are equal, and some ruled out.
Buffer logits_of(Index rows, Index vocabulary) {
  Buffer logits = tfm_test::random_matrix(1, rows, vocabulary, 4);
  for (Index i = 0; i < logits.view().size(); ++i) {
    float& logit = logits.view().data[i];
    logit = i % 7 == 3 ? -infinity : std::round(2 * logit) / 2;
  }
  return logits;
}

}  // namespace

TEST_CASE("the lowest id among the largest logits, and none where one is no number") {
  for (const Index vocabulary : {1, 15, 16, 17, 1000})
    for (const Isa isa : tfm_test::isas()) {
      INFO(vocabulary << " logits, " << name(isa));
      Context context(3);
      context.isa = isa;
      Buffer logits = logits_of(5, vocabulary);
      std::vector<kernels::LargestLogit> found(5);
      kernels::largest_logits(context, logits, found.data());
      for (Index t = 0; t < 5; ++t) {
        const float *const begin = logits.view().row(t), *const largest = std::max_element(begin, begin + vocabulary);
        REQUIRE(found[to_size(t)].token == (*largest == -infinity ? -1 : largest - begin));
        if (*largest > -infinity) REQUIRE(found[to_size(t)].logit == *largest);
      }
      for (const float bad : {infinity, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()})
        for (const Index at : {Index{0}, vocabulary / 2, vocabulary - 1}) {
          Buffer wrong = logits_of(5, vocabulary);
          wrong.view().row(2)[at] = bad;
          kernels::largest_logits(context, wrong, found.data());
          REQUIRE(found[2].token == -1);
        }
    }
}

TEST_CASE("the k largest logits and those as large as the k-th, by rising id") {
  for (const Index vocabulary : {1, 16, 45, 1000})
    for (const Index k : {Index{1}, Index{2}, Index{40}, Index{2000}}) {
      const Buffer logits = logits_of(1, vocabulary);
      const float* const x = logits.view().data;
      std::vector<float> sorted(x, x + vocabulary);
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      const float least = k < vocabulary ? sorted[to_size(k - 1)] : -infinity;
      std::vector<std::int32_t> expected;
      for (Index i = 0; i < vocabulary; ++i)
        if (x[i] >= least && x[i] > -infinity) expected.push_back(static_cast<std::int32_t>(i));
      for (const Isa isa : tfm_test::isas()) {
        INFO(k << " of " << vocabulary << ", " << name(isa));
        Context context(1);
        context.isa = isa;
        std::vector<std::int32_t> ids(to_size(vocabulary));
        std::vector<float> values(to_size(vocabulary));
        const Index count = kernels::top_k(context, logits, k, ids.data(), values.data());
        ids.resize(to_size(count));
        REQUIRE(ids == expected);
        for (std::size_t i = 0; i < ids.size(); ++i) REQUIRE(values[i] == x[ids[i]]);
      }
    }
}
