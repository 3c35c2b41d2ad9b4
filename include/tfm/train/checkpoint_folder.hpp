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

[[noreturn]] void refuse_checkpoint(const std::filesystem::path& path, const std::string& what);

std::vector<Index> shape_in_files(const Parameter& p);
Tensor as_tensor(std::string name, const Parameter& p, const float* values);

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
std::optional<Index> checkpoint_number(const std::string& name);

inline constexpr std::string_view temporary_prefix = ".tfm-checkpoint-";

}  // namespace detail

/// The steps of the checkpoints in a folder, upwards; none where there is no such folder.
std::vector<Index> checkpoints_in(const std::filesystem::path& folder);
std::filesystem::path checkpoint_path(const std::filesystem::path& folder, Index step);

/// Removes what a program that was killed left half written or half removed.
void remove_unfinished(const std::filesystem::path& folder);

/// Removes all but the newest `keep` checkpoints; each is renamed first, so that none is ever there in part.
void prune_checkpoints(const std::filesystem::path& folder, Index keep);

/// The trainable weights alone, as a file that any reader of safetensors opens; vectors of norms and biases are [n] there.
void save_weights(const std::filesystem::path& file, const Parameters& parameters, std::vector<std::pair<std::string, std::string>> metadata = {});

/// Copies tensors called NAME + a parameter's name into a flat buffer, all or none of them.
/// Errors: LoadError for a file that cannot be read, a tensor that is missing, of another type or shape, or of no parameter.
void read_flat(const std::filesystem::path& file, const Parameters& parameters, const std::vector<NamedState>& parts);

/// The weights out of a file that save_weights wrote. Errors: as read_flat; the weights are then as they were.
void load_weights(const std::filesystem::path& file, const Parameters& parameters);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/train/checkpoint_folder.inl"
#endif
