#pragma once
// with_little_memory: what code does where the system gives it hardly any address space.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "support/catch.hpp"
#include "support/sanitized.hpp"

namespace tfm_test {

/// What `work` returns in a process of its own, whose address space may grow by so many bytes; empty where the system does not hold it to that.
template <class F>
std::string with_little_memory(rlim_t more, F&& work) {
  if (sanitized) return {};  // whose own memory knows no such limit
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t size = pages * static_cast<rlim_t>(::sysconf(_SC_PAGESIZE)) + more;
    const rlimit limit{size, size};
    const bool held = ::setrlimit(RLIMIT_AS, &limit) == 0 && ::mmap(nullptr, 2 * more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
    const std::string said = held ? work() : std::string();
    ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
  }
  REQUIRE(child > 0);
  ::close(ends[1]);
  std::string said(4096, '\0');
  const ssize_t size = ::read(ends[0], said.data(), said.size());
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);  // it has not been ended, by terminate() say
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return said;
}

}  // namespace tfm_test
