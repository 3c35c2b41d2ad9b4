#include "tfm/core/threads.hpp"

#include <atomic>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"
#include "support/little_memory.hpp"

TEST_CASE("every chunk runs exactly once, with any number of workers") {
  for (int count : {1, 2, 3, 8}) {
    tfm::Threads threads(count);
    for (tfm::Index chunks : {0, 1, 2, 7, 100}) {
      for (int repeat = 0; repeat < 50; ++repeat) {
        std::vector<std::atomic<int>> runs(tfm::to_size(chunks));
        std::atomic<int> strangers{0};
        threads.run(chunks, [&](tfm::Index chunk, int worker) {
          if (worker < 0 || worker >= count) ++strangers;
          ++runs[tfm::to_size(chunk)];
        });
        REQUIRE(strangers == 0);
        for (auto& r : runs) REQUIRE(r == 1);
      }
    }
  }
}

TEST_CASE("a chunk's exception reaches the caller, after the other chunks have run") {
  tfm::Threads threads(3);
  std::atomic<int> runs{0};
  REQUIRE_THROWS_WITH(threads.run(20, [&](tfm::Index chunk, int) {
    ++runs;
    if (chunk == 5) throw std::runtime_error("five");
  }), "five");
  REQUIRE(runs == 20);
  threads.run(4, [&](tfm::Index, int) { ++runs; });
  REQUIRE(runs == 24);
}

TEST_CASE("two user threads share one pool") {
  tfm::Threads threads(2);
  std::atomic<long> sum{0};
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) threads.run(10, [&](tfm::Index chunk, int) { sum += chunk; });
  };
  std::thread other(work);
  work();
  other.join();
  REQUIRE(sum == 2 * 2000 * 45);
}

TEST_CASE("a worker that is held up costs its own chunk: others run all the rest") {
  for (const int count : {2, 3, 8}) {
    tfm::Threads threads(count);
    std::atomic<int> others{0};
    threads.run(100, [&](tfm::Index chunk, int) {
      if (chunk != 99) ++others;  // 99 is handed out first
      else
        while (others < 99) std::this_thread::yield();
    });
    CHECK(others == 99);
  }
}

TEST_CASE("threads that wait for work take no CPU time") {
  tfm::Threads threads(4);
  std::atomic<int> runs{0};
  threads.run(100, [&](tfm::Index, int) { ++runs; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // beyond their spinning, of microseconds
  const std::clock_t before = std::clock();                    // of the whole process
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  CHECK(static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC < 0.05);
  threads.run(100, [&](tfm::Index, int) { ++runs; });
  CHECK(runs == 200);
}

TEST_CASE("many more threads than cores, of several pools at once, finish their work") {
  std::atomic<long> sum{0};
  const auto work = [&] {
    tfm::Threads threads(4 * tfm::Threads::hardware() + 3);
    for (int i = 0; i < 200; ++i) threads.run(50, [&](tfm::Index chunk, int) { sum += chunk; });
  };
  std::thread other(work), third(work);
  work();
  other.join(), third.join();
  CHECK(sum == 3L * 200 * (50 * 49 / 2));
}

TEST_CASE("pools that end right after their work end") {  // a worker that fell asleep on the last bell would hang here
  std::atomic<int> runs{0};
  for (int pool = 0; pool < 2000; ++pool) {
    tfm::Threads threads(8);
    threads.run(2, [&](tfm::Index, int) { ++runs; });
  }
  CHECK(runs == 2 * 2000);
}

TEST_CASE("threads that the system does not start are an error that says how many, and leave none behind") {
  const std::string said = tfm_test::with_little_memory(96 << 20, [] {  // a thread's stack is of 8 MiB
    std::string text = "no error";
    try {
      const tfm::Threads threads(500);
    } catch (const tfm::ThreadError& error) {
      text = error.what();
    }
    int left = 0;
    for ([[maybe_unused]] const auto& task : std::filesystem::directory_iterator("/proc/self/task")) ++left;
    std::atomic<int> runs{0};
    tfm::Threads(2).run(10, [&](tfm::Index, int) { ++runs; });
    return text + "; threads left " + std::to_string(left) + ", chunks run " + std::to_string(runs);
  });
  if (said.empty()) return;
  using Catch::Matchers::Contains;
  CHECK_THAT(said, Contains("tfm: 500 threads were asked for, and the system started ") && Contains(" KiB of address space, ulimit -v") &&
                       Contains("ask for fewer threads (`threads`, --threads)") && Contains("; threads left 1, chunks run 10"));
  const int started = std::atoi(said.c_str() + said.find("started ") + 8);
  CHECK((started > 1 && started < 100));
}
