// What loaded_adapter.hpp declares.
#include <cmath>

namespace tfm::inline TFM_ABI {

namespace peft::detail {

TFM_INLINE void compare_bases(LoadedAdapter& loaded, const LoadOptions& options, const std::string& file) {
  const BaseIdentity &made_for = loaded.base, &given = options.base;
  const auto differ = [](const std::string& a, const std::string& b) { return !a.empty() && !b.empty() && a != b; };
  const auto shown = [](const std::string& hash) { return " (SHA-256 " + printable(hash, 12) + ")"; };
  const auto compare = [&](const char* what, const std::string& was, const std::string& is) {
    if (!differ(was, is)) return;
    const std::string text = "the adapter was made for " + std::string(what) + " of " + in_quotes(made_for.name) + shown(was) +
                             ", this is that of " + in_quotes(given.name) + shown(is);
    if (!options.any_base) raise(LoadError("tfm: " + file + ": " + text + ", expected the same, or any_base"));
    loaded.notes.push_back(text);
  };
  compare("the base", made_for.base, given.base);
  compare("the tokenizer", made_for.tokenizer, given.tokenizer);
  if (differ(made_for.prompt, given.prompt))
    loaded.notes.push_back("the adapter was made with another prompt or chat template than it is used with here");
  if (made_for.base.empty())
    loaded.notes.push_back("the adapter does not say for which base it was made: it was judged by the names and shapes of "
                           "its tensors" +
                           (loaded.config.base_model.empty()
                                ? std::string()
                                : ", not by base_model_name_or_path, " + in_quotes(loaded.config.base_model)));
  else if (given.base.empty())
    loaded.notes.push_back("the adapter was made for " + in_quotes(made_for.name) + shown(made_for.base) +
                           "; whether this is that base was not asked");
}

TFM_INLINE F32 read_matrix(const TensorStore& store, const std::string& name, Index rows, Index cols) {
  const Tensor& tensor = store.at(name);
  const std::string where = "tfm: " + store.file_of(tensor) + ": tensor " + in_quotes(name);
  if (tensor.shape != std::vector<Index>{rows, cols})
    raise(ShapeError(where + " has shape " + shape_text(tensor.shape) + (tensor.bytes.empty() ? ", which is empty" : "") +
                     ", expected " + shape_text(std::vector<Index>{rows, cols})));
  const auto format = format_of(tensor.type);
  if (!format || block_size(tensor.type) != 1)
    raise(LoadError(where + " is of type " + tensor.type_name + ", expected F32, F16 or BF16"));
  F32 matrix(rows, cols);
  const Index bytes = cols * block_bytes(tensor.type);
  for (Index r = 0; r < rows; ++r) {
    float* const row = matrix.values().row(r);
    dequantise_row(*format, tensor.bytes.data() + r * bytes, cols, 1, row);
    for (Index k = 0; k < cols; ++k)
      if (!std::isfinite(row[k]))
        raise(LoadError(where + " holds " + number_text(static_cast<double>(row[k])) + " at [" + std::to_string(r) + ", " +
                        std::to_string(k) + "], expected finite numbers"));
  }
  return matrix;
}

}  // namespace peft::detail

}  // namespace tfm::inline TFM_ABI
