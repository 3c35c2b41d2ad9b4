#pragma once
// Training and validation without a text in both: which texts are the same, and a seeded split that keeps copies together.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tfm/core/error.hpp"
#include "tfm/core/random.hpp"
#include "tfm/text/alpaca_prompt.hpp"

namespace tfm::inline TFM_ABI {

/// Which texts are copies of each other.
struct DistinctTexts {
  std::vector<std::size_t> of;     ///< the number of each text's group; groups are numbered as they first occur
  std::vector<std::size_t> first;  ///< each group's first text
  std::vector<Index> copies;       ///< how many texts each group has

  Index count() const noexcept { return static_cast<Index>(copies.size()); }
  Index duplicates() const noexcept { return static_cast<Index>(of.size()) - count(); }
  /// The group with the most copies, the first of several; there must be a text.
  std::size_t commonest() const noexcept { return static_cast<std::size_t>(std::max_element(copies.begin(), copies.end()) - copies.begin()); }
  /// The groups in an order that the key alone decides.
  std::vector<std::size_t> drawn(RandomKey key) const {
    std::vector<std::size_t> order(copies.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key.bits(a) < key.bits(b); });
    return order;
  }
};

inline DistinctTexts distinct_texts(std::span<const std::string_view> texts) {
  DistinctTexts out;
  std::unordered_map<std::string_view, std::size_t> groups;
  for (const std::string_view text : texts) {
    const auto [place, is_new] = groups.try_emplace(text, out.copies.size());
    if (is_new) out.copies.push_back(0), out.first.push_back(out.of.size());
    ++out.copies[place->second];
    out.of.push_back(place->second);
  }
  return out;
}

/// Records are copies where a model is asked the same: by instruction and input, whatever the output.
inline DistinctTexts distinct_texts(std::span<const AlpacaRecord> records) {
  std::vector<std::string> texts;
  texts.reserve(records.size());
  for (const AlpacaRecord& record : records) texts.push_back(record.instruction + '\0' + record.input);
  return distinct_texts(std::vector<std::string_view>(texts.begin(), texts.end()));
}

/// Which samples to learn from and which to measure with; both in the order of the data.
struct Split {
  std::vector<Index> training, validation;
};

/// Draws distinct texts by `seed`, with all their copies, until `validation` samples are held out; a text with more copies than are still
/// wanted is passed over and stays in training. A plain random split (train_test_split) would put copies on both sides, and measure
/// what was learnt by heart. OptionError where nothing would be left to learn from, or `validation` is negative.
inline Split split_by_text(const DistinctTexts& texts, Index validation, std::uint64_t seed) {
  const auto samples = static_cast<Index>(texts.of.size());
  if (validation < 0 || validation >= samples)
    raise(OptionError("tfm: found " + std::to_string(validation) + " samples for validation, expected 0 or more, and fewer than the " + std::to_string(samples) + " there are"));
  std::vector<bool> held(texts.copies.size());
  Index wanted = validation;
  for (const std::size_t group : texts.drawn(RandomKey{seed}))
    if (texts.copies[group] <= wanted) held[group] = true, wanted -= texts.copies[group];
  Split split;
  for (Index i = 0; i < samples; ++i) (held[texts.of[to_size(i)]] ? split.validation : split.training).push_back(i);
  return split;
}

/// The same for records, by instruction and input.
inline Split split_by_text(std::span<const AlpacaRecord> records, Index validation, std::uint64_t seed) {
  return split_by_text(distinct_texts(records), validation, seed);
}

}  // namespace tfm::inline TFM_ABI
