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
