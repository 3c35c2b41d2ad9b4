#pragma once
// Presets: a model's sizes, the data that it learns from and how, all together.
#include <string_view>

#include "tfm/core/index.hpp"

namespace cli {

using tfm::Index;

struct Preset {
  std::string_view name;
  Index dim, layers, heads, ffn;
  float dropout;
  Index steps;      ///< tokens of a sentence, <eos> among them; longer ones are cut
  Index pieces;     ///< of one subword vocabulary for both languages; 0: a vocabulary of words for each
  Index pairs;      ///< the first so many; 0: all
  Index held_out;   ///< pairs that are kept out of training, at least
  Index batch, epochs;
  Index save_every;  ///< steps; 0: at the end
  bool d2l;          ///< d2l.ai's loss and constant rate; otherwise the mean over tokens, a warm-up and label smoothing
};

/// d2l.ai's "Transformer" chapter, and the article after it.
inline constexpr Preset article{.name = "article", .dim = 32, .layers = 2, .heads = 4, .ffn = 64, .dropout = 0.1f, .steps = 10,
                                .pieces = 0, .pairs = 600, .held_out = 0, .batch = 64, .epochs = 200, .save_every = 0, .d2l = true};
/// A translator that knows sentences it has not seen.
inline constexpr Preset large{.name = "large", .dim = 256, .layers = 3, .heads = 4, .ffn = 1024, .dropout = 0.2f, .steps = 40,
                              .pieces = 8000, .pairs = 0, .held_out = 2000, .batch = 64, .epochs = 10, .save_every = 500, .d2l = false};

}  // namespace cli
