// What atomic_file.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void AtomicFile::refuse(const std::string& what, os::Failure failure) {
  abandon();
  raise<LoadError>({"tfm: cannot write ", target_, ": ", what, ": ", os::reason(failure)});
}

TFM_INLINE void AtomicFile::abandon() noexcept {
  file_.close();
  if (!temporary_.empty()) os::remove_file(temporary_);
  temporary_.clear();
}

TFM_INLINE AtomicFile::AtomicFile(const std::filesystem::path& target) : target_(target.string()) {
  if (target_.find('\0') != std::string::npos)
    raise<LoadError>({"tfm: cannot write ", in_quotes(target_), ": the name holds a zero byte"});
  if (!target.has_filename()) raise<LoadError>({"tfm: cannot write ", in_quotes(target_), ": it is not a file's name"});
  folder_ = target.has_parent_path() ? target.parent_path().string() : ".";
  for (int attempt = 0;; ++attempt) {
    temporary_ = joined({folder_, "/.tfm-", os::process_number(), "-", attempt, ".tmp"});
    const os::Failure failure = file_.open(temporary_, os::OutputFile::Mode::create);
    if (failure == 0) return;
    if (attempt < 10'000 && os::other_name_may_do(failure)) continue;
    temporary_.clear();
    refuse("cannot make a temporary file in " + folder_, failure);
  }
}

TFM_INLINE void AtomicFile::write(std::span<const std::byte> bytes) {
  if (const auto failure = file_.write(bytes); failure != 0) refuse("after " + std::to_string(file_.position()) + " bytes", failure);
}

TFM_INLINE void AtomicFile::commit() {
  if (const auto failure = file_.sync(); failure != 0) refuse("cannot sync", failure);
  if (const auto failure = file_.close(); failure != 0) refuse("cannot close", failure);
  if (const auto failure = os::rename_file(temporary_, target_); failure != 0) refuse("cannot rename the temporary file", failure);
  temporary_.clear();
  os::sync_folder(folder_);  // so that the new name survives a power cut
}

TFM_INLINE void write_file(const std::filesystem::path& target, std::span<const std::byte> bytes) {
  AtomicFile file(target);
  file.write(bytes);
  file.commit();
}

}  // namespace tfm::inline TFM_ABI
