#pragma once
// AppendFile: a log that grows record by record.
#include <filesystem>
#include <span>
#include <string>

#include "tfm/core/system.hpp"
#include "tfm/formats/message.hpp"

namespace tfm::inline TFM_ABI {

/// Each record is given to the system at once, so that a program that is killed leaves all records but, at most, a part of the last.
/// Errors are LoadErrors that name the file and the system's reason.
class AppendFile {
  std::string name_;
  os::OutputFile file_;

  [[noreturn, gnu::cold]] void refuse(const std::string& what, os::Failure failure) const;

 public:
  enum class Mode : unsigned char { append, create };  ///< create: there must be no such file

  AppendFile(const std::filesystem::path& path, Mode mode);

  void write(std::span<const std::byte> record);
  const std::string& name() const noexcept { return name_; }
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/append_file.inl"
#endif
