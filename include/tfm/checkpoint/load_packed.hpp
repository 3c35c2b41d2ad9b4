#pragma once
// Filling a model from a packed file, and making that file where there is none that can be used.
#include <filesystem>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/checkpoint/load_weights.hpp"
#include "tfm/checkpoint/packed_file.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

/// A packed file is keyed by the checkpoint's files, and must be none of them.
inline void check_packed_options(const LoadOptions& options, const TensorStore& store, bool from_path) {
  if (options.packed.empty()) {
    if (options.verify_packed) raise(OptionError("tfm: LoadOptions::verify_packed is set without LoadOptions::packed, a path"));
    return;
  }
  const std::string packed = "tfm: LoadOptions::packed, " + in_quotes(options.packed.string());
  if (!from_path)
    raise(OptionError(packed + ", is for checkpoints that are loaded from a path: bytes in memory have no size and time to be known again by"));
  std::error_code unknown;
  for (const TensorSource& file : store.sources())
    if (file.mapping && std::filesystem::equivalent(options.packed, file.mapping->name(), unknown))
      raise(OptionError(packed + ", is a file of the checkpoint itself, expected another path"));
}

/// The frozen weights of a model, in their order.
template <StoredCausalModel Model>
std::vector<PackedEntry> frozen_weights(const Model& model, const WeightSource& source, const LoadOptions& options) {
  std::vector<PackedEntry> weights;
  visit_weights(model, "", [&](const std::string& name, const auto& weight, const WeightInfo& info) {
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(weight)>, F32>) {
      const FileRows rows = source.rows(name, info);
      weights.push_back({name, packed_as(weight, info, rows, options).first, rows.rows, rows.cols, 0});
    }
  });
  if (weights.empty()) raise(OptionError("tfm: LoadOptions::packed: all weights of this model train, and none of them is packed"));
  return weights;
}

}  // namespace detail

/// Fills the model as load_weights does, with the same bits: frozen weights from the packed file at options.packed, if it was
/// made of this checkpoint as it is now and is whole; they are then views into its mapping, which processes share. Otherwise
/// they are packed, and the file is made; that it cannot be written is no error. Another kind of file at that path is left
/// as it is. Returns what is to be told. Errors: load_weights', OptionError.
template <StoredCausalModel Model>
std::vector<std::string> load_packed_weights(Model& model, WeightSource& source, const LoadOptions& options) {
  const detail::WeightBytes bytes = detail::check_weights(model, source, options);
  Context context = detail::loading_context(options);
  const TensorStore& store = source.store();
  std::vector<PackedEntry> weights = detail::frozen_weights(model, source, options);
  PackedKey key = detail::key_of(context, source);
  const detail::FoundPacked found = detail::find_packed(context, options.packed, store, key, weights, options.verify_packed);
  if (found.mapping) {
    auto next = found.weights.begin();
    detail::fill_weights(context, model, source, options, bytes.in_file, [&](const Tensor&, const FileRows&, Format, detail::AwaitPages&) {
      const PackedEntry& entry = *next++;
      return PackedWeight({found.mapping->bytes().data() + entry.offset, entry.rows, entry.cols, entry.format}, found.mapping);
    });
    return {};
  }

  detail::WeightRoom room(bytes.room);
  std::vector<std::span<const std::byte>> parts;
  detail::pack_weights(context, model, source, options, bytes.in_file, room, [&](const PackedWeight& weight) {
    parts.push_back({weight.panels().data, to_size(weight.bytes())});
  });
  const std::string file = "the packed file " + options.packed.string();
  if (!found.ours) return {file + " is not used, and is left as it is: " + found.refused};
  if (options.verify_packed && key.whole.empty()) key.whole = detail::hash_of_checkpoint(context, store);
  const std::string failed = detail::refusal([&] {
    detail::require_unchanged(store, key);
    detail::write_packed(context, options.packed, std::move(key), std::move(weights), parts, options.progress);
  });
  if (!failed.empty()) return {file + " is not made" + (found.refused.empty() ? "" : ", and the one that is there is not used, for " + found.refused) + ": " + failed};
  if (!found.refused.empty()) return {file + " has been made anew: " + found.refused};
  return {};
}

}  // namespace tfm::inline TFM_ABI
