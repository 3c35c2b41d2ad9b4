#pragma once
// What tfm asks of the operating system beyond the standard library: mapped files, files that are written whole, pages of memory,
// limits. system_posix.inl has the answers of Linux and macOS; another system is one more such file. No other header of the library
// includes a header of the system; core/isa.hpp asks the CPU.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {
namespace os {

/// Why the system refused: its number for it, of which 0 means that it did not.
using Failure = int;
/// The system's words.
std::string reason(Failure failure);

/// A file to write. Functions return why they failed.
class OutputFile {
  int handle_ = -1;

 public:
  enum class Mode : unsigned char {
    create,         ///< there must be no such file
    append,         ///< what is written goes to the end of the file, which is made if need be
    create_append,  ///< both
  };

  OutputFile() = default;
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile() { close(); }

  Failure open(const std::string& path, Mode mode) noexcept;
  bool is_open() const noexcept { return handle_ >= 0; }
  /// All of the bytes, however often a signal comes between.
  Failure write(std::span<const std::byte> bytes) noexcept;
  /// How many bytes the file has so far.
  std::int64_t position() const noexcept;
  /// Returns when the bytes are on the disk.
  Failure sync() noexcept;
  Failure close() noexcept;
};

/// Whether to try another name: the file is there already, or a signal came between.
bool other_name_may_do(Failure failure) noexcept;
/// Takes the place of what is there under the second name, at once.
Failure rename_file(const std::string& from, const std::string& to) noexcept;
void remove_file(const std::string& path) noexcept;
/// Makes names in a folder survive a power cut, where the file system can.
void sync_folder(const std::string& path) noexcept;
/// The number of this process, for names of temporary files.
std::int64_t process_number() noexcept;

/// A file's bytes as memory that the system reads when it is touched.
struct Mapping {
  enum class Kind : unsigned char { file, folder, other };
  Kind kind = Kind::file;     ///< only files are mapped
  std::byte* start = nullptr;  ///< null where nothing is mapped: an empty file, too
  std::size_t size = 0;
  std::int64_t modified = 0;  ///< when it was last written, in nanoseconds of the file system's time
  Failure failure = 0;
};
/// Maps it to be read; does not wait where it is a pipe.
Mapping map_file(const std::string& path) noexcept;
void unmap(void* start, std::size_t size) noexcept;
/// Says that a mapping will be read from front to back.
void read_in_order(void* start, std::size_t size) noexcept;

// Of the pages of a mapped file, any part of one.
/// Gives the memory of whole pages back; they are read again when they are touched.
void drop_pages(std::span<const std::byte> part) noexcept;
/// Has the system read them, and does not wait for it.
void fetch_pages(std::span<const std::byte> part) noexcept;
/// Whether all are in memory; true where the system does not say.
bool pages_resident(std::span<const std::byte> part) noexcept;

/// Asks for huge pages of memory that begins at the boundary of one.
void want_huge_pages(void* start, std::size_t size) noexcept;

/// What limits the threads of this process, as far as the system says so: " (limits: 120000 KiB of address space, ulimit -v)".
std::string thread_limits();

}  // namespace os
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/core/system_posix.inl"
#endif
