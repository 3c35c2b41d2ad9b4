#pragma once
// MappedFile: a file's bytes as read-only memory, read by the system when they are touched.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "tfm/core/git_lfs.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Shared by all that point into it, and unmapped with the last of them. As with every mapping, a file that another
/// program shortens meanwhile must not be touched any more: replace files by renaming, as AtomicFile does.
class MappedFile {
  std::string name_;
  void* start_ = nullptr;
  std::size_t size_ = 0;
  std::int64_t modified_ = 0;

  struct Key {};

 public:
  /// Throws LoadError with the path and the system's reason: not there, not permitted, a folder, a device, empty; and for a Git LFS
  /// pointer, which nobody means to read.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path) {
    return std::make_shared<const MappedFile>(Key{}, path);
  }

  MappedFile(Key, const std::filesystem::path& path) : name_(path.string()) {
    if (name_.find('\0') != std::string::npos)
      raise<LoadError>({"tfm: cannot open ", in_quotes(name_), ": the name holds a zero byte"});
    // Without O_NONBLOCK, opening a pipe would wait for its writer.
    const int file = ::open(name_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) refuse(system_reason(errno));
    struct stat about {};
    const int failed = ::fstat(file, &about) != 0 ? errno : 0;
    if (failed == 0 && S_ISREG(about.st_mode) && about.st_size > 0) {
      size_ = static_cast<std::size_t>(about.st_size);
      modified_ = nanoseconds(about);
      start_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
    }
    const int unmapped = start_ == MAP_FAILED ? errno : 0;
    ::close(file);
    if (failed != 0) refuse(system_reason(failed));
    if (S_ISDIR(about.st_mode)) refuse("it is a folder");
    if (!S_ISREG(about.st_mode)) refuse("it is not a regular file");
    if (size_ == 0) refuse("it is empty");
    if (unmapped != 0) start_ = nullptr, refuse(system_reason(unmapped));
    if (is_lfs_pointer(text_of(bytes()))) refuse_pointer();
  }
  ~MappedFile() {
    if (start_ != nullptr) ::munmap(start_, size_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::span<const std::byte> bytes() const noexcept { return {static_cast<const std::byte*>(start_), size_}; }

  /// When it was last written, in nanoseconds of the file system's time, as it was when it was opened. A path may lead to
  /// another file by now; this is of the one that is mapped.
  std::int64_t modified() const noexcept { return modified_; }

  /// Gives the memory of the whole pages inside `part` back to the system. They can still be read, and are then fetched
  /// from the file again. `part` lies in bytes().
  void drop(std::span<const std::byte> part) const noexcept {
    const std::uintptr_t page = page_size();
    const auto first = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
    const auto last = (reinterpret_cast<std::uintptr_t>(part.data()) + part.size()) / page * page;
    if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }

  /// Asks the system to read `part` of bytes() from the disk, and does not wait for it.
  void fetch(std::span<const std::byte> part) const noexcept {
    const std::size_t inside = reinterpret_cast<std::uintptr_t>(part.data()) % page_size();
    ::madvise(const_cast<std::byte*>(part.data()) - inside, part.size() + inside, MADV_WILLNEED);
  }
  /// Whether the system has all of `part` of bytes() in memory, so that touching it waits for no disk; true where it does
  /// not say, as of files that are not ours to write.
  bool resident(std::span<const std::byte> part) const noexcept {
    constexpr std::size_t most = 256;
    unsigned char pages[most];
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

  /// Tells the system that the file will be read from front to back.
  void advise_sequential() const noexcept { ::madvise(start_, size_, MADV_SEQUENTIAL); }

 private:
  static std::int64_t nanoseconds(const struct stat& about) noexcept {
#if defined(__APPLE__)
    const timespec& time = about.st_mtimespec;
#else
    const timespec& time = about.st_mtim;
#endif
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  }
  static std::size_t page_size() noexcept { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }
  [[noreturn, gnu::cold, gnu::noinline]] void refuse(std::string_view reason) const {
    raise<LoadError>({"tfm: cannot open ", name_, ": ", reason});
  }
  [[noreturn, gnu::cold, gnu::noinline]] void refuse_pointer() {  // inside the constructor, whose error no destructor follows
    const std::string reason = lfs_pointer_text(text_of(bytes()));
    ::munmap(std::exchange(start_, nullptr), size_);
    refuse(reason);
  }
};

}  // namespace tfm::inline TFM_ABI
