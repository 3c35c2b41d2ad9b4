#pragma once
// StopToken and StopSource: how a caller ends long work from another thread. (libc++ 14 has no <stop_token>.)
#include <atomic>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Asked by long work every few milliseconds. An empty one never stops. Converts from std::stop_token, or from any
/// copyable type with `bool stop_requested() const`.
class StopToken {
  std::shared_ptr<const void> state_;
  bool (*poll_)(const void*) noexcept = nullptr;

 public:
  StopToken() = default;
  explicit StopToken(std::shared_ptr<const std::atomic<bool>> flag)
      : state_(std::move(flag)), poll_([](const void* p) noexcept {
          return static_cast<const std::atomic<bool>*>(p)->load(std::memory_order_relaxed);
        }) {}
  template <class T>
    requires(!std::is_same_v<T, StopToken> && requires(const T& t) { { t.stop_requested() } -> std::same_as<bool>; })
  StopToken(T token)
      : state_(std::make_shared<T>(std::move(token))), poll_([](const void* p) noexcept {
          return static_cast<const T*>(p)->stop_requested();
        }) {}

  bool stop_requested() const noexcept { return poll_ != nullptr && poll_(state_.get()); }
};

/// Gives tokens and stops them all.
class StopSource {
  std::shared_ptr<std::atomic<bool>> flag_ = std::make_shared<std::atomic<bool>>(false);

 public:
  StopToken token() const { return StopToken(std::shared_ptr<const std::atomic<bool>>(flag_)); }
  /// Safe in a signal handler and from any thread.
  void request_stop() const noexcept { flag_->store(true, std::memory_order_relaxed); }
  /// Makes the source usable again after a stop.
  void reset() const noexcept { flag_->store(false, std::memory_order_relaxed); }
  bool stop_requested() const noexcept { return flag_->load(std::memory_order_relaxed); }
};

}  // namespace tfm::inline TFM_ABI
