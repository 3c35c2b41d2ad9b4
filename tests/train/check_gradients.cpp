// The checker finds what it is to find.
#include "tfm/train/check_gradients.hpp"

#include "support/catch.hpp"
#include "support/random.hpp"
#include "tfm/layers/swiglu.hpp"
#include "tfm/models/projections.hpp"

using namespace tfm;

namespace {

enum class Wrong { nothing, dx, dw, forgets_dw, overwrites_dx, saves_another_y, nan };

/// y = x² w, with one mistake.
struct Square {
  F32 weight{1, 7};
  Wrong wrong = Wrong::nothing;

  struct Saved {
    View x;
  };
  void forward(Context&, const Batch&, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    const float off = wrong == Wrong::saves_another_y && saved != nullptr ? 1e-6f : 0.f;
    for (Index i = 0; i < x.size(); ++i) y.data[i] = x.data[i] * x.data[i] * weight.view().data[i % 7] + off;
    if (saved != nullptr) saved->x = x;
  }
  void backward(Context&, const Batch&, View dy, const Saved& saved, MutableView dx, const Gradients& gradients) const noexcept {
    const MutableView dw = gradients[weight];
    if (wrong == Wrong::overwrites_dx) fill(dx, 0);
    for (Index i = 0; i < dy.size(); ++i) {
      const float x = saved.x.data[i], w = weight.view().data[i % 7];
      dx.data[i] += 2 * x * w * dy.data[i] * (wrong == Wrong::dx && i == 9 ? 1.01f : 1.f);
      if (wrong != Wrong::forgets_dw) dw.data[i % 7] += x * x * dy.data[i] * (wrong == Wrong::dw ? -1.f : 1.f);
      if (wrong == Wrong::nan && i == 3) dx.data[i] = NAN;
    }
  }
  void visit(auto&& f) { f("weight", weight, WeightRole::base); }
};

Faults check(Wrong wrong) {
  Square layer;
  layer.wrong = wrong;
  copy(tfm_test::random_matrix(1, 1, 7), layer.weight.values());
  Buffer x = tfm_test::random_matrix(2, 4, 7);
  const Index start[] = {0, 4};
  Context context(1);
  return check_gradients(context, layer, Batch{start}, x, 7);
}

}  // namespace

TEST_CASE("a right layer has no faults, and each mistake is found") {
  CHECK(check(Wrong::nothing) == Faults{});
  const auto only = [](const Faults& faults, const std::string& begins) { return faults.size() == 1 && faults[0].find(begins) == 0; };
  CHECK(only(check(Wrong::dx), "dx[9]: computed "));
  CHECK(only(check(Wrong::dw), "weight["));
  CHECK(only(check(Wrong::forgets_dw), "weight["));
  CHECK(only(check(Wrong::overwrites_dx), "dx: backward must add to the gradient that is there"));
  CHECK(only(check(Wrong::saves_another_y), "forward writes other numbers when it saves than when it does not"));
  const Faults nan = check(Wrong::nan);
  CHECK(std::any_of(nan.begin(), nan.end(), [](const std::string& f) { return f.find("dx[3]: computed nan") == 0; }));
}

TEST_CASE("a layer of several parts is checked by its visit") {
  SwiGLU<EveryLinear<F32>> layer{{F32(9, 6)}, {F32(9, 6)}, {F32(6, 9)}};
  std::uint64_t seed = 1;
  visit_weights(layer, "", [&](const std::string&, F32& w, WeightRole) { copy(tfm_test::random_matrix(seed++, w.rows(), w.cols()), w.values()); });
  Buffer x = tfm_test::random_matrix(9, 5, 6);
  const Index start[] = {0, 2, 5};
  Context context(2);
  CHECK(check_gradients(context, layer, Batch{start}, x, 6) == Faults{});
  CHECK(layer.down_proj.weight.parameter == 2);
}
