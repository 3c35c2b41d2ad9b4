// What checkpoint_folder.hpp declares.

namespace tfm::inline TFM_ABI {

namespace detail {

[[noreturn]] TFM_INLINE void refuse_checkpoint(const std::filesystem::path& path, const std::string& what) { fail(path.string(), what); }
TFM_INLINE std::vector<Index> shape_in_files(const Parameter& p) {
  if (p.is_matrix()) return {p.weight->rows(), p.weight->cols()};
  return {p.size()};
}

TFM_INLINE Tensor as_tensor(std::string name, const Parameter& p, const float* values) {
  return {std::move(name), DataType::f32, "F32", shape_in_files(p), {reinterpret_cast<const std::byte*>(values), to_size(p.size()) * sizeof(float)}};
}

TFM_INLINE std::optional<Index> checkpoint_number(const std::string& name) {
  constexpr std::string_view prefix = "checkpoint-";
  if (name.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  Index number = 0;
  const char *const first = name.data() + prefix.size(), *const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc{} || end != last || number < 0 || (first + 1 < last && *first == '0')) return std::nullopt;
  return number;
}

}  // namespace detail

TFM_INLINE std::vector<Index> checkpoints_in(const std::filesystem::path& folder) {
  std::vector<Index> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const auto number = detail::checkpoint_number(entry->path().filename().string())) found.push_back(*number);
  if (error && error != std::errc::no_such_file_or_directory) detail::refuse_checkpoint(folder, "cannot look into the folder: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}

TFM_INLINE std::filesystem::path checkpoint_path(const std::filesystem::path& folder, Index step) { return folder / ("checkpoint-" + std::to_string(step)); }
TFM_INLINE void remove_unfinished(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> unfinished;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(detail::temporary_prefix) || (name.starts_with(".tfm-") && name.ends_with(".tmp"))) unfinished.push_back(entry->path());
  }
  for (const auto& path : unfinished) std::filesystem::remove_all(path, error);
}

TFM_INLINE void prune_checkpoints(const std::filesystem::path& folder, Index keep) {
  const auto found = checkpoints_in(folder);
  for (Index i = 0; i + keep < static_cast<Index>(found.size()); ++i) {
    const auto doomed = folder / (std::string(detail::temporary_prefix) + "old-" + std::to_string(found[to_size(i)]));
    std::error_code ignored;
    std::filesystem::rename(checkpoint_path(folder, found[to_size(i)]), doomed, ignored);
    std::filesystem::remove_all(doomed, ignored);
  }
}

TFM_INLINE void save_weights(const std::filesystem::path& file, const Parameters& parameters, std::vector<std::pair<std::string, std::string>> metadata) {
  std::vector<Tensor> tensors;
  for (const Parameter& p : parameters) tensors.push_back(detail::as_tensor(p.name, p, p.weight->view().data));
  if (metadata.empty()) metadata.emplace_back("format", "pt");
  write_safetensors(file, tensors, std::move(metadata));
}

TFM_INLINE void read_flat(const std::filesystem::path& file, const Parameters& parameters, const std::vector<NamedState>& parts) {
  const TensorStore store = read_safetensors(file);
  Index expected = 0;
  for (const NamedState& part : parts)
    for (const Parameter& p : parameters) {
      const std::string name = part.name.empty() ? p.name : std::string(part.name) + "/" + p.name;
      const Tensor& tensor = store.at(name);
      const auto shape = detail::shape_in_files(p);
      if (!tensor.holds<float>() || tensor.shape != shape)
        detail::fail(store.file(), "tensor " + in_quotes(name) + ": found " + tensor.type_name + " " + shape_text(tensor.shape) + ", expected F32 " + shape_text(shape));
      ++expected;
    }
  if (static_cast<Index>(store.tensors().size()) != expected)
    for (const Tensor& tensor : store.tensors()) {
      bool known = false;
      for (const NamedState& part : parts)
        for (const Parameter& p : parameters) known = known || tensor.name == (part.name.empty() ? p.name : std::string(part.name) + "/" + p.name);
      if (!known) detail::fail(store.file(), "tensor " + in_quotes(tensor.name) + " belongs to no trainable weight of this model");
    }
  for (const NamedState& part : parts)
    for (const Parameter& p : parameters) {
      const Tensor& tensor = store.at(part.name.empty() ? p.name : std::string(part.name) + "/" + p.name);
      std::memcpy(Parameters::part(p, part.flat).data, tensor.bytes.data(), tensor.bytes.size());
    }
}

TFM_INLINE void load_weights(const std::filesystem::path& file, const Parameters& parameters) {
  Buffer flat = parameters.flat();
  read_flat(file, parameters, {{"", flat}});
  parameters.write(flat);
}

}  // namespace tfm::inline TFM_ABI
