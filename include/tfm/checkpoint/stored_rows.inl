// What stored_rows.hpp declares.
#include <algorithm>
#include <atomic>
#include <cstring>

namespace tfm::inline TFM_ABI {

namespace detail {

TFM_INLINE bool write_row(const float* values, Index cols, Format as, std::byte* out) {
  if (is_quantised(as) && !std::all_of(values, values + cols, [](float x) { return x >= -3.4e38f && x <= 3.4e38f; }))
    return false;
  quantise_row(as, values, cols, out);
  return true;
}

TFM_INLINE StoredRows rows_in_file(const WeightSource& source, const std::string& name, const WeightInfo& info) {
  FileRows rows = source.rows(name, info);
  StoredRows stored{name, info, rows.format, norms_less(source.family(), source.convention(), info), {}};
  if (rows.rows != stored.rows()) rows.rows = stored.rows(), rows.cols = stored.cols();
  stored.row = [rows](Index r, Format as, std::byte* out) {
    if (rows.format == as && !has_row_scales(as)) {
      std::memcpy(out, rows.row(r), to_size(row_bytes(as, rows.cols)));
      return true;
    }
    std::vector<float> values(to_size(rows.cols));
    dequantise_row(rows.format, rows.row(r), rows.cols, rows.scale(r), values.data());
    return write_row(values.data(), rows.cols, as, out);
  };
  return stored;
}

}  // namespace detail

TFM_INLINE std::vector<WrittenTensor> written_tensors(const Family& family, Convention convention,
                                                      std::vector<StoredRows> weights,
                                                      const std::function<Format(const StoredRows&)>& type) {
  std::vector<WrittenTensor> tensors;
  for (StoredRows& weight : weights) {
    std::string name = stored_weight_name(family, convention, weight.name);
    const Index rows = weight.info.is_vector() ? weight.info.cols : weight.info.rows;
    const auto same =
        std::find_if(tensors.rbegin(), tensors.rend(), [&](const WrittenTensor& t) { return t.tensor.name == name; });
    if (same != tensors.rend()) {
      same->tensor.shape.front() += rows;
      same->parts.push_back(std::move(weight));
      continue;
    }
    WrittenTensor written;
    written.tensor = {std::move(name), type(weight), {}, {rows}, {}};
    written.tensor.type_name = tfm::name(written.tensor.type);
    if (!weight.info.is_vector()) written.tensor.shape.push_back(weight.info.cols);
    written.parts.push_back(std::move(weight));
    tensors.push_back(std::move(written));
  }
  return tensors;
}

TFM_INLINE Index bytes_of(std::span<const WrittenTensor> tensors) {
  Index total = 0;
  for (const auto& [tensor, parts] : tensors)
    for (const StoredRows& part : parts) total += part.rows() * row_bytes(tensor.type, part.cols());
  return total;
}

TFM_INLINE void TensorBytes::write(const WrittenTensor& tensor, std::span<std::byte> out) {
  const Format type = tensor.tensor.type;
  std::byte* at = out.data();
  std::atomic<bool> finite{true};
  for (const StoredRows& part : tensor.parts) {
    // Where the file has rotary pairs as neighbours, row r of ours is where FileRows would look for it.
    FileRows place{.rows = part.rows()};
    if (convention_ == Convention::gguf && family_.neighbours_in_gguf) place.interleaved_heads = part.info.rotary_heads;
    const float wanted = norms_less(family_, convention_, part.info);
    const auto write = [&](Index r, std::byte* row) {
      if (part.less == wanted) return part.row(r, type, row);
      std::vector<float> values(to_size(part.cols()));
      if (!part.row(r, Format::f32, reinterpret_cast<std::byte*>(values.data()))) return false;
      for (float& value : values) value += part.less - wanted;
      return detail::write_row(values.data(), part.cols(), type, row);
    };
    const Index row_size = row_bytes(type, part.cols()), each = std::max<Index>(1, 4096 / std::max<Index>(1, row_size));
    context_.run(ceil_div(part.rows(), each), [&](Index chunk, int) {
      for (Index r = chunk * each; r < std::min(part.rows(), (chunk + 1) * each); ++r)
        if (!write(r, at + place.source(r) * row_size)) finite = false;
    });
    at += part.rows() * row_size;
  }
  detail::raise_if_stopped(context_);
  if (!finite)
    raise<LoadError>({"tfm: tensor ", in_quotes(tensor.tensor.name),
                      ": a value is not finite and cannot be quantised to ", name(type)});
  done_ += static_cast<Index>(out.size());
  if (progress_) progress_({"writing", done_, total_});
}

}  // namespace tfm::inline TFM_ABI
