// Kernels beside the limits measured in the same process, by Google Benchmark. The limits stand in the JSON's context, operations are items.
//   kernels [--threads N] [--isa NAME] [--size 1024|4096] [--benchmark_filter=^products/ …]
#include <cstdlib>
#include <cstring>
#include <iostream>

#include "../limits.hpp"
#include "work.hpp"

namespace {

struct Options {
  int threads = tfm::Threads::hardware();
  tfm::Isa isa = tfm::best_isa();
  tfm::Index size = 0;
};

/// Takes our own flags out of the arguments, with their values; false if one of them is wrong.
bool take_flags(int& count, char** arguments, Options& options) {
  int kept = 1;
  for (int i = 1; i < count; ++i) {
    const std::string flag = arguments[i];
    if (flag != "--threads" && flag != "--isa" && flag != "--size") {
      arguments[kept++] = arguments[i];
      continue;
    }
    if (++i == count) return false;
    if (flag == "--isa") {
      options.isa = limits::isa_named(arguments[i]);
    } else {
      const int number = std::atoi(arguments[i]);
      if (number < 1) return false;
      if (flag == "--threads") options.threads = number;
      else options.size = number;
    }
  }
  count = kept;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!take_flags(count, arguments, options)) {
    std::cerr << "kernels: --threads N, --size N of at least 1, and --isa NAME of one that this CPU has\n";
    return 2;
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;

  const tfm::Isa isa = options.isa;
  const int threads = options.threads;
  const work::Limits limits{limits::float32(isa, threads), limits::int8(isa, threads), limits::bf16(isa, threads), limits::reading(isa, threads)};
  benchmark::AddCustomContext("isa", std::string(name(isa)));
  benchmark::AddCustomContext("threads", std::to_string(threads));
  for (const auto& [limit, rate] : {std::pair("float32", limits.float32), {"int8", limits.int8}, {"bf16", limits.bf16}, {"reading", limits.reading}})
    benchmark::AddCustomContext(limit, std::to_string(rate));

  work::Setup setup(threads, isa, limits);
  setup.size = options.size;
  add_products(setup);
  add_one_token(setup);
  add_attention(setup);
  add_rows(setup);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
