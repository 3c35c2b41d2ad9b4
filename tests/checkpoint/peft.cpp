// PEFT's adapters: the logits that PEFT gives with them, what is written opens again, and whatever is wrong is refused.
#include "tfm/checkpoint/peft.hpp"

#include <cmath>
#include <cstring>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/file_text.hpp"
#include "support/golden.hpp"
#include "support/run_llama.hpp"
#include "support/stories.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "support/torch_archive.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/formats/torch_zip.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::exact;
using tfm_test::file_text;
using tfm_test::Golden;
using tfm_test::Ids;
using tfm_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

/// Logits of the lora golden's padded batch, every sequence with the adapter or with none.
Buffer golden_logits(const AnyLlama& model, const Golden& golden, const Adapter* adapter) {
  const Ids ids = golden.int32s("ids");
  const Index rows = golden.shape("ids")[0], width = golden.shape("ids")[1];
  std::vector<unsigned char> valid;
  for (const std::int32_t bit : golden.int32s("mask")) valid.push_back(static_cast<unsigned char>(bit));
  const auto start = tfm_test::equal_starts(rows, width);
  const std::vector<const Adapter*> adapters(to_size(rows), adapter);
  KvCache cache = model.make_cache(rows, width, Format::f32);
  Buffer logits(rows * width, model.shape.vocab);
  Context context = exact();
  model.forward(context, {.start = start, .adapter = adapters, .valid = valid}, ids, cache, Logits::all, logits);
  return logits;
}
/// The largest difference where the mask is 1.
float difference(const Golden& golden, View found) {
  const auto expected = golden.floats("logits");
  const auto mask = golden.int32s("mask");
  float most = 0;
  for (Index r = 0; r < found.rows; ++r)
    for (Index c = 0; mask[to_size(r)] == 1 && c < found.cols; ++c) {
      const float off = std::abs(found.row(r)[c] - expected[to_size(r * found.cols + c)]);
      if (off > most || off != off) most = off;  // a NaN stays
    }
  return most;
}
// golden/README.md, "How close is close": float32 differs from float64 by this much; four times that is allowed.
constexpr float tolerance = 4 * 8e-6f;

bool same_bits(const Adapter& a, const Adapter& b) {
  bool same = a.size() == b.size() && a.dropout == b.dropout;
  for (Index slot = 0; same && slot < a.size(); ++slot) {
    same = a.touches(slot) == b.touches(slot);
    if (!same || !a.touches(slot)) continue;
    same = a[slot].scaling == b[slot].scaling;
    for (const auto part : {&LoraPair::a, &LoraPair::b}) {
      const View one = (a[slot].*part).view(), other = (b[slot].*part).view();
      same = same && one.rows == other.rows && one.cols == other.cols &&
             std::memcmp(one.data, other.data, to_size(one.size()) * sizeof(float)) == 0;
    }
  }
  return same;
}

/// The tiny model of two layers, and an adapter for the layers whose names end as one of `targets`.
const AnyLlama& tiny() {
  static const Loaded<AnyLlama> loaded = [] {
    const TemporaryFolder folder;
    tfm_test::TinyLlama().write_folder(folder.path());
    return load_llama(folder.path());
  }();
  return loaded.model;
}
Adapter an_adapter(const AnyLlama& model, const std::vector<std::string>& targets, Index rank = 4, float scaling = 2) {
  std::vector<LoraPair> pairs;
  visit_lora_layers(model, "", [&](const std::string& name, const auto& layer) {
    LoraPair& pair = pairs.emplace_back();
    bool chosen = false;
    for (const std::string& target : targets) chosen = chosen || peft::LoraConfig::ends_as(name, target);
    if (!chosen) return;
    pair = {F32(rank, layer.base_weight().cols()), F32(layer.base_weight().rows(), rank), scaling};
    std::uint64_t stream = pairs.size();
    for (F32* const matrix : {&pair.a, &pair.b}) {
      const RandomKey key = RandomKey{7}.with(2 * stream++);
      for (Index i = 0; i < matrix->view().size(); ++i)
        matrix->values().data[i] = key.uniform(static_cast<std::uint64_t>(i)) - 0.5f;
    }
  });
  return Adapter(std::move(pairs));
}

}  // namespace

