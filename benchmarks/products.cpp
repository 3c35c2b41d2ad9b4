// Products against the limits measured in the same run, and against Eigen: GFLOPS or GOPS, median of interleaved rounds.
//   products [--threads N] [--isa NAME] [--rounds N] [--size 1024|4096] [--json FILE]
#include <Eigen/Core>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include <tfm/kernels/matmul.hpp>
#include <tfm/layers/lora_linear.hpp>
#include <tfm/numeric/pack.hpp>

#include "limits.hpp"

namespace {

using namespace tfm;

struct Limit {
  const char* name;
  double rate;
};

struct Row {
  std::string name;
  double operations;
  double bytes;  // of the weight, x and y, each once
  std::function<void()> work;
  Limit limit;
  std::vector<double> seconds{};
  double median() {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
};

Buffer random_buffer(Index rows, Index cols, std::uint64_t seed) {
  Buffer buffer(rows, cols);
  const RandomKey key{seed};
  for (Index i = 0; i < rows * cols; ++i) buffer.view().data[i] = key.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
  return buffer;
}

/// A layer with its base product alone, and with an adapter of rank 8 worn by one sequence, and by four.
template <class W>
void add_adapter_rows(std::vector<Row>& rows, Context& context, Format format, View w, const std::shared_ptr<Buffer>& x, const std::shared_ptr<Buffer>& y, Limit limit) {
  struct Layer {
    LoraLinear<W> linear;
    Adapter adapter;
  };
  const auto layer = std::make_shared<Layer>();
  layer->linear.base.weight = W(pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w.data), w.rows, w.cols}, "w"));
  layer->linear.slot = 0;
  std::vector<LoraPair> pairs(1);
  pairs[0].a = F32(8, w.cols), pairs[0].b = F32(w.rows, 8), pairs[0].scaling = 2;
  layer->adapter = Adapter(std::move(pairs));
  const Index tokens = x->view().rows;
  for (const Index sequences : {0, 1, 4}) {
    std::vector<Index> start{0};
    for (Index s = 1; s <= std::max<Index>(sequences, 1); ++s) start.push_back(tokens * s / std::max<Index>(sequences, 1));
    const std::vector<const Adapter*> worn(start.size() - 1, sequences == 0 ? nullptr : &layer->adapter);
    rows.push_back({std::string(name(format)) + " LoraLinear " + std::to_string(w.rows) + ", adapter on " + std::to_string(sequences), 2.0 * static_cast<double>(tokens * w.rows * w.cols),
                    static_cast<double>(layer->linear.base.weight.bytes() + 4 * tokens * (w.rows + w.cols)),
                    [=, &context] { layer->linear.forward(context, {.start = start, .adapter = worn}, *x, *y); }, limit});
  }
}

}  // namespace

