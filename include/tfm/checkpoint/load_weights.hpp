#pragma once
// Filling a model with a checkpoint's tensors: one visitor that looks, and one that packs.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tfm/checkpoint/await_pages.hpp"
#include "tfm/checkpoint/shape_agreement.hpp"
#include "tfm/checkpoint/weight_source.hpp"
#include "tfm/core/progress.hpp"
#include "tfm/formats/tensor_index.hpp"
#include "tfm/models/causal_model.hpp"
#include "tfm/models/llama_shapes.hpp"

namespace tfm::inline TFM_ABI {

/// How a checkpoint is loaded.
struct LoadOptions {
  std::optional<Format> format{};  ///< AnyWeight: what matrices are packed as; none: as the file has them
  int threads = 0;                 ///< that pack; 0: one for each core. The tokenizer is read beside them
  StopToken stop{};                ///< ends loading within 10 ms, with Stopped
  ProgressCallback progress{};     ///< bytes of the file that are packed
  TensorReader read_bin{};         ///< how PyTorch's files are read: tfm::read_torch; none: they are refused
  /// Where the packed weights are kept for the next start, which maps this file and packs nothing; none: nowhere. It is made
  /// where it is missing or is not this checkpoint's (a note says why); a stop waits until the system has it on its disk.
  std::filesystem::path packed{};
  bool verify_packed = false;  ///< by the hash of all bytes of the checkpoint and of `packed`, not of sampled pages
};

namespace detail {

/// GGUF files of Llama 3.1 and later give llama3's scaling as divisors of the frequencies. A static shape may state the
/// scaling itself; then the two must agree.
template <Shape S>
void divide_frequencies(const WeightSource& source, const S& shape, std::vector<float>& frequencies) {
  const Tensor* const factors = source.store().find("rope_freqs.weight");
  if (factors == nullptr || source.convention() != Convention::gguf) return;
  const auto half = static_cast<Index>(frequencies.size());
  if (!factors->holds<float>() || factors->shape != std::vector<Index>{half})
    raise<ShapeError>({source.where(*factors), " is ", factors->type_name, " ", shape_text(factors->shape), ", expected F32 [", half, "]"});
  const RopeScaling stated = shape.rope_scaling;
  for (Index i = 0; i < half; ++i) {
    float factor, &frequency = frequencies[to_size(i)];
    std::memcpy(&factor, factors->bytes.data() + 4 * i, 4);
    if (!(factor > 0 && factor < 1e30f))
      raise<LoadError>({source.where(*factors), " holds ", size_text(factor), " at place ", i, ", expected positive numbers"});
    const float divided = rope_frequency(i, 2 * half, shape.rope_theta, {}) / factor;
    if (stated.kind == RopeScaling::Kind::none) frequency = divided;
    else if (!(std::abs(frequency - divided) <= 1e-4f * divided))
      raise<ShapeError>({source.where(*factors), " divides frequency ", i, " by ", size_text(factor),
                         ", the type's rope_scaling expects another"});
  }
}

/// The format that a weight of type W is packed in.
template <class W>
Format target_format(const LoadOptions& options, Format in_file) {
  if constexpr (requires { W::static_format; }) return W::static_format;
  else return options.format.value_or(in_file);
}

/// Room for all the packed weights of a model, given out one after the other. It is one block, so that the system
/// gets it back at once: of many blocks of megabytes, allocators keep some, and return them at any later moment, all
/// together.
class WeightRoom {
  std::shared_ptr<AlignedBytes> block_;
  Index used_ = 0;

 public:
  explicit WeightRoom(Index bytes) : block_(std::make_shared<AlignedBytes>(bytes)) {}

