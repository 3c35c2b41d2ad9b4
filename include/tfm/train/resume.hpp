#pragma once
// Saving and loading all that a run of training needs to end with the bits of one that was never interrupted.
#include "tfm/train/checkpoint_folder.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

std::string state_text(const TrainState& s);

TrainState parse_state(const std::filesystem::path& file);

}  // namespace detail

/// Writes folder/checkpoint-STEP: model.safetensors, optimizer.safetensors and state.json, into a temporary folder that is synced and
/// then renamed. A checkpoint of this step that is there already is replaced. `watch` is called after each stage.
/// Errors: LoadError where the system refuses: nothing half written is left, and older checkpoints are untouched.
void save_checkpoint(const std::filesystem::path& folder, const TrainState& state, const Parameters& parameters, const std::vector<NamedState>& optimizer,
                     const SaveWatch& watch = {});

/// Reads a checkpoint into the weights and the optimizer's buffers, all of it or nothing.
/// Errors: LoadError for what is unreadable, or of other names, types or shapes; nothing has changed then.
TrainState load_checkpoint(const std::filesystem::path& path, const Parameters& parameters, const std::vector<NamedState>& optimizer,
                           const std::function<void(const TrainState&)>& check = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/train/resume.inl"
#endif
