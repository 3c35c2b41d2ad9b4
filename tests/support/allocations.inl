// The operators that Allocations counts with: include this in exactly one file of a program. Each block begins with a
// header that holds its size, and whether it was counted.
#include <algorithm>
#include <cstdlib>
#include <new>

#include "support/allocations.hpp"

namespace tfm_test {

struct BlockHeader {
  std::size_t size;
  bool counted;
};

inline void* counted_new(std::size_t size, std::size_t alignment) {
  const std::size_t before = std::max(alignment, std::size_t{16});
  const std::size_t bytes = (size + 2 * before - 1) / before * before;
  auto* const start = static_cast<std::byte*>(std::aligned_alloc(before, bytes));
  if (start == nullptr) throw std::bad_alloc();
  auto& c = allocation_counters;
  const bool counted = c.on.load();
  if (counted) {
    ++c.calls;
    const long long live = c.live += static_cast<long long>(size);
    for (long long peak = c.peak; live > peak && !c.peak.compare_exchange_weak(peak, live);) {}
  }
  std::byte* const block = start + before;
  new (block - sizeof(BlockHeader)) BlockHeader{size, counted};
  return block;
}

inline void* counted_new_or_null(std::size_t size, std::size_t alignment) noexcept {
  try {
    return counted_new(size, alignment);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

inline void counted_delete(void* pointer, std::size_t alignment) noexcept {
  if (pointer == nullptr) return;
  auto* const block = static_cast<std::byte*>(pointer);
  const auto* const header = reinterpret_cast<const BlockHeader*>(block - sizeof(BlockHeader));
  if (header->counted) allocation_counters.live -= static_cast<long long>(header->size);
  std::free(block - std::max(alignment, std::size_t{16}));
}

}  // namespace tfm_test

void* operator new(std::size_t size) { return tfm_test::counted_new(size, 16); }
void* operator new[](std::size_t size) { return tfm_test::counted_new(size, 16); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return tfm_test::counted_new(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return tfm_test::counted_new(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return tfm_test::counted_new_or_null(size, 16); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return tfm_test::counted_new_or_null(size, 16);
}
void operator delete(void* p, const std::nothrow_t&) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete[](void* p, const std::nothrow_t&) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete(void* p) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete[](void* p) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete(void* p, std::size_t) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete[](void* p, std::size_t) noexcept { tfm_test::counted_delete(p, 16); }
void operator delete(void* p, std::align_val_t alignment) noexcept {
  tfm_test::counted_delete(p, static_cast<std::size_t>(alignment));
}
void operator delete[](void* p, std::align_val_t alignment) noexcept {
  tfm_test::counted_delete(p, static_cast<std::size_t>(alignment));
}
void operator delete(void* p, std::size_t, std::align_val_t alignment) noexcept {
  tfm_test::counted_delete(p, static_cast<std::size_t>(alignment));
}
void operator delete[](void* p, std::size_t, std::align_val_t alignment) noexcept {
  tfm_test::counted_delete(p, static_cast<std::size_t>(alignment));
}
