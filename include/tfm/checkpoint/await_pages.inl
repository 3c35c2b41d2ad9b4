// What await_pages.hpp declares.
#include <chrono>
#include <thread>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE void raise_if_stopped(const Context& context) {
  if (context.stop.stop_requested()) raise(Stopped());
}

TFM_INLINE void AwaitPages::operator()(const Context& context, const TensorStore& store, const Tensor& tensor) {
  in_pieces(context, tensor, MiB, [&](const Tensor& piece) {
    for (int naps = 0; !in_vain_ && !store.resident(piece); ++naps) {
      if (naps % 100 == 0) store.fetch(piece, ahead_);
      raise_if_stopped(context);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      in_vain_ = naps == 5000;
    }
  });
}

TFM_INLINE void drop_pages(const Context& context, const TensorStore& store, const Tensor& tensor) {
  in_pieces(context, tensor, 16 * MiB, [&](const Tensor& piece) { store.drop(piece); });
}

}  // namespace detail

}  // namespace tfm::inline TFM_ABI
