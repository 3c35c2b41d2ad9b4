// What matmul.hpp declares.
#include <cmath>
#include <cstdint>
#include <cstring>

namespace tfm::inline TFM_ABI {

namespace kernels {

// Where `chunks` of a product are too few for the threads, how many of its tokens make a piece: its work (multiply-adds of a token)
// is then also split by tokens. Each piece expands the weights again, so it is not small.
TFM_INLINE Index piece_tokens(const Context& context, Index chunks, Index tokens, Index work) noexcept {
  const Index threads = context.threads->count(), least = 1 << 17;
  if (threads == 1 || chunks >= 2 * threads) return tokens;
  const Index even = ceil_div(tokens * chunks, 2 * threads);
  return std::min(tokens, round_up(std::max(even, ceil_div(least, std::max<Index>(work, 1))), 6));
}

// Multiply-adds of a chunk of a product that are worth handing out: a few microseconds of reading weights.
inline constexpr Index worth_a_chunk = 1 << 18;

namespace prepare {

// Room for x as int8 in blocks.
struct BlockRoom {
  Index cols, blocks;
  signed char* q;
  float *scales, *scaled_sums;
  int *starts, *half_starts;

  BlockRoom(Arena& arena, View x) : cols(x.cols), blocks(x.cols / activation_block), q(arena.take<signed char>(x.size())), scales(arena.take<float>(x.rows * blocks)),
        scaled_sums(arena.take<float>(x.rows * blocks)), starts(arena.take<int>(x.rows * blocks)), half_starts(arena.take<int>(x.rows * blocks)) {}

