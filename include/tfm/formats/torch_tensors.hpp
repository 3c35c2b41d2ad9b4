#pragma once
// A pickled dictionary of tensors and the storages beside it, as a TensorStore.
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tfm/formats/pickle.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// Reads the tensors of one pickle. `storage` gives a storage's bytes by its key and what messages call it; the bytes lie
/// in `source`.
class TorchTensors {
  static constexpr std::size_t most_dims = 8;

  const Pickle& pickle_;
  TensorSource source_;
  std::function<std::span<const std::byte>(const PickleStorage&)> storage_;
  std::vector<Tensor> in_place_, copied_;
  std::vector<std::pair<std::size_t, const PickleTensor*>> strided_;  // which of copied_, and from where
  Index room_, copies_ = 0;                                           // bytes

  [[noreturn]] void refuse(const Tensor& tensor, const std::string& what) const;
  std::vector<Index> sizes(const Tensor& tensor, PickleValue tuple, const char* what) const;
  /// The storage's bytes, as many as it says.
  std::span<const std::byte> bytes_of_storage(const Tensor& tensor, const PickleStorage& storage) const;

  void add(std::string_view name, const PickleTensor& pickled);

  /// The values of a view one behind the other, outermost dimension first.
  static void copy_strided(const std::byte* storage, Index item, Index offset, std::span<const Index> shape,
                           std::span<const Index> strides, std::byte* out);

 public:
  TorchTensors(const Pickle& pickle, TensorSource source,
               std::function<std::span<const std::byte>(const PickleStorage&)> storage);

  TensorStore read() &&;

 private:
  /// The root's tensors, or where it has none those of its "state_dict", by name.
  std::vector<std::pair<std::string_view, const PickleTensor*>> find_tensors() const;
};

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/torch_tensors.inl"
#endif
