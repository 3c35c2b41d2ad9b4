// What mapped_file.hpp declares.
#include <utility>

namespace tfm::inline TFM_ABI {

TFM_INLINE std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  return std::make_shared<const MappedFile>(Key{}, path);
}

TFM_INLINE MappedFile::MappedFile(Key, const std::filesystem::path& path) : name_(path.string()) {
  if (name_.find('\0') != std::string::npos)
    raise<LoadError>({"tfm: cannot open ", in_quotes(name_), ": the name holds a zero byte"});
  const os::Mapping map = os::map_file(name_);
  if (map.failure != 0) refuse(os::reason(map.failure));
  if (map.kind == os::Mapping::Kind::folder) refuse("it is a folder");
  if (map.kind != os::Mapping::Kind::file) refuse("it is not a regular file");
  if (map.size == 0) refuse("it is empty");
  start_ = map.start, size_ = map.size, modified_ = map.modified;
  if (is_lfs_pointer(text_of(bytes()))) refuse_pointer();
}

TFM_INLINE MappedFile::~MappedFile() {
  if (start_ != nullptr) os::unmap(start_, size_);
}

TFM_INLINE void MappedFile::refuse(std::string_view reason) const {
  raise<LoadError>({"tfm: cannot open ", name_, ": ", reason});
}

TFM_INLINE void MappedFile::refuse_pointer() {  // inside the constructor, whose error no destructor follows
  const std::string reason = lfs_pointer_text(text_of(bytes()));
  os::unmap(std::exchange(start_, nullptr), size_);
  refuse(reason);
}

}  // namespace tfm::inline TFM_ABI
