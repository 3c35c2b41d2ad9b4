#pragma once
// WeightSource: a checkpoint's tensors under the model's names, whatever the file calls them, and its weights, of which several
// may be one tensor there.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/checkpoint/families.hpp"
#include "tfm/core/error.hpp"
#include "tfm/core/parameter.hpp"
#include "tfm/formats/sha256.hpp"
#include "tfm/formats/tensor_store.hpp"
#include "tfm/numeric/pack.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// "self_attn.q_proj" + suffix for "self_attn.q_proj.weight".
std::string beside(std::string_view weight, std::string_view suffix);

}  // namespace detail

/// How much less than the model's values a weight's are in files of a convention.
inline float norms_less(const Family& family, Convention convention, const WeightInfo& weight) noexcept {
  return family.norms_less_one && convention != Convention::gguf && weight.role == WeightRole::norm ? 1.f : 0.f;
}

/// Finds tensors, checks their shapes, and remembers which were used. The store must outlive it.
class WeightSource {
  struct Part {
    std::string stored;  // the tensor's name
    Index first = 0;     // row of it that is the weight's first; of a vector, value
    Index rotary_heads = 0;
  };
  const TensorStore& store_;
  Convention convention_;
  const Family& family_;
  std::map<std::string, Part, std::less<>> parts_;      // by the weight's name
  std::map<std::string, Index, std::less<>> expected_;  // rows of each tensor that parts were expected of; of a vector, values
  std::set<const Tensor*> used_;
  std::map<const Tensor*, std::vector<float>> scales_;  // of int8 weights: SCB / 127

  // The scales that bitsandbytes keeps beside an int8 matrix, NAME.SCB: each row's largest magnitude.
  void read_scales(const Tensor& tensor);

 public:
  WeightSource(const TensorStore& store, Convention convention, const Family& family) : store_(store), convention_(convention), family_(family) {}

  Convention convention() const noexcept { return convention_; }
  const Family& family() const noexcept { return family_; }
  const TensorStore& store() const noexcept { return store_; }
  /// What is added to the file's numbers of a weight: 1 to norms that it has less 1.
  float added(const WeightInfo& weight) const noexcept { return norms_less(family_, convention_, weight); }
  /// Marks what is no part of the text model among tensors of one that reads pictures, too, as used.
  void leave_out_pictures();
  /// What the file calls the tensor that the model's weight `name` is in.
  std::string stored_name(std::string_view name) const;
  const Tensor* find(std::string_view name) const { return store_.find(stored_name(name)); }
  /// "tfm: FILE: tensor 'NAME'", which messages begin with.
  std::string where(const Tensor& tensor) const;

  /// Before at() of any: all weights of a model, in the order of its visit, in which those that are one tensor lie there.
  void expect(const std::string& name, const WeightInfo& weight);
  /// The tensor that an expected weight is in. Errors: LoadError if it is missing or of another type than those that tfm
  /// computes with, ShapeError if its shape is another; all name the file, the tensor, found and expected.
  const Tensor& at(std::string_view name, const WeightInfo& weight);
  /// The bytes of an expected weight that at() has given: of a tensor, or a part of it, with the tensor's name.
  Tensor part(std::string_view name, const WeightInfo& weight) const;
  /// Its rows: of a vector, one, but where its values are in another order in the file: then one value a row.
  FileRows rows(std::string_view name, const WeightInfo& weight) const;
  /// Adds where all expected weights are, and how their rows are turned, to a hash.
  void add_places(Sha256& hash) const;
  void mark_used(const Tensor& tensor) { used_.insert(&tensor); }

  /// LoadError for a tensor that nobody asked for, which would change what the model computes.
  void refuse_unused() const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/weight_source.inl"
#endif
