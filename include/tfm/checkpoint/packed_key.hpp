#pragma once
// PackedKey: by what a packed file knows the checkpoint that it was made from.
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tfm/checkpoint/await_pages.hpp"
#include "tfm/checkpoint/weight_source.hpp"
#include "tfm/formats/sha256.hpp"

namespace tfm::inline TFM_ABI {

struct PackedKey {
  struct File {
    Index size = 0, modified = 0;  ///< see MappedFile::modified
    bool operator==(const File&) const = default;
  };
  std::vector<File> files;  ///< of the checkpoint
  std::string tensors;      ///< SHA-256 of names, types, shapes and places of all tensors, and of how they are read
  std::string sampled;      ///< SHA-256 of sampled pages of each file
  std::string whole;        ///< SHA-256 of all bytes; empty: not asked for
};

namespace detail {

/// Pieces of memory that stand behind each other in a file, each at the beginning of a page.
using FileParts = std::span<const std::span<const std::byte>>;

inline constexpr std::size_t sampled_page = 4096;

/// The first page, the last, and 64 between them, evenly spread; all, where there are no more.
std::vector<std::span<const std::byte>> sampled_pages(FileParts parts);

Tensor as_tensor(std::span<const std::byte> bytes);

std::string hash_of_sample(const Context& context, const TensorStore& store, FileParts parts);

/// SHA-256 of the hashes of all mebibytes of the parts, so that threads share the work. A stop is heard after each. The
/// pages are given back, where they will not be wanted.
enum class PagesAfterwards : unsigned char { keep, drop };
std::string hash_of_all(Context& context, const TensorStore& store, FileParts parts, PagesAfterwards afterwards);

/// The key of a checkpoint that is open, but for `whole`. Errors: Stopped.
PackedKey key_of(const Context& context, const WeightSource& source);

/// PackedKey::whole of the checkpoint. Errors: Stopped.
std::string hash_of_checkpoint(Context& context, const TensorStore& store);

/// Why a file that was made `then` is none of the checkpoint as it is `now`, `whole` apart; "" where it is.
std::string difference(const PackedKey& then, const PackedKey& now, const TensorStore& store);

/// LoadError where a file of the checkpoint has been replaced or written to since it was opened: what was packed is not
/// what the key says, or not one moment's.
void require_unchanged(const TensorStore& store, const PackedKey& key);

}  // namespace detail

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/packed_key.inl"
#endif
