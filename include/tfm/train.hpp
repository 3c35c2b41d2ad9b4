#pragma once
// Umbrella: training, from data and a loss to weights and measures of what was learnt.
#include "tfm/train/bleu.hpp"
#include "tfm/train/check_format.hpp"
#include "tfm/train/check_gradients.hpp"
#include "tfm/train/check_kernel.hpp"
#include "tfm/train/data/translation.hpp"
#include "tfm/train/initialise.hpp"
#include "tfm/train/parameters.hpp"
#include "tfm/train/trainer.hpp"
#include "tfm/train/translation_task.hpp"
