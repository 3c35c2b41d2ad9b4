#pragma once
// What is told of a model when it has been trained: sentences of the article, BLEU, pictures.
#include <filesystem>
#include <vector>

#include "arguments.hpp"
#include "curve.hpp"

namespace cli {

/// What training itself found out.
struct Trained {
  Index pairs = 0, held_out = 0, parameters = 0, steps = 0;
  double seconds = 0, tokens = 0;  ///< of this call
  double evaluated = 0;                ///< loss per token afterwards, without dropout
  EpochLosses losses;
};

/// Opens what was saved, translates, draws into the folder, and prints all of it.
void report(const TrainArguments& arguments, const Trained& trained);

}  // namespace cli
