#pragma once
// InBackground: a value that is computed on a thread of its own, beside the caller's work.
#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

/// Starts compute() at once; where the system gives no thread, the caller's computes, before anything else. The destructor waits for
/// it. Whatever compute() refers to must live as long.
template <class T>
class InBackground {
  std::optional<T> value_;
  std::exception_ptr failure_;
  std::atomic<bool> failed_{false};
  std::thread thread_;

  template <class F>
  void run(F& compute) noexcept {
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
  }
  void wait() {
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 public:
  template <class F>
  explicit InBackground(F compute) {
    const auto work = std::make_shared<F>(std::move(compute));  // which a thread that does not start must not take along
#if defined(__cpp_exceptions)
    try {
      thread_ = std::thread([this, work] { run(*work); });
    } catch (const std::system_error&) {
      run(*work);
    }
#else
    thread_ = std::thread([this, work] { run(*work); });
#endif
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
