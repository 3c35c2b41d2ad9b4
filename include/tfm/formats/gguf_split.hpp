#pragma once
// A model in several GGUF files, as llama-gguf-split makes them: NAME-00001-of-00003.gguf and so on. Each says which
// part it is; the first has the metadata.
#include <filesystem>
#include <string>

#include "tfm/formats/gguf_metadata.hpp"

namespace tfm::inline TFM_ABI {
namespace detail {

/// Which part of a model a file says that it is.
struct GgufPart {
  Index number = 0, count = 1;  // from 0
};

inline constexpr Index gguf_most_parts = 65'535;  // split.count is a u16

/// A file without split.count is the whole.
GgufPart gguf_part(const GgufMetadata& metadata);

/// What a part's name ends with: "-00002-of-00003.gguf".
std::string gguf_part_ending(GgufPart part);

/// Where part `number` of the model lies of which `path` is the part that `metadata` says. Errors: LoadError where
/// `path` is not called so, or there is no such file.
std::filesystem::path gguf_part_path(const std::filesystem::path& path, const GgufMetadata& metadata, Index number);

/// Refuses a file that says that it is another part than `expected`.
void require_part(const GgufMetadata& metadata, GgufPart expected);

}  // namespace detail
}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/gguf_split.inl"
#endif
