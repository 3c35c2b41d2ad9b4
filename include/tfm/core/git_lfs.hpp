#pragma once
// Git LFS pointers: the few lines that lie in a checkout in place of a large file that was not downloaded.
#include <string>
#include <string_view>

#include "tfm/core/error.hpp"

namespace tfm::inline TFM_ABI {

/// Whether a file's bytes are a pointer's (github.com/git-lfs/git-lfs, docs/spec.md), which has fewer than 1,024. Those of a larger
/// file are not touched.
constexpr bool is_lfs_pointer(std::string_view bytes) noexcept {
  return bytes.size() < 1024 && bytes.starts_with("version https://git-lfs.github.com/spec/");
}

/// What is to be said of one, in place of what a reader finds wrong with it.
[[gnu::cold, gnu::noinline]] inline std::string lfs_pointer_text(std::string_view bytes) {
  constexpr std::string_view key = "\nsize ";
  const auto at = bytes.find(key);
  std::string_view size = at == bytes.npos ? std::string_view() : bytes.substr(at + key.size());
  size = size.substr(0, size.find_first_not_of("0123456789"));
  return joined({"this is a Git LFS pointer, not the file: the real file", size.empty() ? "" : ", of ", size, size.empty() ? "" : " bytes,",
                 " was not downloaded (`git lfs pull` in its folder fetches it)"});
}

}  // namespace tfm::inline TFM_ABI
