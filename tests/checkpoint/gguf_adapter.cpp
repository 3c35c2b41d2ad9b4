// LoRA adapters as llama.cpp's GGUF files: there and back, their layout, and what is refused.
#include "tfm/checkpoint/gguf_adapter.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/peft.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;
namespace fs = std::filesystem;

namespace {

/// An adapter whose B is not zero.
Adapter changing_adapter(const AnyLlama& model, const std::vector<std::string>& targets, bool stabilised = false) {
  Adapter adapter(model, {.rank = 4, .alpha = 6, .targets = targets, .rank_stabilised = stabilised, .seed = 3});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot))
      kernels::uniform(adapter[slot].b.values(), RandomKey{5}.with(static_cast<std::uint64_t>(slot)), 0.5f);
  return adapter;
}

void require_same(const Adapter& found, const Adapter& expected) {
  REQUIRE(found.size() == expected.size());
  for (Index slot = 0; slot < found.size(); ++slot) {
    REQUIRE(found.touches(slot) == expected.touches(slot));
    if (!found.touches(slot)) continue;
    CHECK(found[slot].scaling == expected[slot].scaling);
    CHECK(peft::detail::same(found[slot].a.view(), expected[slot].a.view()));
    CHECK(peft::detail::same(found[slot].b.view(), expected[slot].b.view()));
  }
}

std::string refused(const AnyLlama& model, GgufWriter& file, const fs::path& path) {
  file.write(path);
  const std::string found = error_of<LoadError>([&] { peft::load(path, model); }),
                    begin = "tfm: " + path.string() + ": ";
  return found.starts_with(begin) ? found.substr(begin.size()) : found;
}

}  // namespace

TEST_CASE("an adapter becomes a GGUF file in llama.cpp's layout, and is read back bit for bit") {
  const TemporaryFolder folder;
  const TinyLlama tiny;
  tiny.gguf().write(folder / "base.gguf");
  const auto base = load_llama(folder / "base.gguf");
  for (const bool stabilised : {false, true}) {
    const Adapter adapter = changing_adapter(
        base.model, {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}, stabilised);
    peft::save_gguf(adapter, base.model, folder / "a.gguf");
    const peft::LoadedAdapter loaded = peft::load(folder / "a.gguf", base.model);
    require_same(loaded.adapter, adapter);
    CHECK(loaded.config.r == 4);
    const Gguf file = read_gguf(folder / "a.gguf");
    CHECK(file.metadata.at("general.type").text() == "adapter");
    CHECK(file.metadata.at("general.architecture").text() == "llama");
    CHECK(file.metadata.at("adapter.type").text() == "lora");
    CHECK(file.metadata.at("adapter.lora.alpha").number() == (stabilised ? 12 : 6));
    CHECK(file.tensors.tensors().size() == 2 * 7 * 2);
    const Tensor& a = file.tensors.at("blk.1.attn_q.weight.lora_a");
    CHECK(a.shape == std::vector<Index>{4, 32});
    const Tensor& b = file.tensors.at("blk.1.attn_q.weight.lora_b");
    CHECK(b.shape == std::vector<Index>{32, 4});
    Index slot = 0;
    while (adapter[slot].name != "model.layers.1.self_attn.q_proj") ++slot;
    for (Index r = 0; r < 32; ++r) {
      float first;
      std::memcpy(&first, b.bytes.data() + r * 16, 4);
      CHECK(first == adapter[slot].b.view().row(TinyLlama::source_row(r, 8))[0]);
    }
  }
}

TEST_CASE("families: PEFT's adapter gives its golden logits as a GGUF file too") {
  const auto folder = tfm_test::golden_of("qwen2");
  if (!folder) return;
  const TemporaryFolder out;
  const auto base = load_llama(*folder / "safetensors");
  peft::save_gguf(peft::load(*folder / "lora/adapter", base.model).adapter, base.model, out / "a.gguf");
  const peft::LoadedAdapter loaded = peft::load(out / "a.gguf", base.model);
  const tfm_test::Golden golden(*folder / "lora/golden.safetensors");
  const auto ids = golden.int32s("ids");
  const Index sequences = golden.shape("ids")[0], each = golden.shape("ids")[1];
  const auto start = tfm_test::equal_starts(sequences, each);
  const std::vector<const Adapter*> worn(to_size(sequences), &loaded.adapter);
  Context context = tfm_test::exact();
  KvCache cache = base.model.make_cache(sequences, each, Format::f32);
  Buffer logits(static_cast<Index>(ids.size()), base.model.shape.vocab);
  base.model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::all, logits);
  CHECK(tfm_test::largest(logits, golden.floats("logits")) <= 4 * 6e-6f);
}

