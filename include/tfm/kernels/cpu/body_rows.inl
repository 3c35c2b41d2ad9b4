// Rows that are filled, copied and looked up. Included once for each region.

inline void copy_row(const float* from, float* to, Index count) { __builtin_memcpy(to, from, static_cast<std::size_t>(count) * sizeof(float)); }

inline void fill(Context&, MutableView y, float value) {
  by_lanes(y.size(), [&](Index i, Index n) { store_some(y.data + i, set(value), n); });
}
inline void copy(Context&, View x, MutableView y) { copy_row(x.data, y.data, y.size()); }
inline void take_rows(Context&, View x, const Index* rows, MutableView y) {
  for (Index t = 0; t < y.rows; ++t) copy_row(x.row(rows[t]), y.row(t), y.cols);
}
inline void put_rows(Context&, View x, const Index* rows, MutableView y) {
  for (Index t = 0; t < x.rows; ++t) copy_row(x.row(t), y.row(rows[t]), x.cols);
}
inline void weight_rows(Context&, const Panels& w, const float* row_major, const std::int32_t* ids, MutableView y) {
  for (Index t = 0; t < y.rows; ++t) {
    if (row_major != nullptr) copy_row(row_major + ids[t] * y.cols, y.row(t), y.cols);
    else row_values(w, ids[t], y.row(t));
  }
}
inline void rotary_angles(Context&, Index position, const float* frequencies, MutableView cosine, MutableView sine) {
  for (Index t = 0; t < cosine.rows; ++t) rope_angles(position + t, frequencies, cosine.cols, cosine.row(t), sine.row(t));
}
