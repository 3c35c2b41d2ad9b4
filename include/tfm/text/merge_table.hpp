#pragma once
// MergeTable: the merges of a BPE by rank, and their application to one word.
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
    std::int32_t rank;  // -1: a free place
  };
  std::vector<Merge> table_;  // open addressing by the pair's hash
  Index size_ = 0;

  const Merge& find(Token left, Token right) const noexcept;

 public:
  explicit MergeTable(Index size = 0);
  Index size() const noexcept { return size_; }

  /// The merge of the next rank, up to the size given. A pair that has a rank already keeps it.
  void add(Token left, Token right, Token result);

  /// Memory for apply(), to be used again for the next word.
  struct Scratch {
    struct Symbol {
      Token token;
      std::int32_t previous, next;  // -1: none
    };
    struct Candidate {  // this merge was possible for the symbol at `at` and the one after it
      std::int32_t rank, at;
      Token left, right, result;
      // the heap's top is the lowest rank, and of equal ranks the leftmost
      bool operator<(const Candidate& other) const noexcept {
        return rank != other.rank ? rank > other.rank : at > other.at;
      }
    };
    std::vector<Symbol> symbols;
    std::vector<Candidate> heap;
    std::vector<Merge> merges;  // of a short word: what each token and the one after it become
  };

  /// Appends the tokens of a word to out. `word` is the tokens that it begins with, at most 2^31 - 1 of them; it is used up.
  void apply(std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const;

 private:
  /// A short word: the merge of the lowest rank is looked for each time.
  void apply_by_looking(std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const;

  /// A long word: a heap of candidates over a linked list, n log n: an entry whose pair has changed meanwhile is passed over.
  void apply_by_heap(const std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const;
};

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/text/merge_table.inl"
#endif
