// The limits of this CPU as one JSON object: operations and bytes per second of all threads, the clock of one core at work, and the
// floats that one register holds.
//   limits [--threads N]
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "limits.hpp"

#if defined(__clang__)
#define TFM_COMPILER "clang++ " __clang_version__
#else
#define TFM_COMPILER "g++ " __VERSION__
#endif

namespace {

/// Seconds that this thread was at work: other work on its core does not count.
double seconds_at_work() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Cycles per second of one core at work: a chain of additions, one a cycle. The clock that the system tells is often another.
double clock_rate() {
  constexpr tfm::Index rounds = 1'000'000, unrolled = 16;
  double best = 0;
  for (int round = 0; round < 20; ++round) {
    std::uint64_t sum = 0, one = 1;
    asm("" : "+r"(one));
    const double begin = seconds_at_work();
    for (tfm::Index r = 0; r < rounds; ++r) {
      TFM_UNROLL
      for (int i = 0; i < unrolled; ++i) {
        sum += one;
        asm volatile("" : "+r"(sum));
      }
    }
    best = std::max(best, static_cast<double>(rounds * unrolled) / (seconds_at_work() - begin));
  }
  return best;
}

}  // namespace

int main(int count, char** arguments) {
  int threads = tfm::Threads::hardware();
  tfm::Isa isa = tfm::best_isa();
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--threads") == 0) threads = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--isa") == 0) isa = limits::isa_named(arguments[i + 1]);
  }
  const int lanes = isa >= tfm::Isa::avx512 ? 16 : isa >= tfm::Isa::avx2 ? 8 : 4;
  std::printf("{\"isa\": \"%s\", \"threads\": %d, \"compiler\": \"%s\", \"lanes\": %d, \"clock\": %.0f, ", name(isa).data(), threads, TFM_COMPILER, lanes, clock_rate());
  std::printf("\"float32\": %.0f, \"int8\": %.0f, ", limits::float32(isa, threads), limits::int8(isa, threads));
  std::printf("\"bf16\": %.0f, \"reading\": %.0f}\n", limits::bf16(isa, threads), limits::reading(isa, threads));
}
