#pragma once
// AlignedBytes: memory for numbers, in huge pages where it is large and the system has some.
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "tfm/core/index.hpp"
#include "tfm/core/system.hpp"

namespace tfm::inline TFM_ABI {

inline constexpr Index buffer_alignment = 64;  // bytes: a cache line, and the widest register
inline constexpr Index huge_page = 2 * MiB;    // of x86-64, and of AArch64 with pages of 4 KiB

/// Owns bytes at a 64-byte boundary, through an allocator that no compiler flag can change. Uninitialised. From one huge
/// page on they begin at the boundary of one, and Linux is asked for huge pages: a product over many megabytes otherwise
/// waits for page tables, and a first touch for a fault every 4 KiB.
class AlignedBytes {
  static constexpr std::align_val_t alignment(std::size_t size) noexcept {
    return std::align_val_t{to_size(size < to_size(huge_page) ? buffer_alignment : huge_page)};
  }
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* p) const noexcept { ::operator delete(p, alignment); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  Index size_ = 0;

 public:
  AlignedBytes() = default;
  explicit AlignedBytes(Index size)
      : bytes_(static_cast<std::byte*>(::operator new(to_size(size), alignment(to_size(size)))), Free{alignment(to_size(size))}), size_(size) {
    if (size >= huge_page) os::want_huge_pages(bytes_.get(), to_size(size / huge_page * huge_page));
  }
  AlignedBytes(AlignedBytes&& other) noexcept : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  AlignedBytes& operator=(AlignedBytes&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  std::byte* data() const noexcept { return bytes_.get(); }
  Index size() const noexcept { return size_; }
};

}  // namespace tfm::inline TFM_ABI
