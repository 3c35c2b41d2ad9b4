#pragma once
// Wardrobe: the adapters that were named on the command line, to be worn alone or mixed.
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "adapter_argument.hpp"
#include "tfm/generate/loaded.hpp"

namespace cli {

class Wardrobe {
  std::vector<AdapterArgument> named_;
  std::vector<tfm::Adapter> adapters_;
  tfm::Adapter mixed_;

 public:
  /// Loads all of them for the model that was loaded from `base`; their notes go to standard error. Errors: tfm::Error.
  Wardrobe(const std::vector<AdapterArgument>& named, const std::filesystem::path& base, const tfm::AnyLlama& model);

  /// All that were named, each with its weight, as one; null where there is none. Valid until the next call.
  const tfm::Adapter* all();
  /// Those that the words name, "NAME" or "NAME=WEIGHT" by the last part of their folder's path; null for "none". Errors:
  /// UsageError for a name that is not known.
  const tfm::Adapter* chosen(std::string_view words);
  /// A line for each.
  std::string list() const;

 private:
  const tfm::Adapter* wear(std::vector<tfm::WeightedAdapter> parts);
};

}  // namespace cli
