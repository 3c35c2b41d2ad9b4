// Products of 512 tokens in every format and arithmetic, forward and backward, with adapters; and Eigen's.
#include <Eigen/Core>
#include <memory>
#include <vector>

#include <tfm/kernels/accumulate.hpp>
#include <tfm/kernels/matmul.hpp>
#include <tfm/layers/lora_linear.hpp>
#include <tfm/numeric/pack.hpp>

#include "work.hpp"

namespace work {

namespace {

constexpr Index tokens = 512;

/// One size's matrices: y [tokens, size] = x [tokens, size] Wᵀ.
struct Matrices {
  Index size;
  std::shared_ptr<Buffer> w, x, y;
  std::string shape;

  explicit Matrices(Index n)
      : size(n), w(std::make_shared<Buffer>(random_buffer(n, n, 1))), x(std::make_shared<Buffer>(random_buffer(tokens, n, 2))), y(std::make_shared<Buffer>(tokens, n)),
        shape(std::to_string(tokens) + " x " + std::to_string(n) + " x " + std::to_string(n)) {}

  PackedWeight packed(Context& context, Format format) const {
    return pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w->view().data), size, size}, "w");
  }
  void add(const std::string& what, const char* limit, Index weight_bytes, std::function<void()> run) const {
    add_named("products/" + what + " " + shape, limit, weight_bytes, std::move(run));
  }
  void add_named(const std::string& name, const char* limit, Index weight_bytes, std::function<void()> run) const {
    work::add(name, limit, 2 * tokens * size * size, weight_bytes + 4 * 2 * tokens * size, std::move(run));
  }
};

void add_floats(Setup& setup, const Matrices& m) {
  Context& context = setup.fast;
  const auto x = m.x, y = m.y, w = m.w;
  const auto trainable = std::make_shared<F32>(m.size, m.size);
  copy(*w, trainable->values());
  const Index bytes = 4 * w->view().size();
  m.add("F32 trainable forward", "float32", bytes, [=, &context] { matmul(context, *trainable, *x, *y); });
  m.add("F32 trainable dx", "float32", bytes, [=, &context] { matmul_backward(context, *trainable, *x, *y); });
  m.add("F32 trainable dW", "float32", bytes, [=, &context] { accumulate(context, *x, *y, trainable->values()); });
  m.add("Eigen float", "float32", bytes, [=, n = m.size] {
    using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    Eigen::Map<const Matrix> a(View(*x).data, tokens, n), b(View(*w).data, n, n);
    Eigen::Map<Matrix>(MutableView(*y).data, tokens, n).noalias() = a * b.transpose();
  });
}

void add_packed(Setup& setup, const Matrices& m, Format format) {
  const auto x = m.x, y = m.y;
  const auto w = std::make_shared<PackedWeight>(m.packed(setup.fast, format));
  const std::string what(name(format));
  const auto add = [&](Context& context, const char* forward, const char* backward) {
    if (forward != nullptr) m.add(what + " " + std::string(name(context.arithmetic)), forward, w->bytes(), [=, &context] { matmul(context, *w, *x, *y); });
    const std::string dx = context.arithmetic == Arithmetic::bf16 ? " dx bf16" : " dx";
    m.add(what + dx, backward, w->bytes(), [=, &context] { matmul_backward(context, *w, *x, *y); });
  };
  add(setup.fast, format >= Format::q8_0 ? setup.limits.for_int8() : "float32", "float32");
  // The forward product of a quantised weight is the same in both arithmetics.
  if (setup.limits.bf16 > 0 && format != Format::f32) add(setup.bf16, format < Format::q8_0 ? "bf16" : nullptr, setup.limits.for_bf16());
  if (format == Format::int8)
    m.add(what + " dx int8", setup.limits.for_int8(), w->bytes(), [=, context = &setup.int8_backward] { matmul_backward(*context, *w, *x, *y); });
}

/// A layer with its base product alone, and with an adapter of rank 8 worn by one sequence, and by four.
template <class W>
void add_adapter(Setup& setup, const Matrices& m, Format format, const char* limit) {
  struct Layer {
    LoraLinear<W> linear;
    Adapter adapter;
  };
  Context& context = setup.fast;
  const auto x = m.x, y = m.y;
  const auto layer = std::make_shared<Layer>();
  layer->linear.base.weight = W(m.packed(context, format));
  layer->linear.slot = 0;
  std::vector<LoraPair> pairs(1);
  pairs[0].a = F32(8, m.size), pairs[0].b = F32(m.size, 8), pairs[0].scaling = 2;
  layer->adapter = Adapter(std::move(pairs));
  for (const Index sequences : {0, 1, 4}) {
    std::vector<Index> start{0};
    for (Index s = 1; s <= std::max<Index>(sequences, 1); ++s) start.push_back(tokens * s / std::max<Index>(sequences, 1));
    const std::vector<const Adapter*> worn(start.size() - 1, sequences == 0 ? nullptr : &layer->adapter);
    m.add_named("adapter/" + std::string(name(format)) + " " + m.shape + ", worn by " + std::to_string(sequences), limit, layer->linear.base.weight.bytes(),
                [=, &context] { layer->linear.forward(context, {.start = start, .adapter = worn}, *x, *y); });
  }
}

}  // namespace

void add_products(Setup& setup) {
  Eigen::setNbThreads(setup.fast.threads->count());
  for (const Index size : {1024, 4096}) {
    if (setup.size != 0 && size != setup.size) continue;
    const Matrices m(size);
    add_floats(setup, m);
    for (const Format format : {Format::f32, Format::bf16, Format::f16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8}) add_packed(setup, m, format);
    add_adapter<FrozenF32>(setup, m, Format::f32, "float32");
    add_adapter<Int8>(setup, m, Format::int8, setup.limits.for_int8());
    add_adapter<Q4_0>(setup, m, Format::q4_0, setup.limits.for_int8());
  }
}

}  // namespace work
