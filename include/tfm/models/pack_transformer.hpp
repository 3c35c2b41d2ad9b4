#pragma once
// pack_transformer: a trained Transformer in another number format, to translate with.
#include <map>
#include <string>
#include <type_traits>

#include "tfm/models/transformer.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm::inline TFM_ABI {

/// The same weights in the formats of P, as in pack_transformer<EveryLinear<Int8>>(context, model): matrices are
/// packed, biases and norms stay float32. Errors: ShapeError for columns that a block format cannot hold, LoadError for
/// a value that is not finite, Stopped.
template <class P, EncoderDecoderShape S>
Transformer<S, P> pack_transformer(Context& context, const Transformer<S, EveryLinear<F32>>& model) {
  std::map<std::string, const F32*> from;
  visit_weights(model, "", [&](const std::string& name, const F32& weight, WeightRole) { from[name] = &weight; });
  Transformer<S, P> packed(model.shape);
  visit_weights(packed, "", [&](const std::string& name, auto& weight, WeightRole) {
    using W = std::remove_reference_t<decltype(weight)>;
    const F32& source = *from.at(name);
    if constexpr (std::is_same_v<W, F32>) weight = F32(source.view());
    else
      weight = W(pack(
          context, W::static_format,
          {Format::f32, reinterpret_cast<const std::byte*>(source.view().data), source.rows(), source.cols()}, name));
  });
  return packed;
}

}  // namespace tfm::inline TFM_ABI
