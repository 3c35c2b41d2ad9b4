#pragma once
// Umbrella: training, from data to measures of what was learnt.
#include "tfm/train/bleu.hpp"
#include "tfm/train/data/translation.hpp"