TEST_CASE("PEFT's adapter gives PEFT's logits, from safetensors and from .bin", "[golden]") {
  const auto folder = tfm_test::require(tfm_test::golden() / "lora");
  if (!folder) return;
  const Golden golden(*folder / "golden.safetensors");
  const auto base = load_llama(tfm_test::golden() / "llama/mha/safetensors");
  for (const char* const kind : {"adapter", "adapter_bin"}) {
    INFO(kind);
    const peft::LoadedAdapter loaded = peft::load(*folder / kind, base.model, {.read_bin = read_torch});
    CHECK(loaded.config.r == 8);
    CHECK(loaded.config.alpha == 16);
    CHECK(loaded.config.targets.size() == 2);
    CHECK(loaded.notes == std::vector<std::string>{"the adapter does not say for which base it was made: it was judged by "
                                                   "the names and shapes of its tensors"});
    CHECK(difference(golden, golden_logits(base.model, golden, &loaded.adapter)) < tolerance);
  }
  CHECK(difference(golden, golden_logits(base.model, golden, nullptr)) > 1000 * tolerance);
  const auto merged = load_llama(*folder / "merged");
  CHECK(difference(golden, golden_logits(merged.model, golden, nullptr)) < tolerance);
}

TEST_CASE("a trained adapter over stories260K gives PEFT's ids and logits, and the base its own", "[golden]") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/adapters/stories260K-qv");
  if (!folder) return;
  const bool of_folder = GENERATE(false, true);  // the same weights, in Hugging Face's order of rotary pairs
  const auto hf = of_folder ? std::optional(load_llama(tfm_test::shared() / "data/stories260K/hf")) : std::nullopt;
  const AnyLlama& model = hf ? hf->model : tfm_test::stories().model;
  const peft::LoadedAdapter loaded = peft::load(*folder, model);
  CHECK(loaded.adapter.dropout == 0.05f);
  CHECK(loaded.notes.size() == 1);
  CHECK(loaded.notes.front().ends_with("not by base_model_name_or_path, 'stories260K'"));
  const JsonDocument expected = read_json(*folder / "expected.json");
  Ids prompt;
  for (const Json id : expected.root().at("prompt_ids").elements()) prompt.push_back(static_cast<Token>(id.integer()));
  for (const char* const which : {"base", "adapter"}) {
    INFO(which);
    const Json wanted = expected.root().at(which);
    const Adapter* const adapters[] = {which == std::string_view("adapter") ? &loaded.adapter : nullptr};
    Context context = exact();
    KvCache cache = model.make_cache(1, 128, Format::f32);
    Buffer logits(1, model.shape.vocab);
    Ids all = prompt, next = prompt;
    const auto ids = wanted.at("greedy_ids");
    while (static_cast<Index>(all.size()) < ids.size()) {
      const Index start[] = {0, static_cast<Index>(next.size())}, position[] = {cache.length(0)};
      model.forward(context, {.start = start, .position = position, .adapter = adapters}, next, cache, Logits::last, logits);
      if (all.size() == prompt.size()) {
        Index i = 0;
        for (const Json value : wanted.at("last_logits_first8").elements())
          CHECK(std::abs(static_cast<double>(logits.view().data[i++]) - value.number()) < 4e-5);
      }
      next = {tfm_test::argmax(logits)};
      all.push_back(next[0]);
    }
    Ids greedy;
    for (const Json id : ids.elements()) greedy.push_back(static_cast<Token>(id.integer()));
    CHECK(all == greedy);
  }
}

