// What append_file.hpp declares.

namespace tfm::inline TFM_ABI {

TFM_INLINE void AppendFile::refuse(const std::string& what, os::Failure failure) const {
  raise<LoadError>({"tfm: cannot write ", name_, ": ", what, os::reason(failure)});
}

TFM_INLINE AppendFile::AppendFile(const std::filesystem::path& path, Mode mode) : name_(path.string()) {
  using File = os::OutputFile;
  if (const auto failure = file_.open(name_, mode == Mode::create ? File::Mode::create_append : File::Mode::append); failure != 0)
    refuse("", failure);
}

TFM_INLINE void AppendFile::write(std::span<const std::byte> record) {
  if (const auto failure = file_.write(record); failure != 0) refuse("after " + std::to_string(file_.position()) + " bytes: ", failure);
}

}  // namespace tfm::inline TFM_ABI
