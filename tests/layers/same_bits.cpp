// Every kernel, and one block of a model, gives the same bits for any number of threads, beside any neighbours, and on
// every instruction set with a fused multiply-add.
#include "layers/hashes.hpp"
#include "support/catch.hpp"
#include "support/generated_llama.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/norms.hpp"

using namespace tfm;
using tfm_test::random_matrix;

namespace {

// Our rows, alone or as the fourth of six sequences of unequal length.
constexpr Index ours = 41, lengths[] = {3, 17, 64, ours, 1, 90}, before = 3 + 17 + 64,
                all_rows = before + ours + 1 + 90;

// Our rows are random_matrix(seed, …) in both cases.
struct Rows {
  bool crowded;
  Index count() const { return crowded ? all_rows : ours; }
  Index first() const { return crowded ? before : 0; }
  Buffer random(std::uint64_t seed, Index cols, float scale = 1) const {
    Buffer rows = random_matrix(seed + 1000, count(), cols, scale);
    copy(random_matrix(seed, ours, cols, scale), rows.view().slice(first(), ours));
    return rows;
  }
  View of(View x) const { return x.slice(first(), ours); }
};

// Calls compute(context, rows) → the hash of our rows, in every way; all must give the table's.
template <class Compute>
void check_everywhere(const std::string& what, Compute compute, Arithmetic arithmetic = Arithmetic::exact) {
  for (const Isa isa : tfm_test::isas()) {
    if (!has_fma(isa)) continue;
    for (const int threads : {1, 2, 3, 8})
      for (const bool crowded : {false, true}) {
        INFO(name(isa) << ", " << threads << " threads" << (crowded ? ", 5 neighbours" : ""));
        Context context(threads);
        context.isa = isa;
        context.arithmetic = arithmetic;
        tfm_test::check_hash(tfm_test::kernel_hashes, what, compute(context, Rows{crowded}));
      }
  }
}

PackedWeight weight(Format format, Index rows, Index cols) {
  Context context(1);
  const Buffer w = random_matrix(7, rows, cols);
  return pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), rows, cols}, "w");
}

}  // namespace

TEST_CASE("products have the same bits everywhere") {
  constexpr Index out = 403, in = 160;
  for (const Format format :
       {Format::f32, Format::bf16, Format::f16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8}) {
    const PackedWeight w = weight(format, out, in);
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
      check_everywhere(
          "matmul " + std::string(name(format)) + " " + std::string(name(arithmetic)),
          [&](Context& context, const Rows& rows) {
            Buffer y(rows.count(), out);
            matmul(context, w, rows.random(1, in), y);
            return tfm_test::hash(rows.of(y));
          },
          arithmetic);
    check_everywhere("matmul_backward " + std::string(name(format)), [&](Context& context, const Rows& rows) {
      Buffer dx = rows.random(2, in);
      matmul_backward(context, w, rows.random(1, out), dx);
      return tfm_test::hash(rows.of(dx));
    });
  }
}

TEST_CASE("products of trainable weights have the same bits everywhere") {
  constexpr Index out = 203, in = 77;
  F32 w(out, in);
  copy(random_matrix(7, out, in), w.values());
  check_everywhere("matmul, trainable", [&](Context& context, const Rows& rows) {
    Buffer y(rows.count(), out);
    matmul(context, w, rows.random(1, in), y);
    return tfm_test::hash(rows.of(y));
  });
  check_everywhere("matmul_backward, trainable", [&](Context& context, const Rows& rows) {
    Buffer dx = rows.random(2, in);
    matmul_backward(context, w, rows.random(1, out), dx);
    return tfm_test::hash(rows.of(dx));
  });
  check_everywhere("accumulate", [&](Context& context, const Rows& rows) {  // sums over tokens: ours alone
    const Buffer dy = rows.random(1, out), x = rows.random(2, in);
    Buffer dw = random_matrix(3, out, in);
    accumulate(context, rows.of(dy), rows.of(x), dw);
    return tfm_test::hash(dw);
  });
}

TEST_CASE("norms and element-wise kernels have the same bits everywhere") {
  constexpr Index dim = 1003;
  const Buffer w = random_matrix(7, 1, dim);
  check_everywhere("rms_norm", [&](Context& context, const Rows& rows) {
    Buffer y(rows.count(), dim);
    kernels::rms_norm(context, rows.random(1, dim), w.view().data, 1e-5f, y);
    return tfm_test::hash(rows.of(y));
  });
  check_everywhere("rms_norm_backward", [&](Context& context, const Rows& rows) {
    const Buffer x = rows.random(1, dim), dy = rows.random(2, dim);
    Buffer dx = rows.random(3, dim), dw = random_matrix(4, 1, dim), y(rows.count(), dim), inverse(1, rows.count());
    kernels::rms_norm(context, x, w.view().data, 1e-5f, y, inverse.view().data);
    kernels::rms_norm_backward(context, x, w.view().data, inverse.view().data, dy, dx, nullptr);
    const std::uint64_t h = tfm_test::hash(rows.of(dx));
    Buffer again = rows.random(3, dim);
    kernels::rms_norm_backward(context, rows.of(x), w.view().data, inverse.view().data + rows.first(), rows.of(dy),
                               again.view().slice(rows.first(), ours), dw.view().data);
    return tfm_test::hash(dw, h);
  });
  check_everywhere("silu_mul", [&](Context& context, const Rows& rows) {
    Buffer y(rows.count(), dim);
    kernels::silu_mul(context, rows.random(1, dim, 9), rows.random(2, dim), y);
    return tfm_test::hash(rows.of(y));
  });
  check_everywhere("silu_mul_backward", [&](Context& context, const Rows& rows) {
    Buffer dgate = rows.random(4, dim), dup = rows.random(5, dim);
    kernels::silu_mul_backward(context, rows.random(1, dim, 9), rows.random(2, dim), rows.random(3, dim), dgate, dup);
    return tfm_test::hash(rows.of(dup), tfm_test::hash(rows.of(dgate)));
  });
  check_everywhere("add, scale_add, scale", [&](Context& context, const Rows& rows) {
    Buffer y = rows.random(1, dim);
    kernels::add(context, rows.random(2, dim), y);
    kernels::scale_add(context, 0.3f, rows.random(3, dim), y);
    kernels::scale(context, 1.7f, y, y);
    return tfm_test::hash(rows.of(y));
  });
  check_everywhere("rotate", [&](Context& context, const Rows& rows) {
    Buffer x = rows.random(1, 6 * 44);
    kernels::rotate(context, x, rows.random(2, 22), rows.random(3, 22));
    return tfm_test::hash(rows.of(x));
  });
}

