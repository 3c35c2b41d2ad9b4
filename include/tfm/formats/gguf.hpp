#pragma once
// GGUF (github.com/ggml-org/ggml, docs/gguf.md), versions 2 and 3, little-endian: reading metadata and tensors.
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tfm/formats/gguf_metadata.hpp"
#include "tfm/formats/gguf_split.hpp"

namespace tfm::inline TFM_ABI {

/// A file that has been read.
struct Gguf {
  GgufMetadata metadata;
  TensorStore tensors;
};

namespace detail {

inline constexpr std::uint64_t gguf_most_keys = 65'536;  // real files have some dozens
inline constexpr std::size_t gguf_longest_key = 65'535;  // the format's own limit
inline constexpr int gguf_deepest_array = 8;

struct GgufCounts {
  std::uint64_t tensors, keys;
};

/// A tensor's description; what follows from it about its bytes is checked, their place is not yet known.
struct GgufTensorInfo {
  Tensor tensor;
  std::uint64_t offset = 0;
  Index bytes = 0;
};

}  // namespace detail

/// Reads a source: its metadata, where it lies, and its tensors, in the file's order. Throws LoadError for a file of
/// another version or byte order, and for whatever the format forbids.
Gguf read_gguf(TensorSource source);

/// Reads the file at `path`, which is mapped; of a model in several files (gguf_split.hpp) all of them, whichever `path` is: the metadata is
/// the first one's. Errors besides: LoadError for a part that is missing or says that it is another, and tensors that are in no part or in two.
Gguf read_gguf(const std::filesystem::path& path);

/// Reads bytes that the caller keeps alive, of one file; `file` is their name in messages.
Gguf read_gguf(std::span<const std::byte> bytes, std::string file);

/// Reads the metadata alone (a vocabulary, say), whatever the tensors are, or whether they are there: by a path of a model in several files
/// the first one's.
GgufMetadata read_gguf_metadata(TensorSource source);
GgufMetadata read_gguf_metadata(const std::filesystem::path& path);
GgufMetadata read_gguf_metadata(std::span<const std::byte> bytes, std::string file);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/gguf.inl"
#endif
