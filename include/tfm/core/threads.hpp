#pragma once
// Threads: a pool that hands out small numbered chunks of work from one counter.
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/index.hpp"
#include "tfm/core/system.hpp"

namespace tfm::inline TFM_ABI {

/// Runs body(chunk, worker) for chunks 0 .. n, on the calling thread (worker 0) and its own. Results must not depend on
/// who runs which chunk. Workers spin for a moment after work and then sleep, so that an idle program uses no CPU.
/// Several user threads may share one pool: whoever finds it busy runs all its chunks alone.
class Threads {
  using Body = void (*)(void*, Index, int);
  static constexpr int spins = 2000;  // about 50 us; a fork and join within it costs 0.2 us, out of sleep 30 us

  // epoch in the high half, chunks not yet claimed in the low half: a claim is one compare-exchange, which fails if the
  // job has changed, so that a late worker can never touch another job's chunks.
  std::atomic<std::uint64_t> state_{0};
  std::atomic<Body> body_{nullptr};
  std::atomic<void*> argument_{nullptr};
  std::atomic<std::uint32_t> done_{0}, bell_{0}, sleepers_{0};
  std::atomic<bool> busy_{false}, quit_{false}, failed_{false};
  std::exception_ptr failure_;
  std::vector<std::thread> workers_;

  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  // Claims and runs one chunk; false if there is none.
  bool work_on_one(int worker) noexcept {
    std::uint64_t seen = state_.load(std::memory_order_acquire);
    for (;;) {
      const auto left = static_cast<std::uint32_t>(seen);
      if (left == 0) return false;
      const Body body = body_.load(std::memory_order_relaxed);
      void* const argument = argument_.load(std::memory_order_relaxed);
      if (!state_.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      run_chunk(body, argument, static_cast<Index>(left) - 1, worker);
      done_.fetch_add(1, std::memory_order_release);
      return true;
    }
  }

  void run_chunk(Body body, void* argument, Index chunk, int worker) noexcept {
#if defined(__cpp_exceptions)
    try {
      body(argument, chunk, worker);
    } catch (...) {
      if (!failed_.exchange(true)) failure_ = std::current_exception();
    }
#else
    body(argument, chunk, worker);
#endif
  }

  void worker_loop(int worker) noexcept {
    for (;;) {
      const std::uint32_t bell = bell_.load(std::memory_order_acquire);
      // Asked after the bell was read: who reads the bell that rings the end has seen the end, and never sleeps on it.
      if (quit_.load(std::memory_order_relaxed)) return;
      int idle = 0;
      while (idle < spins && bell_.load(std::memory_order_relaxed) == bell) {
        if (work_on_one(worker)) idle = 0;
        else ++idle, pause();
      }
      while (work_on_one(worker)) {}
      if (bell_.load(std::memory_order_seq_cst) != bell) continue;
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      bell_.wait(bell, std::memory_order_seq_cst);
      sleepers_.fetch_sub(1, std::memory_order_seq_cst);
    }
  }

  void ring() noexcept {
    bell_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) > 0) bell_.notify_all();
  }

  void start(int count) {
    for (int i = 1; i < count; ++i) workers_.emplace_back([this, i] { worker_loop(i); });
  }
  void end() noexcept {
    quit_.store(true);
    ring();
    for (auto& worker : workers_) worker.join();
  }

 public:
  /// As many workers as the machine has cores (or 1 if it does not say).
  static int hardware() noexcept {
    const unsigned n = std::thread::hardware_concurrency();
    return n == 0 ? 1 : static_cast<int>(n);
  }

  /// Errors: ThreadError where the system does not start all of them; none is left then.
  explicit Threads(int count = hardware()) {
    workers_.reserve(count > 1 ? to_size(Index{count} - 1) : 0);
#if defined(__cpp_exceptions)
    try {
      start(count);
    } catch (const std::system_error& error) {
      const int started = this->count();
      end();
      raise<ThreadError>({"tfm: ", count, " threads were asked for, and the system started ", started, " of them, the calling one among them: ",
                          error.code().message(), os::thread_limits(), "; ask for fewer threads (`threads`, --threads), or for a higher limit"});
    } catch (...) {
      end();
      throw;
    }
#else
    start(count);
#endif
  }
  ~Threads() { end(); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// Workers, the calling thread included.
  int count() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Returns when all chunks (fewer than 2^32) have run. The first exception of a chunk is thrown here, after the others
  /// have run. A chunk must not call run() of the same pool.
  template <class F>
  void run(Index chunks, F&& body) {
    if (chunks <= 1 || workers_.empty() || busy_.exchange(true, std::memory_order_acquire)) {
      for (Index i = 0; i < chunks; ++i) body(i, 0);
      return;
    }
    using Held = std::remove_reference_t<F>;
    body_.store([](void* f, Index chunk, int worker) { (*static_cast<Held*>(f))(chunk, worker); }, std::memory_order_relaxed);
    argument_.store(const_cast<void*>(static_cast<const void*>(std::addressof(body))), std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    const std::uint64_t epoch = (state_.load(std::memory_order_relaxed) >> 32) + 1;
    state_.store(epoch << 32 | static_cast<std::uint64_t>(chunks), std::memory_order_release);
    ring();
    while (work_on_one(0)) {}
    for (int i = 0; done_.load(std::memory_order_acquire) != static_cast<std::uint32_t>(chunks);)
      i < spins ? (++i, pause()) : std::this_thread::yield();
    std::exception_ptr failure;
    if (failed_.exchange(false)) failure = std::exchange(failure_, nullptr);
    busy_.store(false, std::memory_order_release);
    if (failure) std::rethrow_exception(failure);
  }
};

}  // namespace tfm::inline TFM_ABI
