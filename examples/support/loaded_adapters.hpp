#pragma once
// LoadedAdapters: the adapters that were named on the command line, to be applied alone or as a weighted sum.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "adapter_argument.hpp"
#include "tfm/checkpoint/base_identity.hpp"
#include "tfm/generate/loaded.hpp"

namespace cli {

/// By what the adapters know the base at `model` and its own chat template. Nothing, and nothing is read, where there are no adapters.
tfm::BaseIdentity base_of(const std::vector<AdapterArgument>& named, const std::filesystem::path& model);

class LoadedAdapters {
  std::vector<AdapterArgument> named_;
  std::vector<tfm::Adapter> adapters_;
  tfm::Adapter mixed_;

 public:
  /// Loads all of them for a model, by what is known of it (base_of) and of the prompt that it gets; their notes go to standard error.
  /// `any_base`: those for another base too. Errors: tfm::Error.
  LoadedAdapters(const std::vector<AdapterArgument>& named, const tfm::AnyModel& model, const tfm::BaseIdentity& base, bool any_base);

  /// All that were named, each with its weight, as one; null where there is none. Valid until the next call.
  const tfm::Adapter* all();
  /// Those that the words name, "NAME" or "NAME=WEIGHT" by the last part of their folder's path; null for "none". Errors:
  /// UsageError for a name that is not known.
  const tfm::Adapter* chosen(std::string_view words);
  /// A line for each.
  std::string list() const;

 private:
  const tfm::Adapter* apply(std::vector<tfm::WeightedAdapter> parts);
};

}  // namespace cli
