// What merge_table.hpp declares.
#include <algorithm>

namespace tfm::inline TFM_ABI {

TFM_INLINE auto MergeTable::find(Token left, Token right) const noexcept -> const Merge& {
  const std::size_t mask = table_.size() - 1;
  const auto pair = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  std::size_t i = static_cast<std::size_t>(splitmix64(pair)) & mask;
  while (table_[i].rank >= 0 && (table_[i].left != left || table_[i].right != right)) i = (i + 1) & mask;
  return table_[i];
}

TFM_INLINE MergeTable::MergeTable(Index size) {
  std::size_t places = 2;
  while (places < 2 * to_size(size) + 1) places *= 2;
  table_.assign(places, Merge{-1, -1, -1, -1});
}

TFM_INLINE void MergeTable::add(Token left, Token right, Token result) {
  Merge& place = table_[static_cast<std::size_t>(&find(left, right) - table_.data())];
  if (place.rank < 0) place = {left, right, result, static_cast<std::int32_t>(size_)};
  ++size_;
}

TFM_INLINE void MergeTable::apply(std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const {
  if (word.size() > 48) apply_by_heap(word, scratch, out);
  else apply_by_looking(word, scratch, out);
}

TFM_INLINE void MergeTable::apply_by_looking(std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const {
  auto& merges = scratch.merges;
  merges.clear();
  for (std::size_t i = 0; i + 1 < word.size(); ++i) merges.push_back(find(word[i], word[i + 1]));
  for (;;) {
    std::size_t best = merges.size();
    std::uint32_t lowest = 0x7FFFFFFF;
    for (std::size_t i = 0; i < merges.size(); ++i) {
      const auto rank = static_cast<std::uint32_t>(merges[i].rank);  // none is the greatest number
      if (rank < lowest) lowest = rank, best = i;
    }
    if (best == merges.size()) break;
    word[best] = merges[best].result;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    merges.erase(merges.begin() + static_cast<std::ptrdiff_t>(best));
    if (best > 0) merges[best - 1] = find(word[best - 1], word[best]);
    if (best < merges.size()) merges[best] = find(word[best], word[best + 1]);
  }
  out.insert(out.end(), word.begin(), word.end());
}

TFM_INLINE void MergeTable::apply_by_heap(const std::vector<Token>& word, Scratch& scratch, std::vector<Token>& out) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  symbols.clear(), heap.clear();
  const auto count = static_cast<std::int32_t>(word.size());
  for (std::int32_t i = 0; i < count; ++i) {
    symbols.push_back({word[static_cast<std::size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  }
  const auto symbol = [&](std::int32_t i) -> Scratch::Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const auto consider = [&](std::int32_t at) {
    if (at < 0 || symbol(at).next < 0) return false;
    const Merge& merge = find(symbol(at).token, symbol(symbol(at).next).token);
    if (merge.rank < 0) return false;
    heap.push_back({merge.rank, at, merge.left, merge.right, merge.result});
    return true;
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) consider(i);
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const auto merge = heap.back();
    heap.pop_back();
    Scratch::Symbol& left = symbol(merge.at);
    if (left.token != merge.left || left.next < 0 || symbol(left.next).token != merge.right) continue;
    Scratch::Symbol& right = symbol(left.next);
    left.token = merge.result;
    left.next = right.next;
    right.token = -1;  // no merge names it: entries at this place are stale from now on
    if (left.next >= 0) symbol(left.next).previous = merge.at;
    for (const std::int32_t at : {left.previous, merge.at})
      if (consider(at)) std::push_heap(heap.begin(), heap.end());
  }
  for (std::int32_t i = count > 0 ? 0 : -1; i >= 0; i = symbol(i).next) out.push_back(symbol(i).token);
}

}  // namespace tfm::inline TFM_ABI
