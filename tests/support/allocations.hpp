#pragma once
// Counts what a program takes from the heap. The program that uses it defines the operators, once: #include
// "support/allocations.inl" in one of its files.
#include <atomic>
#include <cstddef>

namespace tfm_test {

/// Of all threads; counted only while an Allocations lives.
struct AllocationCounters {
  std::atomic<bool> on{false};
  std::atomic<long long> calls{0}, live{0}, peak{0};
};
inline AllocationCounters allocation_counters;

/// From its construction on: calls of operator new, bytes that live, and the most that ever lived.
class Allocations {
 public:
  Allocations() {
    auto& c = allocation_counters;
    c.calls = c.live = c.peak = 0;
    c.on = true;
  }
  ~Allocations() { allocation_counters.on = false; }
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;

  long long calls() const noexcept { return allocation_counters.calls; }
  long long live() const noexcept { return allocation_counters.live; }
  long long peak() const noexcept { return allocation_counters.peak; }
  /// What lives now becomes the peak.
  void forget_peak() noexcept { allocation_counters.peak = allocation_counters.live.load(); }
};

}  // namespace tfm_test
