#pragma once
// How loading waits for a file's pages: in naps, between which a stop is heard.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <thread>
#include <utility>

#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
#include "tfm/formats/tensor_store.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline void raise_if_stopped(const Context& context) {
  if (context.stop.stop_requested()) raise(Stopped());
}

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

  void operator()(const Context& context, const TensorStore& store, const Tensor& tensor) {
    in_pieces(context, tensor, MiB, [&](const Tensor& piece) {
      for (int naps = 0; !in_vain_ && !store.resident(piece); ++naps) {
        if (naps % 100 == 0) store.fetch(piece, ahead_);
        raise_if_stopped(context);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        in_vain_ = naps == 5000;
      }
    });
  }
};

/// Gives back the file's pages.
inline void drop_pages(const Context& context, const TensorStore& store, const Tensor& tensor) {
  in_pieces(context, tensor, 16 * MiB, [&](const Tensor& piece) { store.drop(piece); });
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
