// Products of one token, as decoding has them: each with the next weight of 1 GiB, which comes from memory.
#include <tfm/kernels/matmul.hpp>

#include "work.hpp"

namespace work {

void add_one_token(Setup& setup) {
  Context& context = setup.fast;
  const Index shapes[][2] = {{1536, 576}, {4096, 4096}};  // SmolLM2's gate_proj, 7B's q_proj
  for (const auto& [rows, cols] : shapes)
    for (const Format format : {Format::q8_0, Format::q4_0, Format::q4_1, Format::f16, Format::bf16, Format::int8}) {
      const auto x = std::make_shared<Buffer>(random_buffer(1, cols, 2)), y = std::make_shared<Buffer>(1, rows);
      const Index bytes = packed_bytes(format, rows, cols);
      add("one token/" + std::string(name(format)) + " 1 x " + std::to_string(rows) + " x " + std::to_string(cols), "reading", 2 * rows * cols, bytes,
          [=, &context, next = setup.pool.cycle(bytes), rows = rows, cols = cols]() mutable { matmul(context, PackedWeight({next(), rows, cols, format}, nullptr), *x, *y); });
    }
}

}  // namespace work
