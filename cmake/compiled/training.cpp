// What trains AnyLlama, its adapters and files, and the Transformer of a shape known at run time, compiled once.
#define TFM_COMPILED_TRAINING
#include <tfm/lora.hpp>
#include <tfm/train.hpp>
#include <tfm/transformer.hpp>
