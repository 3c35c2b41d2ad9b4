// What a device's kernel fails with comes out of the model's pass, as a stop does, and stays.
#include "support/catch.hpp"
#include "support/generated_llama.hpp"
#include "tfm/kernels/tables.hpp"

using namespace tfm;

TEST_CASE("a kernel that fails ends the pass with the device's words, and the context for good") {
  tfm_test::DynamicLlama model({.vocab = 40, .dim = 32, .layers = 2, .heads = 2, .kv_heads = 1, .ffn = 64, .context = 8});
  tfm_test::generate_weights(model, Format::f32);
  Context context(1);
  static int silus;
  silus = 0;
  kernels::Table device = kernels::table(context.isa);
  device.silu_mul = [](Context& of, View, View, MutableView) { ++silus, of.fail("cuda:0: out of memory, 3 GiB free"), of.fail("a second failure"); };
  context.table = &device;
  KvCache cache = model.make_cache();
  Buffer logits(1, 40);
  const std::int32_t ids[] = {1, 2, 3};
  const Index start[] = {0, 3};
  const auto forward = [&] { model.forward(context, Batch{.start = start}, ids, cache, Logits::last, logits); };
  const auto message = [&] {
    try {
      forward();
    } catch (const DeviceError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(message() == "tfm: cuda:0: out of memory, 3 GiB free");
  CHECK(silus == 1);  // what was left to do was not done
  CHECK(cache.length(0) == 0);
  context.table = nullptr;
  CHECK(message() == "tfm: cuda:0: out of memory, 3 GiB free");
  Context other(1);
  CHECK_NOTHROW(model.forward(other, Batch{.start = start}, ids, cache, Logits::last, logits));
}
