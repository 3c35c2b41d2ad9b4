#pragma once
// The small real model that the repository ships.
#include "support/data.hpp"
#include "tfm/checkpoint/load_llama.hpp"

namespace tfm_test {

inline const tfm::Loaded<tfm::AnyLlama>& stories() {
  static const auto loaded = tfm::load_llama(source_folder() / "examples/stories260K/stories260K.F32.gguf");
  return loaded;
}

}  // namespace tfm_test
