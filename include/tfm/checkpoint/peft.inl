// What peft.hpp declares.
#include <cstring>

namespace tfm::inline TFM_ABI {

namespace peft {

namespace detail {

TFM_INLINE std::string tensor_name(const std::string& layer, char which) {
  return "base_model.model." + layer + ".lora_" + which + ".weight";
}

TFM_INLINE std::string name_in_file(const TensorStore& store, const std::string& layer) {
  const auto begins = [&](std::string_view with) {
    return std::any_of(store.tensors().begin(), store.tensors().end(), [&](const Tensor& t) { return t.name.starts_with(with); });
  };
  if (begins("base_model.model.model.")) return layer;
  if (begins("base_model.model.layers.") && layer.starts_with("model.")) return layer.substr(std::string_view("model.").size());
  const std::string& found = store.tensors().front().name;
  if (!begins("base_model.model.") || found.find("_orig_mod.") != found.npos)
    tfm::detail::fail(store.file(), {"its tensors are called like ", in_quotes(found), ", expected PEFT's names, like ", in_quotes(tensor_name(layer, 'A')),
                                     ": save the adapter by save_pretrained of the model that torch.compile or DataParallel has not wrapped"});
  return layer;
}

TFM_INLINE BaseIdentity read_identity(const std::filesystem::path& path) {
  const JsonDocument document = read_json(path);
  const Json root = document.root(), version = root.at("tfm_adapter");
  version.integer(1, 1);
  BaseIdentity identity;
  const auto text = [&](std::string_view key, std::string& out) {
    if (const auto value = root.find_value(key)) out = value->text();
  };
  text("base_name", identity.name), text("base_sha256", identity.base);
  text("tokenizer_sha256", identity.tokenizer), text("prompt_sha256", identity.prompt);
  return identity;
}

TFM_INLINE std::string identity_text(const BaseIdentity& identity) {
  JsonWriter json;
  json.begin_object(JsonLayout::lines).member("tfm_adapter", 1);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json.member(key, value);
  };
  add("base_name", identity.name), add("base_sha256", identity.base);
  add("tokenizer_sha256", identity.tokenizer), add("prompt_sha256", identity.prompt);
  return json.end().text() + "\n";
}

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

TFM_INLINE Index layer_number(std::string_view name) {
  constexpr std::string_view before = ".layers.";
  const auto at = name.find(before);
  if (at == name.npos) return -1;
  Index number = 0;
  for (const char c : name.substr(at + before.size())) {
    if (c < '0' || c > '9') break;
    number = 10 * number + (c - '0');
  }
  return number;
}

TFM_INLINE bool same(View a, View b) {
  return a.rows == b.rows && a.cols == b.cols && std::memcmp(a.data, b.data, to_size(a.size()) * sizeof(float)) == 0;
}

}  // namespace detail

}  // namespace peft

}  // namespace tfm::inline TFM_ABI
