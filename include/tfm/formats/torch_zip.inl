// What torch_zip.hpp declares.
#include <algorithm>
#include <cstring>
#include <utility>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE zip_int64_t TorchZip::serve(void* state, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  Bytes& bytes = *static_cast<Bytes*>(state);
  const auto refuse = [&](int reason) {
    zip_error_set(&bytes.error, reason, 0);
    return zip_int64_t{-1};
  };
  switch (command) {
    case ZIP_SOURCE_OPEN: bytes.at = 0; return 0;
    case ZIP_SOURCE_READ: {
      const std::uint64_t n = std::min<std::uint64_t>(length, bytes.all.size() - bytes.at);
      if (n > bytes.budget) return refuse(ZIP_ER_MEMORY);
      bytes.budget -= n;
      if (bytes.watched) bytes.first_read = bytes.at, bytes.watched = false;
      if (n > 0) std::memcpy(data, bytes.all.data() + bytes.at, static_cast<std::size_t>(n));
      bytes.at += n;
      return static_cast<zip_int64_t>(n);
    }
    case ZIP_SOURCE_SEEK: {
      const zip_int64_t to = zip_source_seek_compute_offset(bytes.at, bytes.all.size(), data, length, &bytes.error);
      if (to >= 0) bytes.at = static_cast<std::uint64_t>(to);
      return to >= 0 ? 0 : -1;
    }
    case ZIP_SOURCE_TELL: return static_cast<zip_int64_t>(bytes.at);
    case ZIP_SOURCE_STAT: {
      auto* const about = static_cast<zip_stat_t*>(data);
      zip_stat_init(about);
      about->valid = ZIP_STAT_SIZE;
      about->size = bytes.all.size();
      return sizeof *about;
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&bytes.error, data, length);
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                            ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                            ZIP_SOURCE_SUPPORTS, -1);
    default: return refuse(ZIP_ER_OPNOTSUPP);
  }
}

TFM_INLINE void TorchZip::refuse_open(zip_error_t& error) const {
  const std::string reason = printable(zip_error_strerror(&error), 200);
  zip_error_fini(&error);
  refuse("no zip archive that can be read: " + reason);
}

TFM_INLINE auto TorchZip::place_of(std::string_view member) const -> Place {
  const auto found = members_.find(member);
  if (found == members_.end()) refuse("the archive has no " + in_quotes(member));
  zip_stat_t about;
  constexpr zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(zip_.get(), found->second, 0, &about) != 0 || (about.valid & needed) != needed)
    refuse(in_quotes(member) + " cannot be read: " + printable(zip_strerror(zip_.get()), 200));
  if (about.comp_method != ZIP_CM_STORE || about.encryption_method != ZIP_EM_NONE || about.size != about.comp_size)
    refuse(in_quotes(member) + " is compressed or encrypted, expected it as torch.save writes it");
  if (about.size > bytes_.all.size())
    refuse(in_quotes(member) + " should have " + std::to_string(about.size) + " bytes, and the file has " +
           std::to_string(bytes_.all.size()));
  return {found->second, static_cast<std::size_t>(about.size)};
}

TFM_INLINE auto TorchZip::open(Place place, std::string_view member) -> std::unique_ptr<zip_file_t, Discard> {
  bytes_.budget = UINT64_MAX;
  std::unique_ptr<zip_file_t, Discard> opened(zip_fopen_index(zip_.get(), place.index, 0));
  if (!opened) refuse(in_quotes(member) + " cannot be read: " + printable(zip_strerror(zip_.get()), 200));
  return opened;
}

