#pragma once
// What is known of every format, by its number: the list of formats folded into one table.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tfm/numeric/format.hpp"
#define TFM_FORMAT_FILE(name) TFM_FORMAT_PATH(tfm/numeric/formats/name.hpp)
#include "tfm/numeric/format_list.inl"
#undef TFM_FORMAT_FILE

namespace tfm::inline TFM_ABI {

namespace detail {

/// FormatTraits of a number, as far as they are no functions.
struct FormatFacts {
  std::string_view name, torch;
  Index block, block_bytes;
  int gguf;
  bool safetensors;
  Format stored_as;
  Activations activations;
  Index cached;
  bool minimum;
};
template <Format F, class T = FormatTraits<F>>
constexpr FormatFacts facts_of_format() noexcept {
  return {T::name, T::torch, T::block, T::block_bytes, T::gguf, T::safetensors, T::stored_as, T::activations, T::cached, T::minimum};
}

inline constexpr FormatFacts format_facts[] = {
#define TFM_FORMAT(format, ...) facts_of_format<Format::format>(),
    TFM_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
#define TFM_FORMAT(format, name, block, bytes, gguf, safetensors, torch) \
  {name, torch, block, bytes, gguf, safetensors, Format::format, Activations::floats, 0, false},
        TFM_STORED_FORMATS(TFM_FORMAT)
#undef TFM_FORMAT
};

constexpr const FormatFacts& facts(Format format) noexcept { return format_facts[static_cast<std::size_t>(format)]; }

}  // namespace detail

/// As GGUF and safetensors spell it.
constexpr std::string_view name(Format format) noexcept { return detail::facts(format).name; }
/// PyTorch's name, or "".
constexpr std::string_view torch_name(Format format) noexcept { return detail::facts(format).torch; }
/// The number in GGUF (ggml's type), or -1.
constexpr int gguf_number(Format format) noexcept { return detail::facts(format).gguf; }
/// Whether safetensors has it.
constexpr bool in_safetensors(Format format) noexcept { return detail::facts(format).safetensors; }

/// Values in a block of the format's layout; 1 where there are no blocks.
constexpr Index block_size(Format format) noexcept { return detail::facts(format).block; }
/// Bytes of one block as files have it (Int8's scales are beside it, as a tensor of their own).
constexpr Index block_bytes(Format format) noexcept { return detail::facts(format).block_bytes; }
/// Bytes of one row of `cols` values; cols is a multiple of the block size.
constexpr Index row_bytes(Format format, Index cols) noexcept { return cols / block_size(format) * block_bytes(format); }

/// Whether tfm computes with it; otherwise it is known in files alone.
constexpr bool is_computed(Format format) noexcept { return static_cast<int>(format) < format_count; }
/// What fast arithmetic multiplies a weight of this format with.
constexpr Activations activations(Format format) noexcept { return detail::facts(format).activations; }
/// Whether a weight of this format is integers and scales: fast arithmetic then quantises activations too.
constexpr bool is_quantised(Format format) noexcept { return activations(format) != Activations::floats; }
/// Whether its values have an offset beside their scale.
constexpr bool has_minimum(Format format) noexcept { return detail::facts(format).minimum; }
/// Whether each row has a scale beside its numbers.
constexpr bool has_row_scales(Format format) noexcept { return detail::facts(format).stored_as != format; }
/// Bytes of a value in a cache of keys and values, scales apart; 0 where no cache has this format.
constexpr Index cached_bytes(Format format) noexcept { return detail::facts(format).cached; }

/// The format of a weight that files have as `stored`, if there is one: itself, or one with scales of its rows beside it.
constexpr std::optional<Format> weight_format(Format stored) noexcept {
  for (int i = 0; i < format_count; ++i)
    if (detail::format_facts[i].stored_as == stored) return static_cast<Format>(i);
  return std::nullopt;
}

/// "F32, BF16 or F16": the formats that `wanted` is true of, of those that tfm computes with.
template <class Wanted>
std::string format_names(Wanted wanted) {
  std::string names, last;
  for (int i = 0; i < format_count; ++i) {
    if (!wanted(static_cast<Format>(i))) continue;
    if (!last.empty()) names += names.empty() ? last : ", " + last;
    last = name(static_cast<Format>(i));
  }
  return names.empty() ? last : names + " or " + last;
}

}  // namespace tfm::inline TFM_ABI
