#pragma once
// Parameters: the trainable weights of a model, numbered, and flat buffers over them for gradients and optimizers.
#include <span>
#include <string>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/layers/gradients.hpp"
#include "tfm/layers/visit.hpp"

namespace tfm::inline TFM_ABI {

/// A weight that training changes, and its place in the flat buffers.
struct Parameter {
  std::string name;  ///< as in checkpoints
  WeightRole role{};
  F32* weight = nullptr;
  Index offset = 0;  ///< of its first float in a flat buffer: a multiple of 16

  Index size() const noexcept { return weight->rows() * weight->cols(); }
  /// Not a vector of a normalisation or a bias; those are [n] in checkpoints.
  bool is_matrix() const noexcept { return role != WeightRole::norm && role != WeightRole::bias; }
};

/// Whether vectors of normalisations (and their biases) train too.
enum class Norms : unsigned char { train, freeze };

/// The trainable weights that a visit reaches, in its order. F32::parameter of each is its number here; that of the F32
/// weights that stay out is -1. Points into the model, which must outlive it and not move.
///   Parameters parameters(model);                        // everything that is F32
///   Parameters parameters;  parameters.add("q.lora_A.weight", pair.a, WeightRole::adapter);
class Parameters {
  std::vector<Parameter> all_;
  Index floats_ = 0;

 public:
  Parameters() = default;
  template <class Model>
  explicit Parameters(Model& model, Norms norms = Norms::train) {
    add_all(model, "", norms);
  }

  /// All trainable weights below `layer`; frozen formats are passed over. A weight that is reached twice counts once.
  template <class Layer>
  void add_all(Layer& layer, const std::string& prefix = "", Norms norms = Norms::train) {
    std::string frozen;  // the normalisation that was reached last: its bias follows its weight
    visit_weights(layer, prefix, [&](const std::string& name, auto& weight, WeightRole role) {
      if constexpr (requires { weight.parameter; weight.values(); }) {
        const std::string owner = name.substr(0, name.rfind('.') + 1);
        if (role == WeightRole::norm) frozen = owner;
        const bool of_norm = role == WeightRole::norm || (role == WeightRole::bias && owner == frozen);
        if (of_norm && norms == Norms::freeze) weight.parameter = -1;
        else add(name, weight, role);
      }
    });
  }
  /// One more. Errors: ShapeError for a name that another weight has, or a weight without elements.
  void add(std::string name, F32& weight, WeightRole role) {
    for (const Parameter& other : all_) {
      if (other.weight == &weight) return;
      if (other.name == name) raise(ShapeError("tfm: two trainable weights are called '" + name + "'"));
    }
    if (weight.rows() * weight.cols() == 0) raise(ShapeError("tfm: the trainable weight '" + name + "' has no elements: allocate it before it is to train"));
    weight.parameter = count();
    all_.push_back({std::move(name), role, &weight, floats_});
    floats_ += round_up(weight.rows() * weight.cols(), 16);
  }

  Index count() const noexcept { return static_cast<Index>(all_.size()); }
  const Parameter& operator[](Index i) const noexcept { return all_[to_size(i)]; }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }
  const Parameter* find(std::string_view name) const noexcept {
    for (const Parameter& p : all_)
      if (p.name == name) return &p;
    return nullptr;
  }

  /// Numbers that train.
  Index elements() const noexcept {
    Index sum = 0;
    for (const Parameter& p : all_) sum += p.size();
    return sum;
  }
  /// Floats of a flat buffer: each weight begins at a cache line, and what is between them is 0.
  Index floats() const noexcept { return floats_; }
  Buffer flat() const { return {1, floats_}; }
  /// Weight p's part of a flat buffer, in its shape.
  static MutableView part(const Parameter& p, MutableView flat) noexcept { return {flat.data + p.offset, p.weight->rows(), p.weight->cols()}; }
  static View part(const Parameter& p, View flat) noexcept { return {flat.data + p.offset, p.weight->rows(), p.weight->cols()}; }
  static MutableView part(const Parameter& p, Buffer& flat) noexcept { return part(p, flat.view()); }
  /// What layers' backward wants, over a flat buffer that must outlive it.
  Gradients gradients(MutableView flat) const {
    Gradients views;
    for (const Parameter& p : all_) views.of.push_back(part(p, flat));
    return views;
  }
  /// The weights' values into a flat buffer, and back.
  void read(MutableView flat) const noexcept {
    for (const Parameter& p : all_) copy(p.weight->view(), part(p, flat));
  }
  void write(View flat) const noexcept {
    for (const Parameter& p : all_) copy(part(p, flat), p.weight->values());
  }
};

}  // namespace tfm::inline TFM_ABI
