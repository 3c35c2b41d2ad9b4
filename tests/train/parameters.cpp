#include "tfm/train/parameters.hpp"

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/random.hpp"
#include "tfm/layers/biased_linear.hpp"
#include "tfm/layers/layer_norm.hpp"
#include "tfm/layers/lora_linear.hpp"
#include "tfm/layers/rms_norm.hpp"
#include "tfm/layers/swiglu.hpp"
#include "tfm/models/projections.hpp"
#include "tfm/numeric/pack.hpp"
#include "tfm/train/check_gradients.hpp"

using namespace tfm;

namespace {

template <class P>
struct Block {
  RmsNorm norm;
  SwiGLU<P> mlp;
  void visit(auto&& f) { f("norm", norm), f("mlp", mlp); }
};

struct DownFrozen : EveryLinear<F32> {
  using down_proj = Linear<Q8_0>;
};

struct NormAndDense {
  LayerNorm ln{8};
  BiasedLinear<Linear<F32>> dense{8, 8};
  void visit(auto&& f) { f("ln", ln), f("dense", dense); }
};

template <class P>
Block<P> block() {
  Block<P> b;
  b.norm.weight = F32(1, 5);
  b.mlp.gate_proj.weight = F32(7, 5);
  b.mlp.up_proj.weight = F32(7, 5);
  if constexpr (P::down_proj::weight_type::trainable) b.mlp.down_proj.weight = F32(5, 7);
  return b;
}

}  // namespace

TEST_CASE("parameters are numbered in visit order, with their names and places") {
  auto model = block<EveryLinear<F32>>();
  const Parameters parameters(model);
  REQUIRE(parameters.count() == 4);
  const std::string names[] = {"norm.weight", "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"};
  const Index offsets[] = {0, 16, 64, 112};
  for (Index i = 0; i < 4; ++i) {
    CHECK(parameters[i].name == names[i]);
    CHECK(parameters[i].weight->parameter == i);
    CHECK(parameters[i].offset == offsets[i]);
  }
  CHECK(parameters.elements() == 110);
  CHECK(parameters.floats() == 160);
  CHECK(parameters.find("mlp.up_proj.weight") == &parameters[2]);
  CHECK(parameters.find("mlp.up_proj") == nullptr);

  Buffer flat = parameters.flat();
  const Gradients gradients = parameters.gradients(flat);
  fill(gradients[model.mlp.up_proj.weight], 3);
  for (Index i = 0; i < 160; ++i) REQUIRE(flat.view().data[i] == (i >= 64 && i < 99 ? 3.f : 0.f));

  copy(tfm_test::random_matrix(1, 7, 5), model.mlp.gate_proj.weight.values());
  parameters.read(flat);
  fill(model.mlp.gate_proj.weight.values(), 0);
  parameters.write(flat);
  CHECK(tfm_test::same_bits(model.mlp.gate_proj.weight.view(), tfm_test::random_matrix(1, 7, 5)));
}

TEST_CASE("frozen formats are passed over, norms stay out on request, no weight counts twice") {
  auto model = block<DownFrozen>();
  model.norm.weight.parameter = 9;
  Parameters parameters(model, Norms::freeze);
  CHECK(parameters.count() == 2);
  CHECK(model.norm.weight.parameter == -1);
  parameters.add("again", model.mlp.gate_proj.weight, WeightRole::base);
  CHECK(parameters.count() == 2);
  F32 other(1, 1), empty;
  CHECK(tfm_test::error_of<ShapeError>([&] { parameters.add("mlp.up_proj.weight", other, WeightRole::base); }) ==
        "tfm: two trainable weights are called 'mlp.up_proj.weight'");
  CHECK(tfm_test::error_of<ShapeError>([&] { parameters.add("none", empty, WeightRole::base); }) ==
        "tfm: the trainable weight 'none' has no elements: allocate it before it is to train");
}

TEST_CASE("a normalisation that is frozen is frozen with its bias, and other biases train") {
  NormAndDense model;
  CHECK(Parameters(model).count() == 4);
  const Parameters parameters(model, Norms::freeze);
  REQUIRE(parameters.count() == 2);
  CHECK(parameters[0].name == "dense.weight");
  CHECK(parameters[1].name == "dense.bias");
  CHECK(!parameters[1].is_matrix());
  CHECK(model.ln.weight.parameter == -1);
  CHECK(model.ln.bias.parameter == -1);
}

TEST_CASE("a base of F32 without a number gets no gradient under its adapter") {
  LoraLinear<F32> layer{{F32(6, 5)}, 0};
  copy(tfm_test::random_matrix(1, 6, 5), layer.base.weight.values());
  std::vector<LoraPair> pairs(1);
  pairs[0] = {F32(2, 5), F32(6, 2), 0.5f};
  Adapter adapter(std::move(pairs));
  copy(tfm_test::random_matrix(2, 2, 5), adapter[0].a.values());
  copy(tfm_test::random_matrix(3, 6, 2), adapter[0].b.values());
  Parameters parameters;
  parameters.add("lora_A.weight", adapter[0].a, WeightRole::adapter);
  parameters.add("lora_B.weight", adapter[0].b, WeightRole::adapter);
  const Index start[] = {0, 4};
  const Adapter* worn[] = {&adapter};
  const Batch batch{.start = start, .adapter = worn};
  Context context(1);
  context.arithmetic = Arithmetic::exact;
  Buffer x = tfm_test::random_matrix(4, 4, 5);
  const auto forward = [&](View in, MutableView y) { layer.forward(context, batch, in, y); };
  const auto both = [&](View in, MutableView y, View dy, MutableView dx, const Gradients& gradients) {
    LoraLinear<F32>::Saved saved;
    layer.forward(context, batch, in, y, &saved);
    layer.backward(context, batch, dy, saved, dx, gradients);
  };
  CHECK(check_gradients(context, parameters, x, 4, 6, forward, both) == Faults{});
}
