#pragma once
// BiasedLinear: y = x Wᵀ + b over any projection, Linear or LoraLinear of any number format.
#include <string_view>
#include <type_traits>

#include "tfm/kernels/elementwise.hpp"
#include "tfm/layers/adapter.hpp"
#include "tfm/layers/linear.hpp"

namespace tfm::inline TFM_ABI {

/// A projection that has room for a bias.
template <class Projection>
concept CarriesBias = requires(Projection& projection) { projection.set_bias(true); };

/// Says whether a projection is to have a bias, before its weights are there; one without room for it has none.
template <class Projection>
void set_bias(Projection& projection, bool biased) noexcept {
  if constexpr (CarriesBias<Projection>) projection.set_bias(biased);
}

/// x [tokens, in], y [tokens, out], bias [1, out], always float32; empty where there is none.
template <class Projection>
struct BiasedLinear {
  using weight_type = typename Projection::weight_type;
  using Saved = typename Projection::Saved;
  Projection base;
  F32 bias;
  bool biased = false;  ///< a bias belongs here, whether or not it is there yet

  BiasedLinear() = default;
  /// Zeros to be initialised or read over; a packed weight stays empty until it is packed.
  BiasedLinear(Index in, Index out, bool has_bias = true) : biased(has_bias) {
    base.visit([&](std::string_view, auto& weight, const WeightInfo&) {
      if constexpr (std::is_same_v<decltype(weight), F32&>) weight = F32(out, in);
    });
    if (biased) bias = F32(1, out);
  }
  void set_bias(bool has_bias) noexcept { biased = has_bias; }

  void forward(Context& context, const Batch& batch, View x, MutableView y, Saved* saved = nullptr) const noexcept {
    base.forward(context, batch, x, y, saved);
    add_bias(context, y);
  }
  std::span<kernels::AdapterTerm> before_product(Context& context, const Batch& batch, View x, Saved* saved) const noexcept {
    return base.before_product(context, batch, x, saved);
  }
  /// What follows the product, for forward_together.
  void after_product(Context& context, const Batch& batch, View x, MutableView y, Saved* saved) const noexcept {
    base.after_product(context, batch, x, y, saved);
    add_bias(context, y);
  }
  /// dx += dy W, dW += dyᵀ x, db += the sum of dy's rows.
  void backward(Context& context, const Batch& batch, View dy, const Saved& saved, MutableView dx,
                const Gradients& gradients) const noexcept {
    if (bias.parameter >= 0) kernels::add_bias_backward(context, dy, gradients[bias].data);
    base.backward(context, batch, dy, saved, dx, gradients);
  }

  const weight_type& base_weight() const noexcept { return base.base_weight(); }
  // Where the projection can carry an adapter, so can this; the bias stays as it is, as in PEFT (bias="none").
  weight_type& base_weight() noexcept
    requires CarriesAdapter<Projection>
  {
    return base.base_weight();
  }
  Index adapter_slot() const noexcept
    requires CarriesAdapter<Projection>
  {
    return base.adapter_slot();
  }
  void set_adapter_slot(Index number) noexcept
    requires CarriesAdapter<Projection>
  {
    base.set_adapter_slot(number);
  }
  bool fits(const LoraPair& pair) const noexcept
    requires CarriesAdapter<Projection>
  {
    return base.fits(pair);
  }
  /// Before the weight is there; a bias that is there keeps its size.
  void set_size(Index out, Index in, Index rotary_heads = 0) noexcept { base.set_size(out, in, rotary_heads); }
  void visit(auto&& f) { visit_parts(*this, f); }
  void visit(auto&& f) const { visit_parts(*this, f); }

 private:
  void add_bias(Context& context, MutableView y) const noexcept {
    if (bias.cols() > 0) kernels::add_bias(context, bias.view().data, y);
  }
  static void visit_parts(auto& self, auto& f) {
    self.base.visit(f);
    const WeightInfo base = self.base.info();
    const Index cols = self.bias.cols() > 0 ? self.bias.cols() : base.rows;
    if (self.biased || self.bias.cols() > 0) f("bias", self.bias, WeightInfo{WeightRole::bias, 1, cols, base.rotary_heads});
  }
};

}  // namespace tfm::inline TFM_ABI
