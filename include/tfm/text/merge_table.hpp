#pragma once
// MergeTable: the merges of a BPE by rank, and their application to one word.
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <utility>
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
  std::unordered_set<std::uint64_t> joints_;  // pairs of the tokens that words begin with, between which something may merge

  const Merge& find(Token left, Token right) const noexcept;

 public:
  explicit MergeTable(Index size = 0);
  Index size() const noexcept { return size_; }

  /// The merge of the next rank, up to the size given. A pair that has a rank already keeps it.
  void add(Token left, Token right, Token result);

  /// Whether any merge joins tokens between these two, of which words begin: where none does, a word may be cut, and its parts
  /// become what the whole would. settle_joints() has to be called first, when all merges are there.
  bool joins(Token left, Token right) const noexcept {
    return joints_.empty() || joints_.count(static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
                                            static_cast<std::uint32_t>(right)) > 0;
  }
  void settle_joints() {
    // The first and the last of the tokens that each token is made of; itself where no merge makes it.
    std::unordered_map<Token, std::pair<Token, Token>> ends;
    for (const Merge& merge : table_)
      if (merge.rank >= 0) ends.emplace(merge.result, std::pair<Token, Token>(-1, -1));
    const auto ends_of = [&](Token token) {
      const auto found = ends.find(token);
      return found == ends.end() ? std::pair(token, token) : found->second;
    };
    joints_.clear();
    for (bool changed = true; changed;) {
      changed = false;
      for (const Merge& merge : table_) {
        if (merge.rank < 0) continue;
        auto& of = ends[merge.result];
        const std::pair made(ends_of(merge.left).first, ends_of(merge.right).second);
        if (made.first < 0 || made.second < 0 || made == of) continue;
        if (of.first >= 0) return;  // made of different tokens: words are not cut
        of = made, changed = true;
      }
    }
    std::unordered_set<std::uint64_t> joints;
    for (const Merge& merge : table_) {
      if (merge.rank < 0) continue;
      const Token left = ends_of(merge.left).second, right = ends_of(merge.right).first;
      if (left < 0 || right < 0) return;
      joints.insert(static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right));
    }
    joints_ = std::move(joints);
  }

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
