#pragma once
// PyTorch's checkpoints (pytorch_model.bin, .pt, .pth): zip archives, read with libzip, which comes only with this header.
#include <zip.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/torch_before_zip.hpp"
#include "tfm/formats/torch_tensors.hpp"
#include "tfm/formats/unpickle.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A zip archive in memory whose members lie there uncompressed, as torch.save writes them: libzip reads and checks the
/// directory, and members are used where they are.
class TorchZip {
  /// What libzip reads from. It tells where libzip has read last.
  struct Bytes {
    std::span<const std::byte> all;
    std::uint64_t at = 0, first_read = 0, budget = 8 * MiB;  // a directory of more is no checkpoint's
    bool watched = false;
    zip_error_t error{};
  };
  struct Discard {
    void operator()(zip_t* zip) const noexcept { zip_discard(zip); }
    void operator()(zip_file_t* file) const noexcept { zip_fclose(file); }
  };

  std::string file_;
  Bytes bytes_;
  std::unique_ptr<zip_t, Discard> zip_;
  std::map<std::string_view, zip_uint64_t> members_;

  static zip_int64_t serve(void* state, void* data, zip_uint64_t length, zip_source_cmd_t command);
  [[noreturn]] void refuse(const std::string& what) const { fail(file_, what); }
  [[noreturn]] void refuse_open(zip_error_t& error) const;

  struct Place {
    zip_uint64_t index;
    std::size_t size;
  };
  Place place_of(std::string_view member) const;
  std::unique_ptr<zip_file_t, Discard> open(Place place, std::string_view member);

 public:
  TorchZip(std::span<const std::byte> bytes, std::string file);
  TorchZip(const TorchZip&) = delete;
  TorchZip& operator=(const TorchZip&) = delete;

  bool has(std::string_view member) const { return members_.contains(member); }
  /// The folder inside which torch.save puts everything, with its slash.
  std::string root() const;

  /// A member where it lies; its checksum is not looked at, which PyTorch does not do either.
  std::span<const std::byte> in_place(std::string_view member);
  /// A member's bytes, held against their checksum.
  std::vector<std::byte> checked(std::string_view member, std::size_t most);
};

}  // namespace detail

/// Reads a checkpoint of PyTorch: the tensors of its dictionary, or of the "state_dict" in it. A view that does not lie
/// in one piece is copied; all others stay where they are. Nothing that a file holds is run: a pickle that names
/// anything but tensors and plain containers is refused by that name. Errors: LoadError.
TensorStore read_torch_from(TensorSource source);
/// Reads the file at `path`, which is mapped. What loads checkpoints takes it as LoadOptions::read_bin.
inline TensorStore read_torch(const std::filesystem::path& path) { return read_torch_from(TensorSource::mapped(path)); }

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/torch_zip.inl"
#endif
