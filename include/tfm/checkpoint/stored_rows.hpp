#pragma once
// StoredRows: a model's weight as something that gives its rows in any number format, be it a tensor of a file or a
// weight in memory; and the tensors of another file that are made of them.
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/checkpoint/load_weights.hpp"
#include "tfm/checkpoint/weight_source.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/layers/visit.hpp"
#include "tfm/numeric/rows.hpp"

namespace tfm::inline TFM_ABI {

/// A weight's rows in the model's order, rotary pairs as halves. Those of a vector are one, or, where its values belong
/// to rotary pairs, one for each value.
struct StoredRows {
  std::string name;  ///< the model's: "model.layers.0.self_attn.q_proj.weight"
  WeightInfo info;
  Format format{};  ///< in which they lie where they come from
  float less = 0;   ///< how much less than the model's values they are: norms of some families in Hugging Face's files
  /// Row r as files have it in a format, to row_bytes(as, cols()) of `out`: the very bytes where it lies in that
  /// format. False where it holds a value that is not finite and would be quantised. Called from several threads.
  std::function<bool(Index r, Format as, std::byte* out)> row;

  Index rows() const noexcept { return !info.is_vector() ? info.rows : info.rotary_heads > 0 ? info.cols : 1; }
  Index cols() const noexcept { return info.is_vector() && info.rotary_heads > 0 ? 1 : info.cols; }
};

/// A tensor of a file that is to be written, without its bytes, and the weights that it is made of, one below the
/// other.
struct WrittenTensor {
  Tensor tensor;
  std::vector<StoredRows> parts;
};

namespace detail {

/// A row of floats in a format's layout.
bool write_row(const float* values, Index cols, Format as, std::byte* out);

/// The rows of a tensor in a file. The source must outlive them.
StoredRows rows_in_file(const WeightSource& source, const std::string& name, const WeightInfo& info);

/// The rows of a weight in memory, which must outlive them.
template <class W>
StoredRows rows_in_memory(const std::string& name, const W& weight, const WeightInfo& info) {
  StoredRows rows{name, info, Format::f32, 0, {}};
  if constexpr (requires { weight.format(); })
    rows.format = has_row_scales(weight.format()) ? Format::f32 : weight.format();
  if (info.is_vector()) {
    const auto values = std::make_shared<std::vector<float>>(to_size(info.cols));
    tfm::row(weight, 0, values->data());
    rows.row = [values, cols = rows.cols()](Index r, Format as, std::byte* out) {
      return write_row(values->data() + r * cols, cols, as, out);
    };
    return rows;
  }
  rows.row = [&weight, cols = info.cols](Index r, Format as, std::byte* out) {
    if constexpr (requires { weight.panels(); })
      if (weight.format() == as) return unpack_row(weight.panels(), r, out), true;
    std::vector<float> values(to_size(cols));
    tfm::row(weight, r, values.data());
    return write_row(values.data(), cols, as, out);
  };
  return rows;
}

}  // namespace detail

/// All weights of a file, held against `model`, whose weights need not be there. Errors: load_weights'.
template <StoredCausalModel Model>
std::vector<StoredRows> stored_rows(const Model& model, WeightSource& source) {
  detail::check_weights(model, source, {});
  std::vector<StoredRows> all;
  visit_weights(model, "", [&](const std::string& name, const auto&, const WeightInfo& info) {
    all.push_back(detail::rows_in_file(source, name, info));
  });
  return all;
}

/// All weights of a model in memory, which must outlive them.
template <StoredCausalModel Model>
std::vector<StoredRows> stored_rows(const Model& model) {
  std::vector<StoredRows> all;
  visit_weights(model, "", [&](const std::string& name, const auto& weight, const WeightInfo& info) {
    all.push_back(detail::rows_in_memory(name, weight, info));
  });
  return all;
}

/// The tensors of a file of a convention that these weights, in the order of the model's visit, are; `type` says in
/// which format. One that is made of several weights has that of the first.
std::vector<WrittenTensor> written_tensors(const Family& family, Convention convention, std::vector<StoredRows> weights,
                                           const std::function<Format(const StoredRows&)>& type);

/// Bytes of all of them.
Index bytes_of(std::span<const WrittenTensor> tensors);

/// Writes the bytes of tensors, one at a time, and tells how far it is.
class TensorBytes {
  Context& context_;
  const Family& family_;
  Convention convention_;
  const ProgressCallback& progress_;
  Index done_ = 0, total_;

 public:
  TensorBytes(Context& context, const Family& family, Convention convention, std::span<const WrittenTensor> tensors,
              const ProgressCallback& progress)
      : context_(context), family_(family), convention_(convention), progress_(progress), total_(bytes_of(tensors)) {}

  /// Errors: LoadError for a value that is not finite and would be quantised, Stopped.
  void write(const WrittenTensor& tensor, std::span<std::byte> out);
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/stored_rows.inl"
#endif
