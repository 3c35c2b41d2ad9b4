#pragma once
// MergeTable: the merges of a BPE by rank, and their application to one word.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "tfm/core/index.hpp"
#include "tfm/core/random.hpp"
#include "tfm/text/tokenizer.hpp"

namespace tfm::inline TFM_ABI {

/// Which pairs of tokens become which token, and which pair goes first: that of the lowest rank.
class MergeTable {
  struct Merge {
    Token left, right, result;
  };
  std::vector<Merge> merges_;         // by rank
  std::vector<std::int32_t> table_;   // open addressing by the pair's hash: a rank, or -1

  static std::uint64_t hash(Token left, Token right) noexcept {
    return mix(static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right));
  }
  std::size_t place(Token left, Token right) const noexcept {
    const std::size_t mask = table_.size() - 1;
    std::size_t i = static_cast<std::size_t>(hash(left, right)) & mask;
    while (table_[i] >= 0) {
      const Merge& merge = merges_[static_cast<std::size_t>(table_[i])];
      if (merge.left == left && merge.right == right) break;
      i = (i + 1) & mask;
    }
    return i;
  }

 public:
  explicit MergeTable(Index size = 0) {
    std::size_t places = 2;
    while (places < 2 * to_size(size) + 1) places *= 2;
    table_.assign(places, std::int32_t{-1});
    merges_.reserve(to_size(size));
  }
  Index size() const noexcept { return static_cast<Index>(merges_.size()); }

  /// The merge of the next rank, up to the size given. A pair that has a rank already keeps it.
  void add(Token left, Token right, Token result) {
    const std::size_t i = place(left, right);
    if (table_[i] < 0) table_[i] = static_cast<std::int32_t>(merges_.size());
    merges_.push_back({left, right, result});
  }

  /// Memory for apply(), to be used again for the next word.
  struct Scratch {
    struct Symbol {
      Token token;
      std::int32_t previous, next;  // -1: none
    };
    struct Candidate {  // this merge was possible for the symbol at `at` and the one after it
      std::int32_t rank, at;
      // the heap's top is the lowest rank, and of equal ranks the leftmost
      bool operator<(const Candidate& other) const noexcept {
        return rank != other.rank ? rank > other.rank : at > other.at;
      }
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
  };

  /// Appends the tokens of a word to out. `word` is the tokens of its bytes, at most 2^31 - 1 of them.
  /// A heap of candidates over a linked list, n log n: an entry whose pair has changed meanwhile is passed over.
  void apply(const std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const {
    auto& symbols = scratch.symbols;
    auto& heap = scratch.heap;
    symbols.clear(), heap.clear();
    const auto count = static_cast<std::int32_t>(word.size());
    for (std::int32_t i = 0; i < count; ++i) {
      symbols.push_back({word[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
    }
    const auto symbol = [&](std::int32_t i) -> Scratch::Symbol& { return symbols[static_cast<std::size_t>(i)]; };
    const auto consider = [&](std::int32_t at) {
      if (at < 0 || symbol(at).next < 0) return;
      const std::int32_t rank = table_[place(symbol(at).token, symbol(symbol(at).next).token)];
      if (rank < 0) return;
      heap.push_back({rank, at});
      std::push_heap(heap.begin(), heap.end());
    };
    for (std::int32_t i = 0; i + 1 < count; ++i) consider(i);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end());
      const auto [rank, at] = heap.back();
      heap.pop_back();
      const Merge& merge = merges_[static_cast<std::size_t>(rank)];
      Scratch::Symbol& left = symbol(at);
      if (left.token != merge.left || left.next < 0 || symbol(left.next).token != merge.right) continue;
      Scratch::Symbol& right = symbol(left.next);
      left.token = merge.result;
      left.next = right.next;
      right.token = -1;  // no merge names it: entries at this place are stale from now on
      if (left.next >= 0) symbol(left.next).previous = at;
      consider(left.previous);
      consider(at);
    }
    for (std::int32_t i = count > 0 ? 0 : -1; i >= 0; i = symbol(i).next) out.push_back(symbol(i).token);
  }
};

}  // namespace tfm::inline TFM_ABI
