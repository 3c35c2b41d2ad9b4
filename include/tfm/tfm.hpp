#pragma once
// Umbrella: everything there is.
#include "tfm/checkpoint/transformer_file.hpp"
#include "tfm/checkpoint/word_vocab_file.hpp"
#include "tfm/formats/atomic_file.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/formats/json_text.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/kernels/attention_rows.hpp"
#include "tfm/kernels/losses.hpp"
#include "tfm/kernels/optimizers.hpp"
#include "tfm/llama.hpp"
#include "tfm/train.hpp"
#include "tfm/transformer.hpp"
