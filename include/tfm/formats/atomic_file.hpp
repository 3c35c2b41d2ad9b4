#pragma once
// AtomicFile: a file that is there whole or not at all, whatever happens while it is written.
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "tfm/core/system.hpp"
#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Writes under a temporary name beside the target; commit() syncs and renames it. Without a commit, or after an error,
/// the temporary file is removed and what was under the target's name is untouched. Errors are LoadErrors that name the
/// target and the system's reason.
class AtomicFile {
  std::string target_, folder_, temporary_;
  os::OutputFile file_;

  [[noreturn, gnu::cold]] void refuse(const std::string& what, os::Failure failure);
  void abandon() noexcept;

 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile() { abandon(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(bytes_of(text)); }

  /// The target becomes what was written.
  void commit();
};

/// The file at `target` becomes `bytes`, whole or not at all.
void write_file(const std::filesystem::path& target, std::span<const std::byte> bytes);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/atomic_file.inl"
#endif
