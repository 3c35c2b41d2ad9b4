#pragma once
// Context: what a running thread of the user's hands through every layer down to the kernels.
#include <memory>
#include <string>
#include <utility>

#include "tfm/core/arena.hpp"
#include "tfm/core/error.hpp"
#include "tfm/core/int8_options.hpp"
#include "tfm/core/isa.hpp"
#include "tfm/core/random.hpp"
#include "tfm/core/stop_token.hpp"
#include "tfm/core/threads.hpp"

namespace tfm::inline TFM_ABI {

namespace kernels {
struct Table;
struct TrainingTable;
}  // namespace kernels

/// One for each running user thread; cheap. Several may share one Threads.
struct Context {
  Arena scratch;  ///< given back when a layer returns
  Arena kept;     ///< what backward needs, until the step ends
  std::shared_ptr<Threads> threads;
  Isa isa = best_isa();
  Arithmetic arithmetic = Arithmetic::fast;
  Int8Options int8;  ///< outliers of products of Int8 weights
  RandomKey random;
  bool training = false;  ///< dropout is on
  StopToken stop;
  const kernels::Table* table = nullptr;                   ///< kernels in place of those of `isa` (kernels/tables.hpp), or null
  const kernels::TrainingTable* training_table = nullptr;  ///< likewise, what training needs besides

  Context() : Context(std::make_shared<Threads>()) {}
  explicit Context(std::shared_ptr<Threads> pool) : threads(std::move(pool)) {}
  explicit Context(int thread_count) : Context(std::make_shared<Threads>(thread_count)) {}

  /// For kernels of a device, which cannot throw from inside a layer: what went wrong, in the device's words. The first failure stays, and
  /// nothing that this context runs afterwards can be believed. To be called from the thread that runs the context.
  void fail(std::string what) noexcept {
    if (failure_.empty()) failure_ = std::move(what);
  }
  /// Whether what is left to do is not done: a stop was requested, or a device has failed.
  bool ended() const noexcept { return !failure_.empty() || stop.stop_requested(); }
  /// After a pass, and before its result is believed. Errors: DeviceError, Stopped.
  void raise_if_ended() const {
    if (!failure_.empty()) raise<DeviceError>({"tfm: ", failure_});
    if (stop.stop_requested()) raise(Stopped());
  }

  /// threads->run, but once the context has ended the chunks that are left do nothing: whoever called asks raise_if_ended() before it
  /// believes the result.
  template <class F>
  void run(Index chunks, F&& body) {
    threads->run(chunks, [&](Index chunk, int worker) {
      if (!ended()) body(chunk, worker);
    });
  }

 private:
  std::string failure_;
};

}  // namespace tfm::inline TFM_ABI
