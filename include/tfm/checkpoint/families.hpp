#pragma once
// The families of decoders whose checkpoints open: one line each. docs/add-a-family.md
#include <string>
#include <string_view>

#include "tfm/checkpoint/families/gemma2.hpp"
#include "tfm/checkpoint/families/gemma3.hpp"
#include "tfm/checkpoint/families/granite.hpp"
#include "tfm/checkpoint/families/llama.hpp"
#include "tfm/checkpoint/families/mistral.hpp"
#include "tfm/checkpoint/families/olmo2.hpp"
#include "tfm/checkpoint/families/phi3.hpp"
#include "tfm/checkpoint/families/qwen2.hpp"
#include "tfm/checkpoint/families/qwen3.hpp"
#include "tfm/checkpoint/families/smollm3.hpp"
#include "tfm/checkpoint/other_families.hpp"

namespace tfm::inline TFM_ABI {

inline constexpr const Family* families[] = {
    &llama_family,
    &qwen2_family,
    &qwen3_family,
    &phi3_family,
    &smollm3_family,
    &granite_family,
    &olmo2_family,
    &mistral_family,
    &gemma2_family,
    &gemma3_family,
};

/// "llama, qwen2, …"
inline std::string family_names() {
  std::string names;
  for (const Family* const family : families) names.append(names.empty() ? "" : ", ").append(family->name);
  return names;
}

/// The first family of which is(family); null: none.
template <class F>
constexpr const Family* find_family(F&& is) {
  for (const Family* const family : families)
    if (is(*family)) return family;
  return nullptr;
}

/// The family that a shape names. Errors: LoadError for one that is not in the table.
inline const Family& family_named(std::string_view name) {
  const Family* const family = find_family([&](const Family& f) { return f.name == name; });
  if (family == nullptr)
    raise<LoadError>({"tfm: the model's shape is of the family ", in_quotes(name),
                      ", whose files are not known, expected one of: ", family_names()});
  return *family;
}

}  // namespace tfm::inline TFM_ABI
