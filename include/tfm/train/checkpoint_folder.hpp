#pragma once
// Checkpoints of training: folders that are there whole or not at all.
#include <charconv>
#include <functional>
#include <optional>

#include "tfm/core/system.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/train/parameters.hpp"

namespace tfm::inline TFM_ABI {

/// Everything but tensors that a run needs to go on. Randomness is a function of the seed, the step and the sample, so the seed and the
/// step are the random state.
struct TrainState {
  Index step = 0;           ///< optimizer steps done, skipped ones among them
  Index updates = 0;        ///< of the optimizer
  Index skipped = 0;        ///< steps whose loss or gradient was not finite
  Index evaluated = -1;     ///< the step of the last evaluation
  Index best_step = -1;     ///< the step of the best one
  double best_loss = 0;
  Index stale = 0;          ///< evaluations since the best one
  // What the run is: a checkpoint of another is refused.
  std::uint64_t seed = 0;
  Index samples = 0, batch = 0;
  std::string optimizer;

  /// The last step of which a resumed run's logs keep what they have; -1: of none, not even of an evaluation before the first.
  Index logged() const noexcept { return step == 0 && evaluated < 0 ? -1 : step; }
};

/// A named flat buffer over the parameters.
struct NamedState {
  std::string_view name;
  MutableView flat;
};

/// Where a save is, for who watches it: something is written at each of these.
enum class SaveStage : unsigned char { begun, weights, optimizer, state, renamed, pruned };
inline constexpr int save_stage_count = 6;
using SaveWatch = std::function<void(SaveStage, const std::filesystem::path&)>;

namespace detail {

[[noreturn]] inline void refuse_checkpoint(const std::filesystem::path& path, const std::string& what) { fail(path.string(), what); }

inline std::vector<Index> shape_in_files(const Parameter& p) {
  if (p.is_matrix()) return {p.weight->rows(), p.weight->cols()};
  return {p.size()};
}
inline Tensor as_tensor(std::string name, const Parameter& p, const float* values) {
  return {std::move(name), DataType::f32, "F32", shape_in_files(p), {reinterpret_cast<const std::byte*>(values), to_size(p.size()) * sizeof(float)}};
}

/// A folder that is gone at the end unless it was renamed.
class TemporaryTree {
  std::filesystem::path path_;

 public:
  explicit TemporaryTree(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
    if (!std::filesystem::create_directories(path_, error) && error)
      refuse_checkpoint(path_, "cannot make the folder: " + error.message());
  }
  ~TemporaryTree() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryTree(const TemporaryTree&) = delete;
  TemporaryTree& operator=(const TemporaryTree&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  void become(const std::filesystem::path& target) {
    os::sync_folder(path_.string());
    std::error_code error;
    std::filesystem::rename(path_, target, error);
    if (error) refuse_checkpoint(target, "cannot rename the finished checkpoint to it: " + error.message());
    path_.clear();
    os::sync_folder(target.parent_path().string());
  }
};

/// The number of "checkpoint-12"; nothing for other names.
inline std::optional<Index> checkpoint_number(const std::string& name) {
  constexpr std::string_view prefix = "checkpoint-";
  if (name.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  Index number = 0;
  const char *const first = name.data() + prefix.size(), *const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(first, last, number);
  if (error != std::errc{} || end != last || number < 0 || (first + 1 < last && *first == '0')) return std::nullopt;
  return number;
}

inline constexpr std::string_view temporary_prefix = ".tfm-checkpoint-";

}  // namespace detail

/// The steps of the checkpoints in a folder, upwards; none where there is no such folder.
inline std::vector<Index> checkpoints_in(const std::filesystem::path& folder) {
  std::vector<Index> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const auto number = detail::checkpoint_number(entry->path().filename().string())) found.push_back(*number);
  if (error && error != std::errc::no_such_file_or_directory) detail::refuse_checkpoint(folder, "cannot look into the folder: " + error.message());
  std::sort(found.begin(), found.end());
  return found;
}
inline std::filesystem::path checkpoint_path(const std::filesystem::path& folder, Index step) { return folder / ("checkpoint-" + std::to_string(step)); }

/// Removes what a program that was killed left half written or half removed.
inline void remove_unfinished(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> unfinished;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(detail::temporary_prefix) || (name.starts_with(".tfm-") && name.ends_with(".tmp"))) unfinished.push_back(entry->path());
  }
  for (const auto& path : unfinished) std::filesystem::remove_all(path, error);
}

/// Removes all but the newest `keep` checkpoints; each is renamed first, so that none is ever there in part.
inline void prune_checkpoints(const std::filesystem::path& folder, Index keep) {
  const auto found = checkpoints_in(folder);
  for (Index i = 0; i + keep < static_cast<Index>(found.size()); ++i) {
    const auto doomed = folder / (std::string(detail::temporary_prefix) + "old-" + std::to_string(found[to_size(i)]));
    std::error_code ignored;
    std::filesystem::rename(checkpoint_path(folder, found[to_size(i)]), doomed, ignored);
    std::filesystem::remove_all(doomed, ignored);
  }
}

/// The trainable weights alone, as a file that any reader of safetensors opens; vectors of norms and biases are [n] there.
inline void save_weights(const std::filesystem::path& file, const Parameters& parameters, std::vector<std::pair<std::string, std::string>> metadata = {}) {
  std::vector<Tensor> tensors;
  for (const Parameter& p : parameters) tensors.push_back(detail::as_tensor(p.name, p, p.weight->view().data));
  if (metadata.empty()) metadata.emplace_back("format", "pt");
  write_safetensors(file, tensors, std::move(metadata));
}

/// Copies tensors called NAME + a parameter's name into a flat buffer, all or none of them.
/// Errors: LoadError for a file that cannot be read, a tensor that is missing, of another type or shape, or of no parameter.
inline void read_flat(const std::filesystem::path& file, const Parameters& parameters, const std::vector<NamedState>& parts) {
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

/// The weights out of a file that save_weights wrote. Errors: as read_flat; the weights are then as they were.
inline void load_weights(const std::filesystem::path& file, const Parameters& parameters) {
  Buffer flat = parameters.flat();
  read_flat(file, parameters, {{"", flat}});
  parameters.write(flat);
}

}  // namespace tfm::inline TFM_ABI
