#include "outline.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "support/json_output.hpp"
#include "support/terminal.hpp"
#include "tfm/formats/gguf.hpp"
#include "tfm/formats/json.hpp"
#include "tfm/formats/safetensors.hpp"

namespace cli {

namespace {

using tfm::Index;

struct Outline {
  std::string file;
  std::vector<std::pair<std::string, std::string>> lines;  ///< what it says of itself
  std::map<std::string, std::pair<Index, Index>> types;    ///< tensors and bytes
};

void add_tensors(Outline& outline, const tfm::TensorStore& store) {
  for (const tfm::Tensor& tensor : store.tensors()) {
    auto& [tensors, bytes] = outline.types[tensor.type_name];
    ++tensors, bytes += static_cast<Index>(tensor.bytes.size());
  }
}

Outline outline_of_gguf(const std::filesystem::path& path) {
  const tfm::Gguf gguf = tfm::read_gguf(path);
  Outline outline{path.string(), {}, {}};
  for (const char* const key : {"general.type", "general.architecture", "general.name", "general.size_label",
                                "adapter.type", "tokenizer.ggml.model", "tokenizer.ggml.pre"})
    if (const auto value = gguf.metadata.find(key)) outline.lines.emplace_back(key, value->found());
  if (const auto architecture = gguf.metadata.find("general.architecture");
      architecture && architecture->type() == tfm::GgufType::text)
    for (const char* const key :
         {".block_count", ".embedding_length", ".attention.head_count", ".context_length", ".expert_count"})
      if (const auto value = gguf.metadata.find(std::string(architecture->text()) + key))
        outline.lines.emplace_back(key + 1, value->found());
  add_tensors(outline, gguf.tensors);
  return outline;
}

Outline outline_of_folder(const std::filesystem::path& folder) {
  const tfm::JsonDocument config = tfm::read_json(folder / "config.json", tfm::python_json);
  Outline outline{folder.string(), {}, {}};
  for (const char* const key : {"model_type", "architectures", "num_hidden_layers", "hidden_size",
                                "num_attention_heads", "max_position_embeddings", "quantization_config"})
    if (const auto value = config.root().find_value(key)) {
      const bool list = value->is(tfm::JsonKind::array) && value->size() > 0;
      outline.lines.emplace_back(key, list ? (*value->elements().begin()).found() : value->found());
    }
  std::error_code absent;
  for (const char* const name : {"model.safetensors", "model.safetensors.index.json"})
    if (std::filesystem::exists(folder / name, absent)) {
      add_tensors(outline, tfm::read_safetensors_folder(folder));
      break;
    }
  return outline;
}

std::optional<Outline> outline_of(const std::filesystem::path& path) {
  std::error_code absent;
  try {
    return std::filesystem::is_directory(path, absent) ? outline_of_folder(path) : outline_of_gguf(path);
  } catch (const tfm::Error&) { return std::nullopt; }
}

}  // namespace

void tell_outline(const InfoArguments& arguments, const std::string& why) {
  const auto outline = outline_of(arguments.model.model);
  if (!outline || outline->lines.empty()) return;
  if (arguments.json) {
    nlohmann::ordered_json json{{"file", outline->file},
                                {"supported", false},
                                {"why", why},
                                {"says", nlohmann::ordered_json::object()},
                                {"weights", nlohmann::ordered_json::array()}};
    for (const auto& [key, value] : outline->lines) json["says"][key] = value;
    for (const auto& [type, count] : outline->types)
      json["weights"].push_back({{"type", type}, {"tensors", count.first}, {"bytes", count.second}});
    print_json(std::move(json), 2);
    return;
  }
  std::string out = outline->file + "\n  not opened  " + why + "\n";
  for (auto [key, value] : outline->lines)
    out += "  " + (key.resize(std::max<std::size_t>(key.size() + 1, 28), ' '), key) + value + "\n";
  for (const auto& [type, count] : outline->types)
    out += "  " + type + ": " + std::to_string(count.first) + " tensors, " + std::to_string(count.second) + " bytes\n";
  print(out);
}

}  // namespace cli
