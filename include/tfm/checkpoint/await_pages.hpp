#pragma once
// How loading waits for a file's pages: in naps, between which a stop is heard.
#include <algorithm>
#include <cstddef>
#include <utility>

#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

void raise_if_stopped(const Context& context);

/// Calls f(piece) for a tensor's bytes, `size` at a time: a tensor of some gigabytes has many pieces, and a stop is heard
/// after each.
template <class F>
void in_pieces(const Context& context, Tensor tensor, std::size_t size, F&& f) {
  const auto all = tensor.bytes;
  for (std::size_t at = 0; at < all.size(); at += size) {
    tensor.bytes = all.subspan(at, std::min(size, all.size() - at));
    f(std::as_const(tensor));
    raise_if_stopped(context);
  }
}

/// Waits in naps until the system has read a tensor's bytes, and has it read on meanwhile: a stop is heard between two
/// naps, but not by a thread that waits in a page fault for a slow disk.
class AwaitPages {
  std::size_t ahead_;
  bool in_vain_ = false;  // not every system reads what it is asked to; then page faults do it

 public:
  /// `ahead`: bytes that the system reads on.
  explicit AwaitPages(std::size_t ahead = 32 * MiB) noexcept : ahead_(ahead) {}

  void operator()(const Context& context, const TensorStore& store, const Tensor& tensor);
};

/// Gives back the file's pages.
void drop_pages(const Context& context, const TensorStore& store, const Tensor& tensor);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/await_pages.inl"
#endif
