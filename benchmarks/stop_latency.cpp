// How long a StopToken takes to be heard, at random moments of loading a model (once from the system's memory, once from
// the disk) and of its 512-token prefill, on one thread.
//   stop_latency MODEL [MOMENTS] [SEED]
// Prints the milliseconds from request_stop() to the exception's handler, those of them that the working thread itself
// computed (a busy machine adds the time that it gives to others), and those to the end of the handler, when all is
// freed: median, 90th percentile, worst. The 10 ms that the library promises are for the worst.
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tfm/checkpoint/load_llama.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

/// Milliseconds that a thread has computed.
double computed(pthread_t thread) {
  clockid_t clock{};
  timespec time{};
  if (pthread_getcpuclockid(thread, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return 1e3 * static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_nsec);
}

struct Latencies {
  std::vector<double> caught, freed, working;
};

/// Takes a file out of the system's memory: what reads it next waits for the disk.
void evict(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
}

/// Runs `work` again and again, `prepare` before each, each time stopping it after a random part of the time that it takes.
Latencies measure(const char* what, int moments, std::uint64_t seed, const std::function<void()>& prepare,
                  const std::function<void(const tfm::StopToken&)>& work) {
  work({});  // what is read once from a disk, and allocated once
  prepare();
  const auto begin = Clock::now();
  work({});
  double whole = milliseconds(begin, Clock::now());
  std::cout << what << ": " << whole << " ms without a stop" << std::endl;
  Latencies out;
  for (int i = 0; static_cast<int>(out.caught.size()) < moments && i < 10 * moments; ++i) {
    const tfm::StopSource source;
    const double wait = whole * static_cast<double>(tfm::RandomKey{seed}.uniform(static_cast<std::uint64_t>(i)));
    prepare();
    const auto started = Clock::now();
    const pthread_t worker = pthread_self();
    Clock::time_point asked, caught;
    double before = 0, after = 0;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait));
      before = computed(worker);
      asked = Clock::now();
      source.request_stop();
    });
    bool stopped = false;
    try {
      work(source.token());
    } catch (const tfm::Stopped&) {
      caught = Clock::now();
      after = computed(worker);
      stopped = true;
    }
    const auto freed = Clock::now();
    stopper.join();
    if (!stopped) {  // it was ready before
      whole = std::min(whole, milliseconds(started, freed));
      continue;
    }
    out.caught.push_back(milliseconds(asked, caught));
    out.freed.push_back(milliseconds(asked, freed));
    out.working.push_back(after - before);
    if (out.caught.back() > 10)
      std::cout << "  after " << wait << " ms: " << out.caught.back() << " ms, of these computing "
                << out.working.back() << std::endl;
  }
  return out;
}

void print(const char* what, std::vector<double> values) {
  if (values.empty()) return;
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
  };
  std::cout << "  " << what << ", " << values.size() << " stops: median " << at(0.5) << " ms, 90 % " << at(0.9)
            << " ms, worst " << values.back() << " ms\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: stop_latency MODEL [MOMENTS] [SEED]\n";
    return 2;
  }
  const std::string path = argv[1];
  const int moments = argc > 2 ? std::atoi(argv[2]) : 50;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  try {
    const auto load = [&](const tfm::StopToken& stop) { tfm::load_llama(path, {.threads = 1, .stop = stop}); };
    const std::pair<const char*, std::function<void()>> kinds[] = {
        {"loading", [] {}}, {"loading from the disk", [&] { evict(path); }}};
    for (const auto& [what, prepare] : kinds) {
      const auto loading = measure(what, moments, seed, prepare, load);
      print("caught", loading.caught);
      print("computing", loading.working);
      print("freed", loading.freed);
    }

    const auto llama = tfm::load_llama(path);
    constexpr tfm::Index tokens = 512;
    std::vector<std::int32_t> ids;
    for (tfm::Index i = 0; i < tokens; ++i) ids.push_back(static_cast<std::int32_t>(i % llama.model.shape.vocab));
    const std::vector<tfm::Index> start{0, tokens};
    tfm::KvCache cache = llama.model.make_cache(1, tokens);
    tfm::Buffer logits(1, llama.model.shape.vocab);
    tfm::Context context(1);
    const auto prefill = measure("prefill of 512 tokens", moments, seed, [] {}, [&](const tfm::StopToken& stop) {
      cache.truncate(0, 0);
      context.stop = stop;
      llama.model.forward(context, {start}, ids, cache, tfm::Logits::last, logits);
    });
    print("caught", prefill.caught);
    print("computing", prefill.working);
  } catch (const tfm::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
