// Loaded before the C library (LD_PRELOAD), this kills the program at one of its own calls that write files: the places
// where a power cut would show what is not atomic.
//   TFM_TEST_KILL_AT=N      at the N-th write to a file, fsync or rename; a write has written half of its bytes by then
//   TFM_TEST_POINTS=FILE    writes how many there were, at the end of the program
#include <dlfcn.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

std::atomic<long> points{0};

template <class F>
F* real(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}
bool killed_here() {
  static const char* const at = std::getenv("TFM_TEST_KILL_AT");
  return ++points == (at == nullptr ? 0 : std::atol(at));
}

[[gnu::destructor]] void tell() {
  const char* const name = std::getenv("TFM_TEST_POINTS");
  std::FILE* const file = name == nullptr ? nullptr : std::fopen(name, "w");
  if (file == nullptr) return;
  std::fprintf(file, "%ld\n", points.load());
  std::fclose(file);
}

}  // namespace

extern "C" {

ssize_t write(int file, const void* bytes, size_t count) {
  static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
  struct stat about {};
  if (fstat(file, &about) == 0 && S_ISREG(about.st_mode) && killed_here()) {
    next(file, bytes, count / 2);
    raise(SIGKILL);
  }
  return next(file, bytes, count);
}

int fsync(int file) {
  static auto* const next = real<int(int)>("fsync");
  if (killed_here()) raise(SIGKILL);
  return next(file);
}

int rename(const char* from, const char* to) noexcept {
  static auto* const next = real<int(const char*, const char*)>("rename");
  if (killed_here()) raise(SIGKILL);
  return next(from, to);
}

}
