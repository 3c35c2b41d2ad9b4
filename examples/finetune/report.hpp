#pragma once
// What is told of a training before its first step and after its last.
#include <string>

#include "samples.hpp"
#include "tfm/train/train_watch.hpp"
#include "tfm/train/trainer.hpp"

namespace cli {

/// Before the first step.
struct Outlook {
  Index trainable = 0, parameters = 0;  ///< numbers that train, and those of the base
  Index weights = 0;                    ///< bytes of the base
  tfm::TrainerMemory memory;
  double seconds = 0;
};

/// After the last.
struct Trained {
  tfm::TrainResult result;
  double seconds = 0, tokens = 0;  ///< of this call's steps
  Index trainable = 0;
  std::string adapter_sha256;
};

void tell_outlook(const Samples& samples, const Base& base, const Outlook& outlook);
/// The loss's curve as a picture and in the terminal, and the figures; with --json the figures alone.
void report(const TrainArguments& arguments, const Samples& samples, const Trained& trained);

/// "12 MiB"
std::string mebibytes(Index bytes);

}  // namespace cli