TEST_CASE("what is saved is what is read, of every kind of adapter") {
  const auto saved = [](const Adapter& adapter, const peft::SaveOptions& options = {}) {
    const TemporaryFolder folder;
    peft::save(adapter, tiny(), folder / "a/b", options);
    auto loaded = peft::load(folder / "a/b", tiny());
    CHECK(same_bits(loaded.adapter, adapter));
    return loaded.config;
  };
  Adapter two = an_adapter(tiny(), {"q_proj", "v_proj"});
  two.dropout = 0.05f;
  const peft::LoraConfig config = saved(two, {.base_model = "some \"base\""});
  CHECK(config.targets == std::vector<std::string>{"q_proj", "v_proj"});
  CHECK(config.alpha == 8);
  CHECK(config.dropout == 0.05);
  CHECK(config.base_model == "some \"base\"");
  const Adapter all = an_adapter(
      tiny(), {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}, 3, 16 / std::sqrt(3.f));
  CHECK(saved(all, {.rslora = true}).alpha == 16);
  CHECK(saved(all).targets.size() == 7);
  CHECK(saved(an_adapter(tiny(), {"layers.1.mlp.up_proj", "o_proj"}, 1, 0.1f)).targets ==
        std::vector<std::string>{"o_proj", "model.layers.1.mlp.up_proj"});
}

TEST_CASE("PEFT's words for an adapter: rsLoRA, patterns of rank and alpha, layers") {
  const Adapter whole = an_adapter(tiny(), {"q_proj", "v_proj"});
  const auto with = [&](const std::string& more) {
    const TemporaryFolder folder;
    peft::save(whole, tiny(), folder.path());
    tfm_test::write_text(folder / "adapter_config.json",
                         R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"])" + more + "}");
    return peft::load(folder.path(), tiny());
  };
  CHECK(with("").adapter[0].scaling == 2);
  CHECK(with(R"(, "use_rslora": true)").adapter[0].scaling == 4);
  CHECK(with(R"(, "alpha_pattern": {"layers.0.self_attn.q_proj": 2})").adapter[0].scaling == 0.5f);
  CHECK_THROWS_AS(with(R"(, "layers_to_transform": [0])"), LoadError);  // of layer 1 there are tensors
}

TEST_CASE("adapter_config.json as people have it is read, and written again") {
  const auto folder = tfm_test::require(tfm_test::shared() / "data/adapters/configs");
  if (!folder) return;
  for (const char* const name : {"alpaca-lora-7b-early", "alpaca-lora-7b", "tinyllama-r16"}) {
    INFO(name);
    const peft::LoraConfig config = peft::read_config(read_json(*folder / (std::string(name) + ".json")));
    const bool alpaca = std::string_view(name).starts_with("alpaca");
    CHECK(config.r == (alpaca ? 8 : 16));
    CHECK(config.alpha == (alpaca ? 16 : 32));
    CHECK(config.dropout == 0.05);
    CHECK(config.targets == std::vector<std::string>{"q_proj", "v_proj"});
    const peft::LoraConfig again = peft::read_config(JsonDocument(peft::config_text(config), "again"));
    CHECK(again.r == config.r);
    CHECK(again.alpha == config.alpha);
    CHECK(again.targets == config.targets);
    CHECK(again.base_model == config.base_model);
  }
}

TEST_CASE("adapters of another base are refused by name") {
  const TemporaryFolder folder;
  const Adapter adapter = an_adapter(tiny(), {"q_proj"});
  tfm_test::TinyLlama().write_folder(folder / "one");
  tfm_test::TinyLlama({264, 32, 2, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}}, 2).write_folder(folder / "other");
  const BaseIdentity one = base_identity(folder / "one"), other = base_identity(folder / "other");
  CHECK(one.name == "one");
  CHECK(one.base.size() == 64);
  CHECK(one.base != other.base);
  peft::save(adapter, tiny(), folder / "adapter", {.base = one});
  CHECK(peft::load(folder / "adapter", tiny(), {.base = one}).notes.empty());
  CHECK(error_of<LoadError>([&] { peft::load(folder / "adapter", tiny(), {.base = other}); }) ==
        "tfm: " + (folder / "adapter/tfm_adapter.json").string() + ": the adapter was made for the base of 'one' (SHA-256 " +
            one.base.substr(0, 12) + "...), this is that of 'other' (SHA-256 " + other.base.substr(0, 12) +
            "...), expected the same, or any_base");
  CHECK(peft::load(folder / "adapter", tiny(), {.base = other, .any_base = true}).notes.size() == 1);
  CHECK(peft::load(folder / "adapter", tiny()).notes.size() == 1);  // nobody said which base this is
  BaseIdentity speaks_otherwise = one;
  speaks_otherwise.prompt = prompt_hash("another"), speaks_otherwise.tokenizer = prompt_hash("another");
  CHECK(peft::load(folder / "adapter", tiny(), {.base = speaks_otherwise}).notes.empty());  // nothing to compare with
  BaseIdentity spoken = one;
  spoken.prompt = prompt_hash("x"), spoken.tokenizer = prompt_hash("y");
  peft::save(adapter, tiny(), folder / "adapter", {.base = spoken});
  CHECK_THROWS_AS(peft::load(folder / "adapter", tiny(), {.base = speaks_otherwise}), LoadError);
  // Saved without a base, the old file of hashes goes.
  peft::save(adapter, tiny(), folder / "adapter");
  CHECK(!fs::exists(folder / "adapter/tfm_adapter.json"));
}

