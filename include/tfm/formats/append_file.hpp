#pragma once
// AppendFile: a log that grows record by record.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <string>
#include <utility>

#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Each record is given to the system at once, so that a program that is killed leaves all records but, at most, a part of the last.
/// Errors are LoadErrors that name the file and the system's reason.
class AppendFile {
  std::string name_;
  int file_ = -1;

  [[noreturn]] void refuse(const std::string& what) const { raise(LoadError("tfm: cannot write " + name_ + ": " + what + system_reason(errno))); }

 public:
  enum class Mode : unsigned char { append, create };  ///< create: there must be no such file

  AppendFile(const std::filesystem::path& path, Mode mode) : name_(path.string()) {
    file_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (mode == Mode::create ? O_EXCL : 0), 0666);
    if (file_ < 0) refuse("");
  }
  ~AppendFile() {
    if (file_ >= 0) ::close(file_);
  }
  AppendFile(AppendFile&& other) noexcept : name_(std::move(other.name_)), file_(std::exchange(other.file_, -1)) {}
  AppendFile& operator=(AppendFile&&) = delete;

  void write(std::span<const std::byte> record) {
    while (!record.empty()) {
      const auto written = ::write(file_, record.data(), record.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse("after " + std::to_string(::lseek(file_, 0, SEEK_CUR)) + " bytes: ");
      record = record.subspan(static_cast<std::size_t>(written));
    }
  }
  const std::string& name() const noexcept { return name_; }
};

}  // namespace tfm::inline TFM_ABI
