// Tensors that are several layers, as Phi-3's files have them: each layer gets its rows, in checkpoints and in adapters.
#include <tuple>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/families.hpp"
#include "tfm/checkpoint/peft.hpp"

namespace fs = std::filesystem;
using namespace tfm;
using tfm_test::error_of;
using tfm_test::Golden;
using tfm_test::golden_of;
using tfm_test::largest;
using tfm_test::require_saved_same;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;
using tfm_test::Tolerances;

namespace {

/// phi3's golden model without its window, as it is and with each projection a tensor of its own, called a LLaMA's.
struct Fused {
  TemporaryFolder folder;
  fs::path whole = folder / "whole", apart = folder / "apart";
  Golden golden;

  explicit Fused(const fs::path& phi3) : golden(phi3 / "golden.safetensors") {
    TinyLlama tiny({267, 24, 3, 4, 4, 36, 64, 0, 1e-5f, 10000.f, false, {}});
    const Golden weights(phi3 / "safetensors/model.safetensors");
    for (TinyLlama::Part& part : tiny.parts) {
      const auto stored = stored_weight_name(phi3_family, Convention::hugging_face, part.name);
      const std::vector<float> values = weights.floats(stored);
      const Index first = part.name.ends_with("k_proj.weight") ? 24 : part.name.ends_with("v_proj.weight") ? 48 : part.name.ends_with("up_proj.weight") ? 36 : 0;
      std::copy_n(values.begin() + first * part.shape.back(), part.values.size(), part.values.begin());
    }
    tiny.write_folder(apart);
    tiny.config["model_type"] = "\"phi3\"";
    fs::create_directories(whole);
    tfm_test::write_text(whole / "config.json", tiny.config_json());
    fs::copy_file(phi3 / "safetensors/model.safetensors", whole / "model.safetensors");
  }
};

}  // namespace

TEST_CASE("families: a tensor that is several layers gives each its rows: loaded, packed, saved, quantised") {
  const auto folder = golden_of("phi3");
  if (!folder) return;
  const Fused fused(*folder);
  const auto whole = load_llama(fused.whole), apart = load_llama(fused.apart);
  Context context = tfm_test::exact();
  const auto ids = fused.golden.int32s("ids");
  const Buffer logits = tfm_test::all_logits(whole.model, context, ids, 2);
  CHECK(tfm_test::same_bits(logits, tfm_test::all_logits(apart.model, context, ids, 2)));
  const auto expected = fused.golden.floats("logits");
  for (const Index first : {Index{0}, Index{28}})  // up to the window's 9 tokens
    CHECK(largest(logits.view().slice(first, 9), expected, first * 267) <= Tolerances{}.logits);

  LoadOptions options{.packed = fused.folder / "packed"};
  for (int i = 0; i < 2; ++i) {
    const auto packed = load_llama(fused.whole, options);
    CHECK(packed.notes == whole.notes);
    CHECK(tfm_test::same_bits(logits, tfm_test::all_logits(packed.model, context, ids, 2)));
  }
  require_saved_same(whole.model, fused.folder / "saved");
  const Golden saved(fused.folder / "saved/model.safetensors"), stored(fused.whole / "model.safetensors");
  for (const Tensor& tensor : stored.store().tensors()) CHECK(saved.floats(tensor.name) == stored.floats(tensor.name));
  CHECK(saved.store().tensors().size() == stored.store().tensors().size());
}

TEST_CASE("families: a fused tensor of another number of rows is refused by its own name") {
  const auto folder = golden_of("phi3");
  if (!folder) return;
  const Fused fused(*folder);
  TinyLlama tiny({267, 24, 3, 4, 2, 36, 64, 0, 1e-5f, 10000.f, false, {}});
  tiny.config["model_type"] = "\"phi3\"";
  tfm_test::write_text(fused.whole / "config.json", tiny.config_json());
  CHECK(error_of<ShapeError>([&] { load_llama(fused.whole); }) ==
        "tfm: " + (fused.whole / "model.safetensors").string() + ": tensor 'model.layers.0.self_attn.qkv_proj.weight' has shape [72, 24], expected [48, 24]");
}

TEST_CASE("families: adapters of fused layers, as PEFT has them and as several") {
  const auto folder = golden_of("phi3");
  if (!folder) return;
  const Fused fused(*folder);
  const auto whole = load_llama(fused.whole), apart = load_llama(fused.apart);
  Context context = tfm_test::exact();
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  const auto logits = [&](const AnyLlama& model, const Adapter& adapter) {
    const Index start[] = {0, static_cast<Index>(ids.size())};
    const Adapter* const worn[] = {&adapter};
    KvCache cache = model.make_cache(1, 0, Format::f32);
    Buffer out(static_cast<Index>(ids.size()), model.shape.vocab);
    model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::all, out);
    return out;
  };
  const auto trained = [](const AnyLlama& model, std::vector<std::string> targets) {
    Adapter adapter(model, {.rank = 3, .alpha = 6, .dropout = 0, .targets = std::move(targets)});
    for (Index slot = 0; slot < adapter.size(); ++slot)
      if (adapter.touches(slot)) copy(tfm_test::random_matrix(50 + static_cast<std::uint64_t>(slot), adapter[slot].b.rows(), 3, 0.3f), adapter[slot].b.values());
    return adapter;
  };

  // Of q, v and gate alone: one pair of rank 6, and one of rank 3, in the file.
  const Adapter some = trained(whole.model, {"q_proj", "k_proj", "v_proj"}), gates = trained(whole.model, {"gate_proj"});
  for (const auto& [adapter, layer, rank] : {std::tuple(&some, "qkv_proj", Index{9}), std::tuple(&gates, "gate_up_proj", Index{3})}) {
    const fs::path out = fused.folder / layer;
    peft::save(*adapter, whole.model, out);
    const auto read = peft::load(out, whole.model);
    CHECK(read.config.targets == std::vector<std::string>{layer});
    CHECK(read.config.r == rank);
    const Buffer expected = logits(whole.model, *adapter), found = logits(whole.model, read.adapter);
    CHECK(largest(found, {expected.view().data, expected.view().data + expected.view().size()}) <= 1e-5f);
    CHECK(largest(logits(apart.model, *adapter), {expected.view().data, expected.view().data + expected.view().size()}) == 0);
    peft::save(read.adapter, whole.model, fused.folder / "again");  // what has one A is written as it was
    const Golden first(out / "adapter_model.safetensors"), second(fused.folder / "again/adapter_model.safetensors");
    for (const Tensor& tensor : first.store().tensors()) CHECK(first.floats(tensor.name) == second.floats(tensor.name));
  }
}
