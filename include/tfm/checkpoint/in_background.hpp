#pragma once
// InBackground: a value that is computed on a thread of its own, beside the caller's work.
#include <atomic>
#include <exception>
#include <optional>
#include <thread>
#include <utility>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Starts compute() at once. The destructor waits for it. Whatever compute() refers to must live as long.
template <class T>
class InBackground {
  std::optional<T> value_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  std::thread thread_;

  void wait() {
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 public:
  template <class F>
  explicit InBackground(F compute) {
    thread_ = std::thread([this, compute = std::move(compute)]() mutable {
#if defined(__cpp_exceptions)
      try {
        value_.emplace(compute());
      } catch (...) {
        failure_ = std::current_exception();
        failed_.store(true, std::memory_order_release);
      }
#else
      value_.emplace(compute());
#endif
    });
  }
  ~InBackground() {
    if (thread_.joinable()) thread_.join();
  }
  InBackground(const InBackground&) = delete;
  InBackground& operator=(const InBackground&) = delete;

  /// Throws what compute() has thrown, if it has.
  void rethrow() {
    if (failed_.load(std::memory_order_acquire)) wait();
  }
  /// Waits for the value, once; throws what compute() threw.
  T get() {
    wait();
    return std::move(*value_);
  }
};

}  // namespace tfm::inline TFM_ABI
