// What tensor_index.hpp declares.
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tfm::inline TFM_ABI {

TFM_INLINE TensorStore read_tensor_index(const std::filesystem::path& path, const TensorReader& read) {
  const JsonDocument document = read_json(path, python_json);
  std::map<std::string, std::vector<std::string_view>> files;  // and the tensors that each should have
  const Json map = document.root().at("weight_map");
  for (const Json entry : map.members()) {
    const std::string_view file = entry.text();
    if (file.empty() || file == "." || file == ".." || file.find('/') != std::string_view::npos ||
        file.find('\0') != std::string_view::npos)
      entry.refuse({"found ", entry.found(), ", expected the name of a file in the same folder"});
    files[std::string(file)].push_back(entry.key());
  }
  if (files.empty()) map.refuse("found no tensor");
  std::vector<TensorStore> parts;
  for (const auto& [file, names] : files) {
    parts.push_back(read(path.parent_path() / file));
    for (const auto name : names)
      if (parts.back().find(name) == nullptr)
        detail::fail(parts.back().file(), {"tensor ", in_quotes(name), " is missing, which ", path.string(), " says is here"});
  }
  return TensorStore::merge(std::move(parts), path.string());
}

}  // namespace tfm::inline TFM_ABI
