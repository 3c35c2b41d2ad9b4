#pragma once
// What a model would be in each type that files are written in: bytes of the file, memory, and the tokens a second that
// reading the weights allows.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "model.hpp"
#include "tfm/checkpoint/save_gguf.hpp"

namespace cli {

/// A model whose matrices are of one type, as tfm convert --type writes it; or as it is.
struct TypeChoice {
  std::string name;
  tfm::Index file = 0;    ///< bytes of the tensors
  tfm::Index packed = 0;  ///< in memory
  tfm::Index read = 0;    ///< of those, what a token is multiplied with
};

/// Adds a weight of a type to a choice. An embedding that is not the output is not multiplied with: a row of it is
/// read.
inline void add_weight(TypeChoice& choice, const tfm::WeightInfo& weight, tfm::Format format, bool tied) {
  const tfm::Index packed = weight.is_vector() ? weight.cols * static_cast<tfm::Index>(sizeof(float))
                                               : packed_bytes(format, weight.rows, weight.cols);
  choice.file += weight.rows * row_bytes(format, weight.cols);
  choice.packed += packed;
  if (weight.role != tfm::WeightRole::embedding || tied) choice.read += packed;
}

/// The choices of a model of a shape.
inline std::vector<TypeChoice> choices_of(const tfm::AnyModel& model) {
  std::vector<TypeChoice> choices;
  for (int i = 0; i < tfm::format_count; ++i) {
    const auto format = static_cast<tfm::Format>(i);
    if (!tfm::detail::gguf_file_type(format)) continue;
    TypeChoice choice{.name = std::string(name(format))};
    visit_weights(model, "", [&](const std::string& weight, const auto&, const tfm::WeightInfo& info) {
      const tfm::Format type =
          tfm::detail::gguf_type_of({weight, info, format, {}, {}}, model.shape, {.type = format, .progress = {}});
      add_weight(choice, info, type, model.shape.tied);
    });
    choices.push_back(std::move(choice));
  }
  return choices;
}

/// Bytes a second that all threads together read from memory, the best of three tries: of so much that no cache holds
/// it.
inline double memory_bandwidth(int threads) {
  constexpr tfm::Index words = tfm::Index{1} << 25, chunk = tfm::Index{1} << 18;  // 256 MiB, in pieces of 2 MiB
  tfm::Context context(threads);
  std::vector<std::uint64_t> memory(tfm::to_size(words), 1), sums(tfm::to_size(words / chunk));
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const double begin = seconds();
    context.run(words / chunk, [&](tfm::Index c, int) {
      std::uint64_t four[4]{};
      const std::uint64_t* const at = memory.data() + c * chunk;
      for (tfm::Index k = 0; k < chunk; k += 4)
        for (int lane = 0; lane < 4; ++lane) four[lane] += at[k + lane];
      sums[tfm::to_size(c)] = four[0] + four[1] + four[2] + four[3];
    });
    best = std::max(best, static_cast<double>(words) * 8 / (seconds() - begin));
  }
  return sums.front() == static_cast<std::uint64_t>(chunk) ? best
                                                           : 0;  // the sums are looked at, or nothing need be read
}

}  // namespace cli
