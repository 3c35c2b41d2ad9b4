#pragma once
// Arena: a stack of memory for the intermediate results of layers and kernels.
#include <algorithm>
#include <vector>

#include "tfm/core/view.hpp"

namespace tfm::inline TFM_ABI {

/// A stack: a Frame gives back at its end all that was taken in it. Reserve what a call needs beforehand, and taking
/// never allocates; otherwise the arena grows, and keeps what it grew to.
class Arena {
  std::vector<AlignedBytes> blocks_;
  std::size_t block_ = 0;  // the block in use
  Index used_ = 0;         // bytes taken of it
  Index taken_ = 0;        // bytes taken of all
  Index peak_ = 0;

 public:
  Arena() = default;
  explicit Arena(Index bytes) { reserve(bytes); }

  /// What take() really uses for n objects of a size.
  static constexpr Index bytes_for(Index n, Index size = sizeof(float)) noexcept { return round_up(n * size, buffer_alignment); }

  /// Makes sure that, while nothing is taken, `bytes` can be taken without allocating.
  void reserve(Index bytes) {
    if (!blocks_.empty() && blocks_.front().size() >= bytes) return;  // blocks that it grew to stay beside it
    if (block_ != 0 || used_ != 0) return;  // in use: it will grow where it must
    const Index size = std::max(bytes, capacity());
    blocks_.clear();
    blocks_.emplace_back(size);
  }

  /// Uninitialised memory for n objects of T, until the frame around it ends.
  template <class T>
  T* take(Index n) {
    const Index bytes = bytes_for(n, static_cast<Index>(sizeof(T)));
    if (blocks_.empty()) blocks_.emplace_back(std::max(bytes, 64 * KiB));
    while (used_ + bytes > blocks_[block_].size()) {
      used_ = 0;
      if (++block_ == blocks_.size()) blocks_.emplace_back(std::max(bytes, blocks_.back().size()));
    }
    std::byte* const start = blocks_[block_].data() + used_;
    used_ += bytes;
    taken_ += bytes;
    peak_ = std::max(peak_, taken_);
    return reinterpret_cast<T*>(start);
  }

  MutableView matrix(Index rows, Index cols) { return {take<float>(rows * cols), rows, cols}; }

  Index capacity() const noexcept {
    Index sum = 0;
    for (const auto& block : blocks_) sum += block.size();
    return sum;
  }
  /// The most that was ever taken at once.
  Index peak() const noexcept { return peak_; }

  /// While it lives, what is taken is on top of what was there; at its end that is given back.
  class Frame {
    Arena& arena_;
    std::size_t block_;
    Index used_, taken_;

   public:
    explicit Frame(Arena& arena) noexcept : arena_(arena), block_(arena.block_), used_(arena.used_), taken_(arena.taken_) {}
    ~Frame() {
      arena_.block_ = block_;
      arena_.used_ = used_;
      arena_.taken_ = taken_;
    }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
  };
};

}  // namespace tfm::inline TFM_ABI
