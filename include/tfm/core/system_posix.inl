// What system.hpp declares, on Linux and macOS.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace tfm::inline TFM_ABI {
namespace os {

TFM_INLINE std::string reason(Failure failure) { return std::generic_category().message(failure); }

TFM_INLINE OutputFile::OutputFile(OutputFile&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

TFM_INLINE Failure OutputFile::open(const std::string& path, Mode mode) noexcept {
  const int append = mode == Mode::create ? 0 : O_APPEND, anew = mode == Mode::append ? 0 : O_EXCL;
  handle_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | append | anew, 0666);
  return handle_ < 0 ? errno : 0;
}

TFM_INLINE Failure OutputFile::write(std::span<const std::byte> bytes) noexcept {
  while (!bytes.empty()) {
    const auto written = ::write(handle_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

TFM_INLINE std::int64_t OutputFile::position() const noexcept { return ::lseek(handle_, 0, SEEK_CUR); }

TFM_INLINE Failure OutputFile::sync() noexcept { return ::fsync(handle_) == 0 ? 0 : errno; }

TFM_INLINE Failure OutputFile::close() noexcept {
  return !is_open() || ::close(std::exchange(handle_, -1)) == 0 ? 0 : errno;
}

TFM_INLINE bool other_name_may_do(Failure failure) noexcept { return failure == EEXIST || failure == EINTR; }

TFM_INLINE Failure rename_file(const std::string& from, const std::string& to) noexcept {
  return std::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

TFM_INLINE void remove_file(const std::string& path) noexcept { ::unlink(path.c_str()); }

TFM_INLINE void sync_folder(const std::string& path) noexcept {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

TFM_INLINE std::int64_t process_number() noexcept { return ::getpid(); }

TFM_INLINE Mapping map_file(const std::string& path) noexcept {
  Mapping map;
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    map.failure = errno;
    return map;
  }
  struct stat about {};
  if (::fstat(file, &about) != 0) {
    map.failure = errno;
  } else if (!S_ISREG(about.st_mode)) {
    map.kind = S_ISDIR(about.st_mode) ? Mapping::Kind::folder : Mapping::Kind::other;
  } else if (about.st_size > 0) {
#if defined(__APPLE__)
    const timespec& time = about.st_mtimespec;
#else
    const timespec& time = about.st_mtim;
#endif
    map.modified = std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
    void* const start = ::mmap(nullptr, static_cast<std::size_t>(about.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    if (start == MAP_FAILED) map.failure = errno;
    else map.start = static_cast<std::byte*>(start), map.size = static_cast<std::size_t>(about.st_size);
  }
  ::close(file);
  return map;
}

TFM_INLINE void unmap(void* start, std::size_t size) noexcept { ::munmap(start, size); }

TFM_INLINE void read_in_order(void* start, std::size_t size) noexcept { ::madvise(start, size, MADV_SEQUENTIAL); }

/// Bytes of a page.
TFM_INLINE std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

TFM_INLINE void drop_pages(std::span<const std::byte> part) noexcept {
  const std::uintptr_t page = page_size();
  const auto first = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(part.data()) + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

TFM_INLINE void fetch_pages(std::span<const std::byte> part) noexcept {
  const std::size_t inside = reinterpret_cast<std::uintptr_t>(part.data()) % page_size();
  ::madvise(const_cast<std::byte*>(part.data()) - inside, part.size() + inside, MADV_WILLNEED);
}

TFM_INLINE bool pages_resident(std::span<const std::byte> part) noexcept {
  constexpr std::size_t most = 256;
#if defined(__APPLE__)
  char pages[most];
#else
  unsigned char pages[most];
#endif
  const std::size_t page = page_size();
  const std::byte* at = part.data() - reinterpret_cast<std::uintptr_t>(part.data()) % page;
  const std::byte* const end = part.data() + part.size();
  for (; at < end; at += most * page) {
    const std::size_t size = std::min(most * page, static_cast<std::size_t>(end - at));
    if (::mincore(const_cast<std::byte*>(at), size, pages) != 0) return true;
    for (std::size_t i = 0; i * page < size; ++i)
      if ((pages[i] & 1) == 0) return false;
  }
  return true;
}

TFM_INLINE void want_huge_pages([[maybe_unused]] void* start, [[maybe_unused]] std::size_t size) noexcept {
#if defined(__linux__)
  ::madvise(start, size, MADV_HUGEPAGE);
#endif
}

TFM_INLINE std::string thread_limits() {
  std::string found;
  const auto add = [&](auto which, std::uint64_t unit, const char* of) {
    rlimit limit{};
    if (::getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return;
    found.append(found.empty() ? " (limits: " : ", ").append(std::to_string(limit.rlim_cur / unit)).append(of);
  };
  add(RLIMIT_NPROC, 1, " threads of this user, ulimit -u");
  add(RLIMIT_AS, 1024, " KiB of address space, ulimit -v");
  return found.empty() ? found : found + ")";
}

}  // namespace os
}  // namespace tfm::inline TFM_ABI