TEST_CASE("adapters that hold nothing, as people have found them after a day, are refused") {
  const TemporaryFolder folder;
  const Adapter adapter = an_adapter(tiny(), {"q_proj", "v_proj"});
  const auto reset = [&] {
    fs::remove_all(folder / "a");
    peft::save(adapter, tiny(), folder / "a");
  };
  const auto error = [&] {
    return error_of<LoadError>([&] { peft::load(folder / "a", tiny(), {.read_bin = read_torch}); });
  };
  const auto shape_error = [&] { return error_of<ShapeError>([&] { peft::load(folder / "a", tiny()); }); };
  const std::string tensors = (folder / "a/adapter_model.safetensors").string();
  const auto rewrite = [&](auto&& change) {
    reset();
    const std::string kept = file_text(tensors);
    std::vector<Tensor> all;
    const TensorStore store = read_safetensors(bytes_of(kept), "kept");
    for (const Tensor& tensor : store.tensors()) all.push_back(tensor);
    change(all);
    write_safetensors(tensors, all);
  };
  // torch.save({}, "adapter_model.bin"): the 443 bytes of alpaca-lora's issues 293 and 446.
  reset();
  fs::remove(tensors);
  tfm_test::write_torch_archive(folder / "a/adapter_model.bin", std::string_view("\x80\x02}q\0.", 6));
  CHECK(error() == "tfm: " + (folder / "a/adapter_model.bin").string() + ": the dictionary holds no tensor");
  // The same as safetensors.
  rewrite([](auto& all) { all.clear(); });
  CHECK(error() == "tfm: " + tensors +
                       ": the adapter is empty: found no tensor; nothing that was trained is in this file");
  // Tensors without a value: weights that were elsewhere when they were saved (DeepSpeed's stage 3).
  rewrite([](auto& all) {
    for (Tensor& tensor : all) tensor.shape = {0}, tensor.bytes = {};
  });
  CHECK(shape_error() == "tfm: " + tensors +
                             ": tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight' has shape [0], "
                             "which is empty, expected [4, 32]");
  // Wrapped twice: names that no layer has.
  rewrite([](auto& all) {
    for (Tensor& tensor : all) tensor.name = "base_model.model." + tensor.name;
  });
  CHECK(error() == "tfm: " + tensors +
                       ": tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight' is missing");
  // The base's own weights under the adapter's name: a state dict that was taken before the adapter was in it.
  rewrite([](auto& all) {
    for (Tensor& tensor : all) {
      const auto at = tensor.name.find(".lora_");
      if (tensor.name[at + 6] == 'A') tensor.name = tensor.name.substr(0, at) + ".base_layer.weight";
    }
    std::erase_if(all, [](const Tensor& t) { return t.name.find("lora_B") != t.name.npos; });
  });
  CHECK(error() == "tfm: " + tensors +
                       ": tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight' is missing");
  // B alone, or A alone; a tensor too many.
  rewrite([](auto& all) { std::erase_if(all, [](const Tensor& t) { return t.name.find("lora_B") != t.name.npos; }); });
  CHECK(error() == "tfm: " + tensors +
                       ": tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight' is missing");
  rewrite([](auto& all) {
    all.push_back(all.front());
    all.back().name = "base_model.model.lm_head.weight";
  });
  CHECK(error() == "tfm: " + tensors + ": tensor 'base_model.model.lm_head.weight' belongs to no layer that "
                                       "adapter_config.json names, expected none such");
  // An adapter that was never trained is none of these: it is told.
  std::vector<float> zeros(4096);
  rewrite([&](auto& all) {
    for (Tensor& tensor : all)
      if (tensor.name.find("lora_B") != tensor.name.npos)
        tensor.bytes = std::as_bytes(std::span(zeros)).first(tensor.bytes.size());
  });
  CHECK(peft::load(folder / "a", tiny()).notes.back() == "every B of the adapter is zero: it changes nothing");
}