  // Rows of x from t on; `rest`: or null, rows of what is left.
  void quantise(Context& context, Index t, View x, float* rest) const noexcept {
    const Index b = t * blocks;
    table(context).quantise_blocks(context, x, q + t * cols, scales + b, scaled_sums + b, starts + b, half_starts + b, rest);
  }
  Quantised view(bool added) const noexcept { return {q, scales, scaled_sums, starts, half_starts, cols, blocks, added}; }
};

// x as int8 in blocks; `rest`: or null, filled with a second digit.
TFM_INLINE Quantised quantise_in_blocks(Context& context, View x, Quantised* rest) {
  const BlockRoom first_digit(context.scratch, x);
  if (rest == nullptr) {
    by_rows(context, x.rows, x.cols, [&](Index first, Index count) { first_digit.quantise(context, first, x.slice(first, count), nullptr); });
    return first_digit.view(false);
  }
  const BlockRoom second_digit(context.scratch, x);
  const Index each = chunk_items(context, x.rows, 2 * x.cols, 1), room = round_up(x.cols, 16);
  float* const left = context.scratch.take<float>(context.threads->count() * room);
  context.run(ceil_div(x.rows, each), [&](Index chunk, int worker) {
    float* const own = left + worker * room;
    for (Index t = chunk * each; t < std::min(x.rows, (chunk + 1) * each); ++t) {
      first_digit.quantise(context, t, x.slice(t, 1), own);
      second_digit.quantise(context, t, {own, 1, x.cols}, nullptr);
    }
  });
  *rest = second_digit.view(true);
  return first_digit.view(false);
}

TFM_INLINE Quantised quantise_rows(Context& context, View x) {
  const Index padded = round_up(x.cols, 16), words = ceil_div(x.cols, 64);
  const Int8Options& options = context.int8;
  const bool finds = options.outliers != Outliers::none, shares = options.outliers == Outliers::per_call;
  auto* const q = context.scratch.take<signed char>(x.rows * padded);
  auto* const scales = context.scratch.take<float>(x.rows);
  auto* const starts = context.scratch.take<int>(x.rows);
  auto* const marks = context.scratch.take<std::uint64_t>(x.rows * words);
  auto* const counts = context.scratch.take<int>(x.rows);
  float* const room = context.scratch.take<float>(context.threads->count() * padded);
  const Index each = chunk_items(context, x.rows, 2 * x.cols, 1);
  const auto by_tokens = [&](auto body) {
    context.run(ceil_div(x.rows, each), [&](Index chunk, int worker) {
      for (Index t = chunk * each; t < std::min(x.rows, (chunk + 1) * each); ++t) body(t, worker);
    });
  };
  if (finds)
    by_rows(context, x.rows, 2 * x.cols, [&](Index first, Index count) {
      table(context).mark_outliers(context, x.slice(first, count), options.threshold, options.half, marks + first * words, counts + first);
    });
  if (shares)  // every token keeps what any of them must
    for (Index w = 0; w < words; ++w) {
      std::uint64_t any = 0;
      for (Index t = 0; t < x.rows; ++t) any |= marks[t * words + w];
      for (Index t = 0; t < x.rows; ++t) {
        marks[t * words + w] = any;
        counts[t] = (w == 0 ? 0 : counts[t]) + __builtin_popcountll(any);
      }
    }
  by_tokens([&](Index t, int worker) {
    float at_least = 0;
    const float* row = x.row(t);
    if (options.half || (finds && counts[t] > 0)) {
      float* const own = room + worker * padded;
      std::copy_n(row, x.cols, own);
      for (Index k = 0; options.half && k < x.cols; ++k) own[k] = f32_from_f16(f16_from_f32(own[k]));
      for (Index w = 0; finds && w < words; ++w)
        for (std::uint64_t bits = marks[t * words + w]; bits != 0; bits &= bits - 1) {
          const Index k = 64 * w + __builtin_ctzll(bits);
          const float size = std::abs(own[k]);
          if (shares && !options.whole_columns && size < options.threshold) at_least = std::max(at_least, size);
          if (std::isfinite(own[k])) own[k] = 0;
        }
      row = own;
    }
    table(context).quantise_whole_row(context, {row, 1, x.cols}, at_least, q + t * padded, scales + t, starts + t);
  });
  Quantised quantised{q, scales, nullptr, starts, nullptr, padded, 1};
  if (finds) {
    quantised.outliers = marks, quantised.outlier_counts = counts;
    quantised.words = words;
  }
  return quantised;
}

// x as bfloat16, rows of an even number; null where has_bf16() is false.
TFM_INLINE const unsigned short* to_bf16(Context& context, View x) {
  if (!has_bf16(context)) return nullptr;
  const Index padded = round_up(x.cols, 2);
  auto* const out = context.scratch.take<unsigned short>(x.rows * padded);
  by_rows(context, x.rows, x.cols, [&](Index first, Index count) {
    table(context).bf16_rows(context, x.slice(first, count), out + first * padded);
  });
  return out;
}

// dy with the scales of an Int8 weight's rows, as int8.
TFM_INLINE QuantisedGradient quantise_gradient(Context& context, const Panels& w, View dy) {
  const Index q_row = gradient_row(w.rows), groups = ceil_div(w.rows, gradient_group);
  float* const weight_scales = context.scratch.take<float>(16 * w.count());
  for (Index p = 0; p < w.count(); ++p) std::memcpy(weight_scales + 16 * p, w.panel(p), 64);
  auto* const q = context.scratch.take<signed char>(dy.rows * q_row);
  auto* const scales = context.scratch.take<float>(dy.rows * groups);
  auto* const starts = context.scratch.take<int>(dy.rows * groups);
  by_rows(context, dy.rows, 2 * w.rows, [&](Index first, Index count) {
    training_table(context).quantise_gradient(context, dy.slice(first, count), weight_scales, q + first * q_row, q_row, scales + first * groups, starts + first * groups);
  });
  return {q, scales, starts, q_row, groups};
}

}  // namespace prepare

// Panels first .. first + count of one product, by the kernel that its activations want.
TFM_INLINE void run_chunk(Context& context, const MatmulTask& task, Index first, Index count, float* scratch) noexcept {
  const Table& kernels = table(context);
  if (task.quantised.q != nullptr) return kernels.int8_chunk(context, task, first, count);
  if (task.x_bf16 != nullptr) return kernels.bf16_chunk(context, task, first, count, scratch);
  kernels.matmul_chunk(context, task, first, count, scratch);
}

// What terms add to panels first .. first + count of rows from .. from + tokens.
TFM_INLINE void run_terms(Context& context, const Product& p, Index from, Index tokens, Index first, Index count, float* scratch) noexcept {
  for (const AdapterTerm& r : p.terms) {
    const Index begin = std::max(from, r.first), n = std::min(from + tokens, r.first + r.x.rows) - begin, at = begin - r.first, rank = r.x.cols;
    if (n <= 0) continue;
    MatmulTask task{{nullptr, p.w.rows, rank, Format::f32}, r.b, {}, {}, nullptr, r.x.row(at), n, p.y.row(begin), true};
    if (r.x_bf16 != nullptr) task.x_bf16 = r.x_bf16 + at * round_up(rank, 2);
    run_chunk(context, task, first, count, scratch);
  }
}

// A chunk of a product and the terms that adapters add: so few panels at a time that they find y in the cache.
TFM_INLINE void run_with_terms(Context& context, const Product& p, const MatmulTask& task, Index from, Index first, Index count, float* scratch) noexcept {
  const Index together = p.terms.empty() ? count : 4;
  for (Index i = 0; i < count; i += together) {
    const Index n = std::min(together, count - i);
    run_chunk(context, task, first + i, n, scratch);
    run_terms(context, p, from, task.tokens, first + i, n, scratch);
  }
}

TFM_INLINE void run_products(Context& context, View x, std::span<const Product> products) noexcept {
  if (x.rows == 0) return;
  const Arena::Frame frame(context.scratch);
  const auto quantises = [&](const Product& p) { return context.arithmetic != Arithmetic::exact && p.row_major == nullptr && is_quantised(p.w.format); };
  const bool bf16 = has_bf16(context);
  const auto in_blocks = [&](const Product& p) { return quantises(p) && activations(p.w.format) == Activations::blocks; };
  Quantised blocks{}, rest{}, rows{};
  bool any_blocks = false, two_digits = false, any_floats = false, all_floats = true;
  const unsigned short* x_bf16 = nullptr;
  Index panels = 0;
  for (const Product& p : products) {
    panels += p.w.count();
    if (quantises(p) && !in_blocks(p) && rows.q == nullptr) rows = prepare::quantise_rows(context, x);
    any_blocks = any_blocks || in_blocks(p);
    two_digits = two_digits || (in_blocks(p) && p.digits == Digits::two);
    any_floats = any_floats || !quantises(p), all_floats = all_floats && !quantises(p);
    if (!quantises(p) && bf16 && (p.row_major != nullptr || !is_quantised(p.w.format)) && x_bf16 == nullptr) x_bf16 = prepare::to_bf16(context, x);
  }
  if (any_blocks) blocks = prepare::quantise_in_blocks(context, x, two_digits ? &rest : nullptr);
  for (const Product& p : products)
    for (AdapterTerm& r : p.terms) r.x_bf16 = prepare::to_bf16(context, r.x);
  float* const scratch = context.scratch.take<float>(context.threads->count() * scratch_floats);
  // The products' panels stand in one row, which chunks cut evenly: a chunk may end one product and begin the next.
  const Index step = any_floats ? 4 : 2, each = chunk_items(context, panels, 16 * x.rows * x.cols, step, worth_a_chunk);
  const Index chunks = ceil_div(panels, each), piece = all_floats && x_bf16 == nullptr ? piece_tokens(context, chunks, x.rows, 16 * std::min(each, panels) * x.cols) : x.rows;
  context.run(chunks * ceil_div(x.rows, piece), [&](Index chunk, int worker) {
    const Index from = chunk / chunks * piece;
    Index first = chunk % chunks * each, left = each;
    for (const Product& p : products) {
      const Index count = std::min(left, p.w.count() - first);
      if (count > 0) {
        MatmulTask task{p.w, p.row_major, {}, {}, nullptr, x.row(from), std::min(piece, x.rows - from), p.y.row(from), p.added};
        if (quantises(p)) {
          task.quantised = in_blocks(p) ? blocks : rows;
          if (in_blocks(p) && p.digits == Digits::two) task.rest = rest;
        } else {
          task.x_bf16 = x_bf16;
        }
        run_with_terms(context, p, task, from, first, count, scratch + worker * scratch_floats);
        left -= count;
      }
      first = std::max<Index>(0, first - p.w.count());
    }
  });
}

TFM_INLINE void run_backward(Context& context, Panels w, const float* row_major, View dy, MutableView dx) noexcept {
  if (dy.rows == 0) return;
  const Arena::Frame frame(context.scratch);
  const bool int8 = int8_backward(context, w.format);
  const QuantisedGradient quantised = int8 ? prepare::quantise_gradient(context, w, dy) : QuantisedGradient{};
  const unsigned short* const dy_bf16 = int8 ? nullptr : prepare::to_bf16(context, dy);
  const Index dy_row = round_up(dy.cols, 2);
  const Index floats = backward_floats(dy.rows);
  float* const scratch = context.scratch.take<float>(context.threads->count() * floats);
  const TrainingTable& kernels = training_table(context);
  const Index chunks = ceil_div(w.cols, 64), piece = piece_tokens(context, chunks, dy.rows, w.rows * std::min<Index>(64, w.cols));
  context.run(chunks * ceil_div(dy.rows, piece), [&](Index chunk, int worker) {
    const Index k = 64 * (chunk % chunks), n = std::min<Index>(64, w.cols - k), from = chunk / chunks * piece;
    float* const own = scratch + worker * floats;
    BackwardTask task{w, row_major, dy.row(from), dy_bf16 == nullptr ? nullptr : dy_bf16 + from * dy_row, quantised, std::min(piece, dy.rows - from), dx.row(from)};
    if (int8) {
      task.quantised.q += from * quantised.q_row, task.quantised.scales += from * quantised.groups, task.quantised.starts += from * quantised.groups;
      return kernels.int8_backward_chunk(context, task, k, n, reinterpret_cast<std::byte*>(own));
    }
    if (dy_bf16 != nullptr) return kernels.bf16_backward_chunk(context, task, k, n, own);
    kernels.backward_chunk(context, task, k, n, own);
  });
}

}  // namespace kernels

TFM_INLINE void matmul(Context& context, const PackedWeight& w, View x, MutableView y) noexcept {
  const kernels::Product one[] = {kernels::as_product(w, y)};
  kernels::run_products(context, x, one);
}

TFM_INLINE void matmul(Context& context, const F32& w, View x, MutableView y) noexcept {
  const kernels::Product one[] = {kernels::as_product(w, y)};
  kernels::run_products(context, x, one);
}

TFM_INLINE void matmul_add(Context& context, const F32& w, View x, MutableView y) noexcept {
  kernels::Product one[] = {kernels::as_product(w, y)};
  one[0].added = true;
  kernels::run_products(context, x, one);
}

TFM_INLINE void matmul_backward(Context& context, const PackedWeight& w, View dy, MutableView dx) noexcept {
  kernels::run_backward(context, w.panels(), nullptr, dy, dx);
}

TFM_INLINE void matmul_backward(Context& context, const F32& w, View dy, MutableView dx) noexcept {
  kernels::run_backward(context, {nullptr, w.rows(), w.cols(), Format::f32}, w.view().data, dy, dx);
}

}  // namespace tfm::inline TFM_ABI