TFM_INLINE TorchZip::TorchZip(std::span<const std::byte> bytes, std::string file) : file_(std::move(file)) {
  bytes_.all = bytes;
  zip_error_t error;
  zip_error_init(&error);
  zip_error_init(&bytes_.error);
  zip_source_t* const source = zip_source_function_create(&serve, &bytes_, &error);
  if (source == nullptr) refuse_open(error);
  zip_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (!zip_) {
    zip_source_free(source);
    refuse_open(error);
  }
  zip_error_fini(&error);
  const zip_int64_t count = zip_get_num_entries(zip_.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* const name = zip_get_name(zip_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    if (name == nullptr) refuse("a member of the archive has no name");
    if (!members_.emplace(name, static_cast<zip_uint64_t>(i)).second)
      refuse("the archive has " + in_quotes(name) + " twice");
  }
}

TFM_INLINE std::string TorchZip::root() const {
  constexpr std::string_view wanted = "data.pkl";
  for (const auto& [name, index] : members_)
    if (name.ends_with(wanted) && name.find('/') == name.size() - wanted.size() - 1)
      return std::string(name.substr(0, name.size() - wanted.size()));
  refuse("the archive has no data.pkl, which PyTorch's checkpoints have");
}

TFM_INLINE std::span<const std::byte> TorchZip::in_place(std::string_view member) {
  const Place place = place_of(member);
  if (place.size == 0) return {};
  const auto opened = open(place, member);
  bytes_.watched = true;
  std::byte first{};
  if (zip_fread(opened.get(), &first, 1) != 1 || bytes_.watched || bytes_.first_read > bytes_.all.size() - place.size ||
      bytes_.all[bytes_.first_read] != first)
    refuse(in_quotes(member) + " does not lie in the file");
  return bytes_.all.subspan(static_cast<std::size_t>(bytes_.first_read), place.size);
}

TFM_INLINE std::vector<std::byte> TorchZip::checked(std::string_view member, std::size_t most) {
  const Place place = place_of(member);
  if (place.size > most)
    refuse(in_quotes(member) + " has " + std::to_string(place.size) + " bytes, expected at most " + std::to_string(most));
  const auto opened = open(place, member);
  std::vector<std::byte> read(place.size + 1);  // one more, so that libzip comes to the end and compares
  std::size_t at = 0;
  for (zip_int64_t n = 1; n > 0; at += static_cast<std::size_t>(n)) {
    n = at < read.size() ? zip_fread(opened.get(), read.data() + at, read.size() - at) : 0;
    if (n < 0)
      refuse(in_quotes(member) + " is damaged: " + printable(zip_file_strerror(opened.get()), 200));
  }
  if (at != place.size) refuse(in_quotes(member) + " is cut short");
  read.pop_back();
  return read;
}

TFM_INLINE TensorStore read_torch_zip(TensorSource source) {
  constexpr std::size_t longest_pickle = 16 * MiB;
  TorchZip zip(source.bytes, source.file);
  const std::string root = zip.root();
  if (zip.has(root + "byteorder")) {
    const auto order = zip.checked(root + "byteorder", 16);
    if (text_of(order) != "little")
      fail(source.file, "the byte order is " + in_quotes(text_of(order)) + ", expected 'little'");
  }
  const auto pickled = zip.checked(root + "data.pkl", longest_pickle);
  const Pickle pickle = unpickle(pickled, source.file);
  std::map<std::string, std::span<const std::byte>, std::less<>> found;
  return TorchTensors(pickle, std::move(source), [&](const PickleStorage& storage) {
           const std::string member = root + "data/" + std::string(storage.key.substr(0, 256));
           const auto [at, first] = found.try_emplace(member);
           if (first) at->second = zip.in_place(member);
           return at->second;
         }).read();
}

}  // namespace detail

TFM_INLINE TensorStore read_torch_from(TensorSource source) {
  const std::string_view text = text_of(source.bytes);
  if (text.starts_with("PK")) return detail::read_torch_zip(std::move(source));
  if (text.starts_with("\x80")) return read_torch_before_zip(std::move(source));
  detail::fail(source.file, "no PyTorch checkpoint: found neither a zip archive nor a pickle");
}

}  // namespace tfm::inline TFM_ABI
