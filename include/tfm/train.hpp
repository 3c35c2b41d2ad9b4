#pragma once
// Umbrella: training, from a loss to weights.
#include "tfm/train/trainer.hpp"