TEST_CASE("GGUF files that are no adapter for the model are refused by their key or tensor") {
  const TemporaryFolder folder;
  TinyLlama().gguf().write(folder / "base.gguf");
  const auto base = load_llama(folder / "base.gguf");
  const fs::path path = folder / "a.gguf";
  const auto fill = [](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{0}); };
  GgufWriter file = TinyLlama().gguf();
  CHECK(refused(base.model, file, path) == "no LoRA adapter: key 'general.type' is missing, expected 'adapter'");
  file = GgufWriter();
  file.set("general.type", "adapter"), file.set("adapter.type", "dora");
  CHECK(refused(base.model, file, path) == "no LoRA adapter: key 'adapter.type' is the string 'dora', expected 'lora'");
  file.set("adapter.type", "lora"), file.set("general.architecture", "qwen2");
  CHECK(refused(base.model, file, path) ==
        "key 'general.architecture': found the string 'qwen2', expected 'llama', as the model is");
  file.set("general.architecture", "llama");
  file.add("blk.0.attn_v.weight.lora_a", Format::f32, {4, 32}, fill);
  CHECK(refused(base.model, file, path) == "tensor 'blk.0.attn_v.weight.lora_b' is missing");
  file.add("blk.0.attn_v.weight.lora_b", Format::f32, {16, 4}, fill);
  file.write(path);
  CHECK(peft::load(path, base.model).notes.back() == "every B of the adapter is zero: it changes nothing");
  GgufWriter more = file;
  more.add("blk.9.attn_v.weight.lora_a", Format::f32, {4, 32}, fill);
  CHECK(refused(base.model, more, path) ==
        "tensor 'blk.9.attn_v.weight.lora_a' belongs to no layer of the model that can carry adapters, expected none "
        "such");
  file = GgufWriter();
  file.set("general.type", "adapter"), file.set("adapter.type", "lora"), file.set("general.architecture", "llama");
  file.add("blk.0.attn_v.weight.lora_a", Format::f32, {32, 4}, fill),
      file.add("blk.0.attn_v.weight.lora_b", Format::f32, {16, 4}, fill);
  file.write(path);
  CHECK(error_of<ShapeError>([&] { peft::load(path, base.model); }) ==
        "tfm: " + path.string() + ": tensor 'blk.0.attn_v.weight.lora_a' has shape [32, 4], expected [32, 32]");
  CHECK(error_of<ShapeError>([&] { peft::save_gguf(Adapter(), base.model, path); }) ==
        "tfm: the adapter is empty: it has a pair for no layer of the model");
  Adapter two = changing_adapter(base.model, {"v_proj"});
  Index slot = two.size() - 1;
  while (!two.touches(slot)) --slot;
  two[slot].scaling *= 2;
  CHECK(error_of<ShapeError>([&] {
          peft::save_gguf(two, base.model, path);
        }).starts_with("tfm: the adapter's layers differ in alpha"));
}

TEST_CASE(
    "GGUF adapters of which a byte is another, or that are cut short, never do worse than an error that names the "
    "file") {
  const TemporaryFolder folder;
  TinyLlama().gguf().write(folder / "base.gguf");
  const auto base = load_llama(folder / "base.gguf");
  peft::save_gguf(changing_adapter(base.model, {"q_proj", "v_proj"}), base.model, folder / "a.gguf");
  std::vector<char> whole(fs::file_size(folder / "a.gguf"));
  std::ifstream(folder / "a.gguf", std::ios::binary).read(whole.data(), static_cast<std::streamsize>(whole.size()));
  const fs::path path = folder / "damaged.gguf";
  Index refusals = 0;
  const auto attempt = [&](const std::vector<char>& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    try {
      peft::load(path, base.model);
    } catch (const Error& error) {
      ++refusals;
      CHECK(std::string(error.what()).find(path.string()) != std::string::npos);
    }
  };
  for (std::size_t at = 0; at < 700; ++at)
    for (const int bit : {0, 5, 7}) {
      std::vector<char> bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      attempt(bytes);
    }
  for (std::size_t size = 0; size < whole.size(); size += 97)
    attempt({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  CHECK(refusals > 1000);
}
