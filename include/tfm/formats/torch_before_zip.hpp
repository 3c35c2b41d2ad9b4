#pragma once
// The files of PyTorch before 1.6: five pickles, and then the storages one behind the other.
#include <algorithm>
#include <cstring>
#include <vector>

#include "tfm/formats/torch_tensors.hpp"
#include "tfm/formats/unpickle.hpp"

namespace tfm::inline TFM_ABI {

/// Reads a file that torch.save of PyTorch before 1.6 wrote: a magic number, a version, the writer's sizes, the tensors,
/// the keys of their storages; each storage is its number of values and they. Errors: LoadError.
TensorStore read_torch_before_zip(TensorSource source);

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/formats/torch_before_zip.inl"
#endif
