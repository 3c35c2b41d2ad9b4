// What peft_layers.hpp declares.

namespace tfm::inline TFM_ABI {

namespace peft::detail {

TFM_INLINE F32 rows_of(F32 matrix, Index first, Index count) {
  if (count == matrix.rows()) return matrix;
  F32 some(count, matrix.cols());
  copy(matrix.view().slice(first, count), some.values());
  return some;
}

TFM_INLINE bool StoredPairs::same(const F32& a, const F32& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::equal(a.view().data, a.view().data + a.view().size(), b.view().data);
}

TFM_INLINE LoraPair StoredPairs::joined(const std::vector<std::pair<const LoraPair*, Index>>& parts, Index rows) {
  const LoraPair* some = nullptr;
  bool shared = true;
  Index rank = 0;
  for (const auto& [pair, first] : parts) {
    if (pair == nullptr) continue;
    if (some == nullptr) some = pair;
    if (pair->scaling != some->scaling)
      raise(ShapeError("tfm: the adapter's layers " + some->name + " and " + pair->name +
                       " are one in files, expected one scaling"));
    shared = shared && same(pair->a, some->a);
    rank += pair->rank();
  }
  if (shared) rank = some->rank();
  // PEFT's scaling is alpha / r: the same number, whatever r has become.
  LoraPair whole{F32(rank, some->a.cols()), F32(rows, rank), some->scaling, {}};
  if (shared) copy(some->a.view(), whole.a.values());
  Index at = 0;  // of the whole's rank
  for (const auto& [pair, first] : parts) {
    if (pair == nullptr) continue;
    if (!shared) copy(pair->a.view(), whole.a.values().slice(at, pair->rank()));
    for (Index r = 0; r < pair->b.rows(); ++r)
      std::copy_n(pair->b.view().row(r), pair->rank(), whole.b.values().row(first + r) + at);
    if (!shared) at += pair->rank();
  }
  return whole;
}

TFM_INLINE const LoraPair* StoredPairs::of(const std::string& layer) const {
  for (const auto& [name, pair] : layers)
    if (name == layer) return pair;
  return nullptr;
}

}  // namespace peft::detail

}  // namespace tfm::inline TFM_ABI