namespace {

constexpr DynamicLlamaShape shape{
    .vocab = 40, .dim = 160, .layers = 1, .heads = 10, .kv_heads = 5, .ffn = 416, .context = 128};

// One block over our sequence, 33 tokens of it in a first call and the others in a second, as its rows become.
std::uint64_t block(Context& context, const Rows& rows, const tfm_test::DynamicLlama& model, Format cache_format,
                    Buffer* attention) {
  const Buffer x = rows.random(1, shape.dim);
  std::vector<Index> firsts, counts;
  if (rows.crowded) counts.assign(std::begin(lengths), std::end(lengths));
  else counts = {ours};
  Index at = 0;
  for (const Index n : counts) firsts.push_back(at), at += n;
  KvCache cache = model.make_cache(static_cast<Index>(counts.size()), 0, cache_format);
  Buffer out(ours, shape.dim);
  Index done = 0;
  for (const Index step : {Index{33}, Index{100}}) {
    std::vector<Index> start{0}, position, slot;
    std::vector<float> gathered;
    Index our_row = 0;
    for (std::size_t s = 0; s < counts.size(); ++s) {
      const Index n = std::min(step, counts[s] - done);
      if (n <= 0) continue;
      if (firsts[s] == rows.first()) our_row = start.back();
      gathered.insert(gathered.end(), x.view().row(firsts[s] + done), x.view().row(firsts[s] + done + n));
      start.push_back(start.back() + n);
      position.push_back(done);
      slot.push_back(static_cast<Index>(s));
    }
    const Index tokens = start.back(), half = 8;
    Buffer cosine(tokens, half), sine(tokens, half);
    const Batch batch{.start = start, .position = position, .slot = slot};
    for (Index s = 0; s < batch.sequences(); ++s)
      for (Index t = 0; t < batch.length(s); ++t)
        rope_angles(done + t, model.frequencies.data(), half, cosine.view().row(batch.first(s) + t),
                    sine.view().row(batch.first(s) + t));
    const MutableView state{gathered.data(), tokens, shape.dim};
    std::vector<std::vector<float>> weights;
    std::vector<float*> places;
    for (Index s = 0; s < batch.sequences(); ++s) {
      weights.emplace_back(to_size(shape.heads * batch.length(s) * (done + batch.length(s))));
      places.push_back(weights.back().data());
    }
    model.layers[0].forward(context, batch, 0, cache, cosine, sine, 1e-5f, state,
                            attention != nullptr ? places.data() : nullptr);
    const Index n = std::min(step, ours - done);
    copy(View(state).slice(our_row, n), out.view().slice(done, n));
    if (attention != nullptr && done == 0) {
      for (Index s = 0; s < batch.sequences(); ++s)
        if (batch.first(s) == our_row) copy({places[to_size(s)], shape.heads * 33, 33}, *attention);
    }
    for (Index s = 0; s < batch.sequences(); ++s) cache.advance(batch.slot_of(s), batch.length(s));
    done += step;
  }
  return tfm_test::hash(out);
}

}  // namespace

TEST_CASE("attention and a whole block have the same bits everywhere") {
  for (const Format format : {Format::f32, Format::q8_0, Format::q4_1, Format::int8}) {
    const auto model = tfm_test::generated_llama(shape, format);
    for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
      for (const Format cache : {Format::f32, Format::f16, Format::q8_0})
        check_everywhere(
            "block " + std::string(name(format)) + " " + std::string(name(arithmetic)) + ", cache " +
                std::string(name(cache)),
            [&](Context& context, const Rows& rows) { return block(context, rows, model, cache, nullptr); },
            arithmetic);
  }
  const auto model = tfm_test::generated_llama(shape, Format::f32);
  check_everywhere("attention weights", [&](Context& context, const Rows& rows) {
    Buffer attention(shape.heads * 33, 33);
    const std::uint64_t watched = block(context, rows, model, Format::f32, &attention);
    REQUIRE(watched == block(context, rows, model, Format::f32, nullptr));
    return tfm_test::hash(attention);
  });
}
