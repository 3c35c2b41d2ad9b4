#pragma once
// MappedFile: a file's bytes as read-only memory, read by the system when they are touched.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "tfm/core/git_lfs.hpp"
#include "tfm/core/system.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Shared by all that point into it, and unmapped with the last of them. As with every mapping, a file that another
/// program shortens meanwhile must not be touched any more: replace files by renaming, as AtomicFile does.
class MappedFile {
  std::string name_;
  std::byte* start_ = nullptr;
  std::size_t size_ = 0;
  std::int64_t modified_ = 0;

  struct Key {};

 public:
  /// Throws LoadError with the path and the system's reason: not there, not permitted, a folder, a device, empty; and for a Git LFS
  /// pointer, which nobody means to read.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);

  MappedFile(Key, const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& name() const noexcept { return name_; }
  std::span<const std::byte> bytes() const noexcept { return {start_, size_}; }

  /// When it was last written, in nanoseconds of the file system's time, as it was when it was opened. A path may lead to
  /// another file by now; this is of the one that is mapped.
  std::int64_t modified() const noexcept { return modified_; }

  /// Gives the memory of the whole pages inside `part` back to the system. They can still be read, and are then fetched
  /// from the file again. `part` lies in bytes().
  void drop(std::span<const std::byte> part) const noexcept { os::drop_pages(part); }

  /// Asks the system to read `part` of bytes() from the disk, and does not wait for it.
  void fetch(std::span<const std::byte> part) const noexcept { os::fetch_pages(part); }
  /// Whether the system has all of `part` of bytes() in memory, so that touching it waits for no disk; true where it does
  /// not say, as of files that are not ours to write.
  bool resident(std::span<const std::byte> part) const noexcept { return os::pages_resident(part); }

  /// Tells the system that the file will be read from front to back.
  void advise_sequential() const noexcept { os::read_in_order(start_, size_); }

 private:
  [[noreturn, gnu::cold]] void refuse(std::string_view reason) const;
  [[noreturn, gnu::cold]] void refuse_pointer();
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/mapped_file.inl"
#endif