int main(int count, char** arguments) {
  int threads = Threads::hardware(), rounds = 7;
  Index only = 0;
  const char* json = nullptr;
  Isa isa = best_isa();
  for (int i = 1; i + 1 < count; i += 2) {
    if (std::strcmp(arguments[i], "--threads") == 0) threads = std::atoi(arguments[i + 1]);
    for (int other = 0; other < isa_count && std::strcmp(arguments[i], "--isa") == 0; ++other)
      if (const auto named = static_cast<Isa>(other); name(named) == arguments[i + 1] && supported(named)) isa = named;
    if (std::strcmp(arguments[i], "--rounds") == 0) rounds = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--size") == 0) only = std::atoi(arguments[i + 1]);
    if (std::strcmp(arguments[i], "--json") == 0) json = arguments[i + 1];
  }
  Context context(threads);
  context.isa = isa;
  const Limit fp32{"float32", limits::float32(isa, threads)}, exact_int8{"int8", limits::int8(isa, threads)};
  const double reading = limits::reading(isa, threads);
  std::printf("instruction set %s, %d threads: float32 %.0f GFLOPS, int8 %.0f GOPS, reading %.1f GB/s\n", name(isa).data(), threads, fp32.rate / 1e9, exact_int8.rate / 1e9, reading / 1e9);
  const Limit& int8 = exact_int8.rate > fp32.rate ? exact_int8 : fp32;

  std::vector<Row> rows;
  Eigen::setNbThreads(threads);
  for (const Index tokens : {512})
    for (const Index size : {1024, 4096}) {
      if (only != 0 && size != only) continue;
      const double operations = 2.0 * static_cast<double>(tokens * size * size), bytes = 4.0 * static_cast<double>(size * size + 2 * tokens * size);
      const auto w = std::make_shared<Buffer>(random_buffer(size, size, 1)), x = std::make_shared<Buffer>(random_buffer(tokens, size, 2)), y = std::make_shared<Buffer>(tokens, size);
      const std::string shape = std::to_string(tokens) + " x " + std::to_string(size) + " x " + std::to_string(size);
      const auto trainable = std::make_shared<F32>(size, size);
      copy(*w, trainable->values());
      rows.push_back({"F32 trainable forward " + shape, operations, bytes, [=, &context] { matmul(context, *trainable, *x, *y); }, fp32});
      rows.push_back({"F32 trainable dx " + shape, operations, bytes, [=, &context] { matmul_backward(context, *trainable, *x, *y); }, fp32});
      rows.push_back({"F32 trainable dW " + shape, operations, bytes, [=, &context] { accumulate(context, *x, *y, trainable->values()); }, fp32});
      rows.push_back({"Eigen float " + shape, operations, bytes, [=] {
                        using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
                        Eigen::Map<const Matrix> a(View(*x).data, tokens, size), b(View(*w).data, size, size);
                        Eigen::Map<Matrix>(MutableView(*y).data, tokens, size).noalias() = a * b.transpose();
                      }, fp32});
      for (const Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_0, Format::q4_1, Format::int8}) {
        const auto packed = std::make_shared<PackedWeight>(pack(context, format, {Format::f32, reinterpret_cast<const std::byte*>(w->view().data), size, size}, "w"));
        const bool quantised = format >= Format::q8_0;
        const double packed_bytes = static_cast<double>(packed->bytes() + 4 * 2 * tokens * size);
        rows.push_back({std::string(name(format)) + " fast " + shape, operations, packed_bytes, [=, &context] { matmul(context, *packed, *x, *y); }, quantised ? int8 : fp32});
        rows.push_back({std::string(name(format)) + " dx " + shape, operations, packed_bytes, [=, &context] { matmul_backward(context, *packed, *x, *y); }, fp32});
        const auto dx_in = [&](const char* how, Arithmetic arithmetic, bool backward, Limit limit) {
          rows.push_back({std::string(name(format)) + " dx as " + how + ' ' + shape, operations, packed_bytes, [=, &context] {
                            context.arithmetic = arithmetic, context.int8.backward = backward;
                            matmul_backward(context, *packed, *x, *y);
                            context.arithmetic = Arithmetic::fast, context.int8.backward = false;
                          }, limit});
        };
        if (format == Format::int8) dx_in("int8", Arithmetic::fast, true, int8);
        if (format == Format::int8 && isa == Isa::avx512_bf16) dx_in("bfloat16", Arithmetic::bf16, false, fp32);
      }
      add_adapter_rows<FrozenF32>(rows, context, Format::f32, *w, x, y, fp32);
      add_adapter_rows<Int8>(rows, context, Format::int8, *w, x, y, int8);
      add_adapter_rows<Q4_0>(rows, context, Format::q4_0, *w, x, y, int8);
    }
  for (int round = 0; round < rounds; ++round)
    for (Row& row : rows) {
      const double begin = limits::seconds();
      row.work();
      row.seconds.push_back(limits::seconds() - begin);
    }
  std::string lines;
  for (Row& row : rows) {
    const double rate = row.operations / row.median();
    std::printf("%-40s %8.1f G/s  %5.1f %% of the limit\n", row.name.c_str(), rate / 1e9, 100 * rate / row.limit.rate);
    lines += (lines.empty() ? "" : ",\n") + ("  {\"name\": \"" + row.name + "\", \"rate\": " + std::to_string(rate) + ", \"limit\": \"" + row.limit.name +
             "\", \"limit_rate\": " + std::to_string(row.limit.rate) + ", \"operations_per_byte\": " + std::to_string(row.operations / row.bytes) + "}");
  }
  if (json != nullptr) std::ofstream(json) << "[\n" << lines << "\n]\n";
}
