#pragma once
// What is told of a model when it has been trained: sentences of the article, BLEU, pictures.
#include <filesystem>
#include <vector>

#include "arguments.hpp"
#include "support/line_chart.hpp"

namespace cli {

/// What training itself found out.
struct Trained {
  Index pairs = 0, held_out = 0, parameters = 0, steps = 0;
  double seconds = 0, tokens = 0;      ///< of this call
  double d2l_loss = 0, token_loss = 0;  ///< of the last epoch, with dropout
  double evaluated = 0;                 ///< loss per token afterwards, without dropout
  picture::LineChart curve;
};

/// Opens what was saved, translates, draws into the folder, and prints all of it.
void report(const TrainArguments& arguments, const Trained& trained);

}  // namespace cli