TEST_CASE("an adapter that was trained over a LlamaModel alone loads; names that are not PEFT's, and what is no folder, are refused as what they are") {
  const TemporaryFolder folder;
  const Adapter adapter = an_adapter(tiny(), {"q_proj", "v_proj"});
  peft::save(adapter, tiny(), folder / "a");
  const fs::path file = folder / "a/adapter_model.safetensors";
  const std::string kept = file_text(file);
  const auto renamed = [&](const std::string& from, const std::string& to) {
    const TensorStore store = read_safetensors(bytes_of(kept), "kept");
    std::vector<Tensor> all(store.tensors().begin(), store.tensors().end());
    for (Tensor& tensor : all) tensor.name.replace(tensor.name.find(from), from.size(), to);
    write_safetensors(file, all);
    bool same = true;
    const std::string error = error_of<LoadError>([&] {
      const peft::LoadedAdapter loaded = peft::load(folder / "a", tiny());
      same = same_bits(loaded.adapter, adapter);
    });
    CHECK(same);
    return error;
  };
  CHECK(renamed("model.model.", "model.") == "no error");
  const std::string found = ".layers.0.self_attn.q_proj.lora_A.weight";
  for (const std::string wrong : {"_orig_mod.base_model.model.model", "base_model.model._orig_mod.model", "module.base_model.model.model", "model"})
    CHECK(renamed("base_model.model.model", wrong) ==
          "tfm: " + file.string() + ": its tensors are called like '" + wrong + found + "', expected PEFT's names, like 'base_model.model.model" + found +
              "': save the adapter by save_pretrained of the model that torch.compile or DataParallel has not wrapped");
  CHECK_THAT(error_of<LoadError>([&] { peft::load(file, tiny()); }), Catch::Matchers::Contains("this is a file, expected PEFT's folder"));
  tfm_test::write_text(file, "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 10\n");
  CHECK_THAT(error_of<LoadError>([&] { peft::load(folder / "a", tiny()); }), Catch::Matchers::Contains("this is a Git LFS pointer, not the file"));
}

TEST_CASE("adapters that cannot be saved say why") {
  const TemporaryFolder folder;
  const auto error = [&](const Adapter& adapter) {
    return error_of<ShapeError>([&] { peft::save(adapter, tiny(), folder / "a"); });
  };
  CHECK(error(Adapter()) == "tfm: the adapter is empty: it has a pair for no layer of the model");
  CHECK(error(an_adapter(tiny(), {"nobody"})) == "tfm: the adapter is empty: it has a pair for no layer of the model");
  Adapter mixed = an_adapter(tiny(), {"q_proj"});
  mixed[0].scaling = 3;
  CHECK(error(mixed).starts_with("tfm: the adapter's layers differ in rank or scaling: model.layers.1.self_attn.q_proj"));
  Adapter wrong = an_adapter(tiny(), {"q_proj"});
  wrong[0].b = F32(31, 4);
  CHECK(error(wrong) == "tfm: the adapter's pair for model.layers.0.self_attn.q_proj has not that layer's shape");
  CHECK(!fs::exists(folder / "a"));
  tfm_test::write_text(folder / "file", "x");
  CHECK_THROWS_AS(peft::save(an_adapter(tiny(), {"q_proj"}), tiny(), folder / "file/a"), LoadError);
}
