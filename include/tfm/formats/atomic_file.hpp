#pragma once
// AtomicFile: a file that is there whole or not at all, whatever happens while it is written.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "tfm/formats/byte_views.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Writes under a temporary name beside the target; commit() syncs and renames it. Without a commit, or after an error,
/// the temporary file is removed and what was under the target's name is untouched. Errors are LoadErrors that name the
/// target and the system's reason.
class AtomicFile {
  std::string target_, folder_, temporary_;
  int file_ = -1;

  [[noreturn]] void refuse(const std::string& what, int error) {
    abandon();
    raise(LoadError("tfm: cannot write " + target_ + ": " + what + ": " + system_reason(error)));
  }
  void abandon() noexcept {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }
  void sync_folder() noexcept {  // so that the new name survives a power cut; not every file system can
    const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return;
    ::fsync(folder);
    ::close(folder);
  }

 public:
  explicit AtomicFile(const std::filesystem::path& target) : target_(target.string()) {
    if (target_.find('\0') != std::string::npos)
      raise(LoadError("tfm: cannot write " + in_quotes(target_) + ": the name holds a zero byte"));
    if (!target.has_filename())
      raise(LoadError("tfm: cannot write " + in_quotes(target_) + ": it is not a file's name"));
    folder_ = target.has_parent_path() ? target.parent_path().string() : ".";
    for (int attempt = 0; file_ < 0; ++attempt) {
      temporary_ = folder_ + "/.tfm-" + std::to_string(::getpid()) + "-" + std::to_string(attempt) + ".tmp";
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (file_ >= 0) break;
      const int error = errno;
      if (error == EINTR || (error == EEXIST && attempt < 10'000)) continue;
      temporary_.clear();
      refuse("cannot make a temporary file in " + folder_, error);
    }
  }
  ~AtomicFile() { abandon(); }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto written = ::write(file_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse("after " + std::to_string(::lseek(file_, 0, SEEK_CUR)) + " bytes", errno);
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  void write(std::string_view text) { write(bytes_of(text)); }

  /// The target becomes what was written.
  void commit() {
    if (::fsync(file_) != 0) refuse("cannot sync", errno);
    if (::close(std::exchange(file_, -1)) != 0) refuse("cannot close", errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse("cannot rename the temporary file", errno);
    temporary_.clear();
    sync_folder();
  }
};

/// The file at `target` becomes `bytes`, whole or not at all.
inline void write_file(const std::filesystem::path& target, std::span<const std::byte> bytes) {
  AtomicFile file(target);
  file.write(bytes);
  file.commit();
}

}  // namespace tfm::inline TFM_ABI
