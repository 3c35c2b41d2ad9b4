#pragma once
// A packed file: the panels of a checkpoint's weights as they stand in memory, to be mapped at the next start.
//
//   "tfm-pack", u32 byte order mark, u32 version of this layout, u32 panel_layout, u64 bytes of the header
//   key: u64 files, of each i64 size, i64 modified; texts tensors, sampled, whole
//   panels: texts sampled, whole                                          SHA-256 of their sampled pages, of all of them
//   weights: u64 number, of each text name, u32 format, i64 rows, cols, offset
//   SHA-256 of all that as 64 digits, which end the header
//   the weights' panels in that order, each from the next multiple of 4096 on; 0 up to the next multiple at the end
//
// A text is its length as u64 and its bytes; numbers are of the machine that wrote them.
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "tfm/checkpoint/packed_key.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/numeric/packed_weight.hpp"

namespace tfm::inline TFM_ABI {

/// A weight in a packed file.
struct PackedEntry {
  std::string name;
  Format format{};
  Index rows = 0, cols = 0;
  Index offset = 0;  ///< of its panels in the file
  Index bytes() const noexcept { return packed_bytes(format, rows, cols); }
  bool operator==(const PackedEntry&) const = default;
};

struct PackedHeader {
  PackedKey key;
  std::string sampled, whole;  ///< SHA-256 of sampled pages of the panels, and of all of them; `whole` is empty where the key's is
  std::vector<PackedEntry> weights;
};

namespace detail {

inline constexpr std::string_view packed_magic = "tfm-pack";
inline constexpr std::uint32_t packed_order = 0x0a0b0c0d, packed_version = 1;
inline constexpr Index packed_alignment = 4096;
inline constexpr std::size_t digest_size = 64, largest_header = 64 * MiB;

/// Fields of a header whose bytes may say anything: behind the end all of them are 0.
class HeaderFields {
  std::span<const std::byte> left_;
  bool whole_ = true;

 public:
  explicit HeaderFields(std::span<const std::byte> bytes) noexcept : left_(bytes) {}

  bool whole() const noexcept { return whole_; }
  std::size_t left() const noexcept { return left_.size(); }
  std::span<const std::byte> bytes(std::uint64_t n) noexcept;
  template <class T>
  T number() noexcept {
    T value{};
    if (const auto found = bytes(sizeof value); !found.empty()) std::memcpy(&value, found.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(text_of(bytes(number<std::uint64_t>()))); }
};

/// Why the weights in a packed file of `size` bytes are not the model's, each where the layout has it; "" where they are.
/// `header` is the file's, `wanted` the model's weights, which say how large everything is.
std::string misplaced(const PackedHeader& header, std::vector<PackedEntry> wanted, std::size_t size);

/// The message of the LoadError that `work` raises, without "tfm: "; "" if it raises none.
template <class F>
std::string refusal(F&& work) {
#if defined(__cpp_exceptions)
  try {
    work();
  } catch (const LoadError& error) {
    const std::string_view message = error.what();
    return std::string(message.substr(message.starts_with("tfm: ") ? 5 : 0));
  }
#else
  work();
#endif
  return {};
}

/// What was found at a packed file's path.
struct FoundPacked {
  std::shared_ptr<const MappedFile> mapping;  ///< null: nothing that can be used
  std::vector<PackedEntry> weights;
  std::string refused;  ///< why not; "" too where nothing was there
  bool ours = true;     ///< what is there may be replaced: a packed file, an empty one, or nothing
};

/// Maps the packed file of a checkpoint if it is that one's and holds `wanted`. `verify`: all bytes of both are hashed, and
/// key.whole is set if it comes to that. Errors: Stopped.
FoundPacked find_packed(Context& context, const std::filesystem::path& path, const TensorStore& store, PackedKey& key,
                               std::vector<PackedEntry> wanted, bool verify);

/// Writes a packed file, whole or not at all: `parts` are the panels of `weights`. Hashes of all bytes are added where
/// key.whole is set. Errors: LoadError, Stopped.
void write_packed(Context& context, const std::filesystem::path& path, PackedKey key, std::vector<PackedEntry> weights, FileParts parts,
                         const ProgressCallback& progress);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/packed_file.inl"
#endif
