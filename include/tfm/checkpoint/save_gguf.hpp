#pragma once
// save_gguf: weights as a GGUF file of their family, with the keys that say their shape.
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tfm/checkpoint/llama_gguf.hpp"
#include "tfm/checkpoint/stored_rows.hpp"
#include "tfm/formats/gguf_writer.hpp"

namespace tfm::inline TFM_ABI {

struct SaveGgufOptions {
  /// Of matrices; vectors are F32 then. None: as they lie where they come from, but what GGUF does not have, and int8
  /// with scales of its rows, becomes F16.
  std::optional<Format> type{};
  bool keep_vectors =
      false;  ///< without a type: vectors too as they lie, else they are F32, without which llama.cpp does not compute
  ProgressCallback progress{};  ///< bytes that are written
};

namespace detail {

/// The number by which llama.cpp knows a file whose matrices are mostly of a format; none: it has no such.
std::optional<std::uint32_t> gguf_file_type(Format format) noexcept;

/// What a weight of the model is written in. As llama.cpp's quantiser has it, the output (or the embedding, where that
/// is the output) is Q6_K at least, Q6_K becomes Q8_0 where rows are no whole blocks of it, and what has none of those
/// blocks either is F16.
Format gguf_type_of(const StoredRows& weight, const DynamicLlamaShape& shape, const SaveGgufOptions& options);

/// The keys of a shape, and general.architecture.
void set_shape(GgufWriter& file, const DynamicLlamaShape& shape);

/// What llama3's scaling divides each frequency by; empty for other scalings, which a key says.
std::vector<float> frequency_divisors(const DynamicLlamaShape& shape);

/// Refuses a model of which the file that would be written says another shape.
void require_said(const GgufWriter& file, std::span<const WrittenTensor> tensors, const DynamicLlamaShape& shape);

}  // namespace detail

/// Writes weights, in the order of their model's visit, as the GGUF file at `path`, whole or not at all. `keys` has
/// what the file says besides: a source's metadata, a tokenizer; where it has no general.architecture, the keys of the
/// shape are added. `divisors` of rotary frequencies become rope_freqs.weight. Errors: LoadError where the file cannot
/// be written or GGUF cannot say the model, OptionError, Stopped.
void save_gguf(Context& context, const DynamicLlamaShape& shape, std::vector<StoredRows> weights,
               std::span<const float> divisors, GgufWriter keys, const std::filesystem::path& path,
               const SaveGgufOptions& options = {});

}  // namespace tfm::inline TFM_ABI

#if defined(TFM_DEFINITIONS)
#include "tfm/checkpoint/save_gguf.inl"
#endif
