// Loaded before the C library (LD_PRELOAD), this makes a program's own calls that write files fail: it is killed in one of
// them, at the places where a power cut would show what is not atomic, or its disk is full.
//   TFM_TEST_KILL_AT=N      killed at the N-th write to a file, fsync or rename; a write has written half of its bytes by then
//   TFM_TEST_POINTS=FILE    writes how many there were, at the end of the program
//   TFM_TEST_ROOM=BYTES     what the program's files may take together; a write beyond them is cut short, the next one fails
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
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

// How many of `count` bytes still find room.
size_t room_for(size_t count) {
  static const char* const bytes = std::getenv("TFM_TEST_ROOM");
  static std::atomic<long> left{bytes == nullptr ? 0 : std::atol(bytes)};
  if (bytes == nullptr) return count;
  const auto fits = std::min(left.load(), static_cast<long>(count));
  left -= fits;
  return static_cast<size_t>(fits);
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
  if (fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) return next(file, bytes, count);
  if (killed_here()) {
    next(file, bytes, count / 2);
    raise(SIGKILL);
  }
  const size_t fits = room_for(count);
  if (fits > 0 || count == 0) return next(file, bytes, fits);
  errno = ENOSPC;
  return -1;
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
