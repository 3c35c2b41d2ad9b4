// What loading takes: on the heap the packed weights alone, of the file's pages one tensor at a time.
#include "support/allocations.inl"
#include "support/catch.hpp"
#include "support/hostile.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::Allocations;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

const DynamicLlamaShape medium{4096, 256, 6, 8, 4, 1024, 512, 0, 1e-5f, 10000.f, false, {}};
constexpr long long small = 256 * KiB;  // names, the worker's stack of chunks, one row while it is converted

template <class Load>
void require_packing_alone(Load load) {
  Allocations counted;
  const auto loaded = load();
  const long long weights = loaded.model.weight_bytes();
  INFO("weights " << weights << ", live " << counted.live() << ", peak " << counted.peak());
  CHECK(weights > 4 * MiB);
  CHECK(counted.live() < weights + small);
  CHECK(counted.peak() < weights + small);
}

}  // namespace

TEST_CASE("loading takes the packed weights from the heap, and nothing else") {
  const TinyLlama tiny(medium);
  const TemporaryFolder folder;
  tiny.write_folder(folder.path());
  tiny.gguf(Format::q8_0).write(folder / "model.gguf");
  const auto bytes = tiny.gguf(Format::q4_0).bytes();
  require_packing_alone([&] { return load_llama(std::span<const std::byte>(bytes)); });
  require_packing_alone([&] { return load_llama(folder / "model.gguf"); });
  require_packing_alone([&] { return load_llama(folder.path()); });
  require_packing_alone([&] { return load_llama(folder.path(), {.format = Format::q8_0}); });
}

TEST_CASE("the file's pages are given back tensor by tensor") {
  if (tfm_test::sanitized) return;
  const TemporaryFolder folder;
  Index file = 0, largest = 0;
  {
    const TinyLlama tiny({8192, 256, 8, 8, 8, 1536, 512, 0, 1e-5f, 10000.f, true, {}});
    for (const Tensor& tensor : tiny.tensors()) {
      file += static_cast<Index>(tensor.bytes.size());
      largest = std::max(largest, static_cast<Index>(tensor.bytes.size()));
    }
    tiny.gguf().write(folder / "model.gguf");
  }
  const tfm_test::PeakMemory memory;
  const auto loaded = load_llama(folder / "model.gguf", {.threads = 2});
  const Index grown = memory.grown();
  if (grown == 0) return;  // the system does not say
  INFO("file " << file << ", largest tensor " << largest << ", grown " << grown);
  CHECK(loaded.model.weight_bytes() >= file);
  CHECK(grown < loaded.model.weight_bytes() + largest + 8 * MiB);
  CHECK(grown > loaded.model.weight_bytes() / 2);  // what is measured is measured
}

TEST_CASE("an absurd context costs nothing before a cache is made") {
  GgufWriter file = TinyLlama().gguf();
  file.set("llama.context_length", std::uint32_t{1} << 30);
  const auto bytes = file.bytes();
  Allocations counted;
  const auto loaded = load_llama(bytes);
  CHECK(loaded.model.shape.context == Index{1} << 30);
  CHECK(counted.peak() < 2 * MiB);
}
