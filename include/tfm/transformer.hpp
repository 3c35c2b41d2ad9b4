#pragma once
// Umbrella: the encoder–decoder Transformer and its layers, to train and to translate with. Costs about as much to
// include as xsimd and the kernels.
#include "tfm/core/context.hpp"
#include "tfm/generate/translate.hpp"
#include "tfm/layers/add_norm.hpp"
#include "tfm/layers/embedding.hpp"
#include "tfm/layers/multi_head_attention.hpp"
#include "tfm/layers/position_wise_ffn.hpp"
#include "tfm/layers/positional_encoding.hpp"
#include "tfm/layers/visit.hpp"
#include "tfm/models/pack_transformer.hpp"
#include "tfm/models/transformer.hpp"
#include "tfm/text/word_vocab.hpp"
