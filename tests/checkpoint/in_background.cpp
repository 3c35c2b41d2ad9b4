#include "tfm/checkpoint/in_background.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/little_memory.hpp"

using tfm::InBackground;

TEST_CASE("what is computed in the background is computed, or throws, where the system gives no thread for it too") {
  const auto both = [] {
    std::string said = std::to_string(InBackground<int>([] { return 7; }).get());
    InBackground<int> failing([]() -> int { throw std::runtime_error("no"); });
    try {
      failing.get();
    } catch (const std::runtime_error& error) {
      said += error.what();
    }
    return said;
  };
  CHECK(both() == "7no");
  const std::string said = tfm_test::with_little_memory(64 << 20, [&] {
    std::atomic<bool> enough{false};
    std::vector<std::thread> others;  // all that there are: a thread's stack is of 8 MiB
    try {
      while (others.size() < 1000) others.emplace_back([&] { enough.wait(false); });
    } catch (const std::system_error&) {
    }
    const std::string found = others.size() < 1000 ? both() : "there are more threads";
    enough = true, enough.notify_all();
    for (std::thread& other : others) other.join();
    return found;
  });
  if (!said.empty()) CHECK(said == "7no");
}