  std::shared_ptr<std::byte> take(Index bytes) {
    std::byte* const start = block_->data() + used_;
    used_ += bytes;
    return {block_, start};
  }
};

/// The format that a weight is packed in, and its bytes; 0 for a trainable one, which has room of its own.
template <class W>
std::pair<Format, Index> packed_as(const W&, const WeightInfo& info, const FileRows& rows, const LoadOptions& options) {
  if constexpr (std::is_same_v<W, F32>) return {Format::f32, 0};
  else {
    const Format target = info.is_vector() ? Format::f32 : target_format<W>(options, rows.format);
    return {target, packed_bytes(target, rows.rows, rows.cols)};
  }
}

/// Bytes of the weights in the file, and of the room that they take packed.
struct WeightBytes {
  Index in_file = 0, room = 0;
};

/// Holds every tensor against the model before any is packed.
template <StoredCausalModel Model>
WeightBytes check_weights(const Model& model, WeightSource& source, const LoadOptions& options) {
  WeightBytes bytes;
  Index packed = 0;  // as the file's formats
  visit_weights(model, "", [&](const std::string& name, const auto&, const WeightInfo& info) { source.expect(name, info); });
  visit_weights(model, "", [&](const std::string& name, const auto& weight, const WeightInfo& info) {
    source.at(name, info);
    const FileRows rows = source.rows(name, info);
    bytes.in_file += rows.rows * row_bytes(rows.format, rows.cols);
    bytes.room += packed_as(weight, info, rows, options).second;
    packed += packed_bytes(rows.format, rows.rows, rows.cols);
  });
  // Panels of sixteen rows: matrices of one or two long rows would take many times the file.
  if (packed > 2 * bytes.in_file + 16 * MiB)
    raise<ShapeError>({"tfm: ", source.store().file(), ": packed, the weights would take ", packed,
                       " bytes, expected at most twice the file's ", bytes.in_file, ": the matrices have too few rows"});
  const auto unneeded = [&](const Tensor* tensor) {
    if (tensor != nullptr) source.mark_used(*tensor);
  };
  unneeded(source.find(source.family().output));  // as in transformers, where the output is the embedding
  if (source.convention() == Convention::gguf)
    for (const char* const table : {"rope_freqs.weight", gguf_short_factors, gguf_long_factors}) unneeded(source.store().find(table));
  source.leave_out_pictures();
  for (const Tensor& tensor : source.store().tensors())  // tables that follow from the configuration
    if (tensor.name.ends_with("rotary_emb.inv_freq")) source.mark_used(tensor);
  source.refuse_unused();
  return bytes;
}

/// A trainable weight: plain rows, or of a vector its values, in the file one a row where they are sorted.
inline F32 read_f32(Context& context, const FileRows& rows, const WeightInfo& info) {
  F32 weight(info.is_vector() ? 1 : rows.rows, info.is_vector() ? info.cols : rows.cols);
  const Index each = std::max<Index>(1, (Index{1} << 16) / rows.cols);
  context.run(ceil_div(rows.rows, each), [&](Index chunk, int) {
    for (Index r = chunk * each; r < std::min(rows.rows, (chunk + 1) * each); ++r)
      dequantise_row(rows.format, rows.row(r), rows.cols, rows.scale(r), weight.values().data + r * rows.cols);
  });
  return weight;
}

/// Fills the model in the order of its weights: trainable ones from the file, others by frozen(tensor, rows, target format,
/// await_pages), a PackedWeight.
template <StoredCausalModel Model, class F>
void fill_weights(Context& context, Model& model, const WeightSource& source, const LoadOptions& options, Index total, F&& frozen) {
  Index done = 0;
  AwaitPages await_pages;
  visit_weights(model, "", [&](const std::string& name, auto& weight, const WeightInfo& info) {
    using W = std::remove_reference_t<decltype(weight)>;
    raise_if_stopped(context);
    const Tensor tensor = source.part(name, info);
    const FileRows rows = source.rows(name, info);
    if constexpr (std::is_same_v<W, F32>) {
      await_pages(context, source.store(), tensor);
      weight = read_f32(context, rows, info);
      if (const float one = source.added(info); one != 0)
        for (float& value : std::span(weight.values().data, to_size(info.cols))) value += one;
      drop_pages(context, source.store(), tensor);
    } else {
      weight = W(frozen(tensor, rows, packed_as(weight, info, rows, options).first, await_pages));
    }
    done += static_cast<Index>(tensor.bytes.size());
    if (options.progress) options.progress({"loading", done, total});
  });
  if constexpr (requires { model.frequencies; }) divide_frequencies(source, model.shape, model.frequencies);
}

/// The same by packing, tensor by tensor, into `room`; packed(weight) is told of each. A tensor's pages are dropped when it
/// is packed, so the peak is the packed model and one tensor.
template <StoredCausalModel Model, class F>
void pack_weights(Context& context, Model& model, const WeightSource& source, const LoadOptions& options, Index total, WeightRoom& room,
                  F&& packed) {
  const auto frozen = [&](const Tensor& tensor, const FileRows& rows, Format target, AwaitPages& await_pages) {
    await_pages(context, source.store(), tensor);
    const std::string what = source.store().file_of(tensor) + ": tensor " + in_quotes(tensor.name);
    PackedWeight weight = pack(context, target, rows, what, room.take(packed_bytes(target, rows.rows, rows.cols)));
    drop_pages(context, source.store(), tensor);
    packed(std::as_const(weight));
    return weight;
  };
  fill_weights(context, model, source, options, total, frozen);
}

/// The context that loads.
inline Context loading_context(const LoadOptions& options) {
  Context context(options.threads > 0 ? options.threads : Threads::hardware());
  context.stop = options.stop;
  return context;
}

}  // namespace detail

/// Packs every weight of the model. Errors: LoadError, ShapeError, before anything is packed where a tensor is missing, is
/// of another shape or type, or has no place; Stopped.
template <StoredCausalModel Model>
void load_weights(Model& model, WeightSource& source, const LoadOptions& options) {
  const detail::WeightBytes bytes = detail::check_weights(model, source, options);
  Context context = detail::loading_context(options);
  detail::WeightRoom room(bytes.room);
  detail::pack_weights(context, model, source, options, bytes.in_file, room, [](const PackedWeight&) {});
}

}  // namespace tfm::inline TFM_ABI
