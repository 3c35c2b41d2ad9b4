// Families beside LLaMA's own: PyTorch's numbers from every kind of file, losses, gradients and adapters; tensors that are
// several layers; and what is told of families that are not in the table.
#include "tfm/checkpoint/families.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/generate/session.hpp"
#include "tfm/models/merge.hpp"
#include "tfm/train/causal_task.hpp"

namespace fs = std::filesystem;
using namespace tfm;
using tfm_test::error_of;
using tfm_test::Golden;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

// golden/README.md, "How close is close": four times what float32 differs from float64 by.
struct Tolerances {
  float logits = 4 * 8e-6f, hidden = 4 * 1e-5f, gradients = 4 * 4e-6f;
};
Tolerances tolerances_of(std::string_view family) {
  return family == "smollm3" ? Tolerances{4 * 2e-5f, 4 * 3e-5f, 4 * 1.5e-5f} : Tolerances{};
}
constexpr float lora_logits_tolerance = 4 * 6e-6f, lora_gradient_tolerance = 4 * 1.2e-6f;
constexpr double loss_tolerance = 4e-6;

float largest(View found, const std::vector<float>& expected, Index first = 0) {
  float most = found.size() + first <= static_cast<Index>(expected.size()) ? 0.f : INFINITY;
  for (Index i = 0; i < found.size() && most < INFINITY; ++i) {
    const float difference = std::abs(found.data[i] - expected[to_size(first + i)]);
    if (difference > most || difference != difference) most = difference;  // a NaN stays
  }
  return most;
}

constexpr std::string_view golden_families[] = {"qwen2", "llama_bias", "qwen3", "smollm3", "granite", "olmo2"};

/// The family's folder among the goldens.
std::optional<fs::path> golden_of(std::string_view family) { return tfm_test::require(tfm_test::golden() / "families" / family); }

/// A file's model without its tokenizer, which may be of a kind that is not known.
template <class Model>
Model model_of(const fs::path& path) {
  if (fs::is_directory(path)) return load<Model>(path).model;
  const Gguf gguf = read_gguf(path);
  Model model(read_llama_shape(gguf));
  WeightSource source(gguf.tensors, Convention::gguf, family_of_gguf(gguf.metadata));
  load_weights(model, source, {});
  return model;
}

/// `config` beside the weights of `weights`, in `folder`.
void put_together(const fs::path& config, const fs::path& weights, const fs::path& folder) {
  fs::create_directories(folder);
  fs::copy_file(config / "config.json", folder / "config.json", fs::copy_options::overwrite_existing);
  fs::copy_file(weights / "model.safetensors", folder / "model.safetensors", fs::copy_options::overwrite_existing);
}

void require_golden_passes(const AnyLlama& model, const Golden& golden) {
  const Tolerances tolerances = tolerances_of(model.shape.family);
  Context context = tfm_test::exact();
  const std::vector<float> hidden = golden.floats("hidden");
  std::vector<float> seen(hidden.size(), NAN);
  Watch watch;
  watch.hidden = [&](Index layer, View x) { std::copy(x.data, x.data + x.size(), seen.data() + layer * x.size()); };
  const Buffer logits = tfm_test::all_logits(model, context, golden.int32s("ids"), 2, Format::f32, {}, &watch);
  CHECK(largest(logits, golden.floats("logits")) <= tolerances.logits);
  CHECK(largest({seen.data(), 1, static_cast<Index>(seen.size())}, hidden) <= tolerances.hidden);

  const auto prompt = golden.int32s("prompt"), expected = golden.int32s("greedy");
  CHECK(tfm_test::greedy(model, context, prompt, static_cast<Index>(expected.size() - prompt.size())) == expected);

  const auto mask = golden.values<unsigned char>("padded.mask");
  const std::vector<float> wanted = golden.floats("padded.logits");
  const Buffer padded = tfm_test::all_logits(model, context, golden.int32s("padded.ids"), golden.shape("padded.ids")[0], Format::f32, mask);
  for (std::size_t t = 0; t < mask.size(); ++t) {
    const View row = padded.view().slice(static_cast<Index>(t), 1);
    if (mask[t] != 0) CHECK(largest(row, wanted, static_cast<Index>(t) * row.cols) <= tolerances.logits);
  }
}

template <class Model>
double loss_of(const Model& model, const Golden& golden, const Adapter* adapter, Parameters& parameters, Buffer& flat) {
  const auto ids = golden.int32s("ids"), labels = golden.int32s("labels");
  const Index sequences = golden.shape("ids")[0];
  const auto start = tfm_test::equal_starts(sequences, golden.shape("ids")[1]);
  const std::vector<const Adapter*> worn(to_size(sequences), adapter);
  const Batch batch{.start = start, .adapter = worn};
  std::vector<std::int32_t> shifted(labels.size());
  shift_labels(batch, labels, shifted.data());
  const auto counted = static_cast<Index>(shifted.size()) - std::count(shifted.begin(), shifted.end(), ignored_label);
  Context context = tfm_test::exact();
  context.training = true;
  flat = parameters.flat();
  const Gradients gradients = parameters.gradients(flat);
  const TrainingPass pass{.tokens = batch.tokens(), .sequences = sequences, .longest = golden.shape("ids")[1], .adapter = adapter, .recompute = Recompute::nothing};
  const PassMemory memory = training_memory(context, model, pass, logit_rows);
  const double loss = causal_loss(context, model, batch, ids, labels, {.weight = token_weight(Reduction::tokens, counted, 0)}, &gradients, pass.recompute).value;
  CHECK(context.kept.peak() == memory.kept);
  CHECK(context.scratch.peak() <= memory.scratch);
  return loss;
}

}  // namespace

TEST_CASE("families: golden logits, hidden states, greedy ids and padded batches, from transformers 5's files, 4's and GGUF") {
  for (const std::string_view name : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    const TemporaryFolder v4;
    put_together(*folder / "v4", *folder / "safetensors", v4.path());
    for (const fs::path& path : {*folder / "safetensors", v4.path(), *folder / "model.f32.gguf"}) {
      INFO(path.string());
      const auto model = model_of<AnyLlama>(path);
      CHECK(model.shape.family == (name == "llama_bias" ? "llama" : name));
      require_golden_passes(model, golden);
    }
  }
}

TEST_CASE("families: golden losses and gradients of whole models") {
  for (const std::string_view name : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    for (const fs::path& path : {*folder / "safetensors", *folder / "model.f32.gguf"}) {
      auto model = model_of<Llama<DynamicLlamaShape, EveryBiasedLinear<F32>>>(path);
      Parameters parameters(model);
      Buffer flat;
      CHECK(std::abs(loss_of(model, golden, nullptr, parameters, flat) - golden.values<double>("loss")[0]) <= loss_tolerance);
      for (const Parameter& p : parameters) {
        INFO(path.string() << ", " << p.name);
        CHECK(largest(Parameters::part(p, flat.view()), golden.floats("grad." + stored_weight_name(family_named(model.shape.family), Convention::hugging_face, p.name))) <=
              tolerances_of(name).gradients);
      }
    }
  }
}

TEST_CASE("families: a golden adapter over biases: logits, loss and gradients, and its folder again") {
  const auto folder = golden_of("qwen2");
  if (!folder) return;
  const Golden golden(*folder / "lora/golden.safetensors");
  const auto loaded = load_llama(*folder / "safetensors");
  auto read = peft::load(*folder / "lora/adapter", loaded.model);
  const auto ids = golden.int32s("ids");
  const Index sequences = golden.shape("ids")[0];
  const auto start = tfm_test::equal_starts(sequences, golden.shape("ids")[1]);
  const std::vector<const Adapter*> worn(to_size(sequences), &read.adapter);
  Context context = tfm_test::exact();
  KvCache cache = loaded.model.make_cache(sequences, 0, Format::f32);
  Buffer logits(static_cast<Index>(ids.size()), loaded.model.shape.vocab);
  loaded.model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::all, logits);
  CHECK(largest(logits, golden.floats("logits")) <= lora_logits_tolerance);

  Parameters parameters = adapter_parameters(read.adapter);
  Buffer flat;
  CHECK(std::abs(loss_of(loaded.model, golden, &read.adapter, parameters, flat) - golden.values<double>("loss")[0]) <= loss_tolerance);
  for (const Parameter& p : parameters) {
    INFO(p.name);
    CHECK(largest(Parameters::part(p, flat.view()), golden.floats("grad." + p.name)) <= lora_gradient_tolerance);
  }
  const TemporaryFolder out;
  peft::save(read.adapter, loaded.model, out.path());
  CHECK(peft::load(out.path(), loaded.model).adapter.size() == 2 * 7);
}

namespace {

/// The folder's model, saved and read again, in `out`: equal logits.
void require_saved_same(const AnyLlama& model, const fs::path& out) {
  Context context = tfm_test::exact();
  save_llama(context, model, out);
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  const auto again = load_llama(out);
  CHECK(again.model.shape.options == model.shape.options);
  CHECK(again.model.shape.family == model.shape.family);
  CHECK(tfm_test::same_bits(tfm_test::all_logits(model, context, ids, 1), tfm_test::all_logits(again.model, context, ids, 1)));
}

}  // namespace

TEST_CASE("families: what is saved is read again as the same model of the same family") {
  for (const std::string_view name : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    const TemporaryFolder out;
    require_saved_same(model_of<AnyLlama>(*folder / "model.f32.gguf"), out.path());
  }
}

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

TEST_CASE("AnyModel is the model that it holds: forward, adapters, training, merging, saving") {
  const auto folder = golden_of("qwen2");
  if (!folder) return;
  const Golden golden(*folder / "lora/golden.safetensors");
  const auto held = load_llama(*folder / "safetensors");
  auto any = load_model(*folder / "safetensors");
  STATIC_REQUIRE(StoredCausalModel<AnyModel>);
  STATIC_REQUIRE(TrainableCausalModel<AnyModel>);
  Context context = tfm_test::exact();
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  const auto logits = [&](const auto& model) { return tfm_test::all_logits(model, context, ids, 1); };
  CHECK(tfm_test::same_bits(logits(any.model), logits(held.model)));
  CHECK(any.model.weight_bytes() == held.model.weight_bytes());
  CHECK(any.model.memory({}).total() == held.model.memory({}).total());

  auto read = peft::load(*folder / "lora/adapter", any.model);
  Parameters parameters = adapter_parameters(read.adapter);
  Buffer one, other;
  CHECK(loss_of(any.model, golden, &read.adapter, parameters, one) == loss_of(held.model, golden, &read.adapter, parameters, other));
  CHECK(tfm_test::same_bits(one, other));
  const AnyModel merged = [&] {
    AnyModel copy = clone(any.model);
    static_cast<void>(merge(context, copy, read.adapter));
    return copy;
  }();
  CHECK(tfm_test::same_bits(logits(any.model), logits(held.model)));
  CHECK_FALSE(tfm_test::same_bits(logits(merged), logits(held.model)));
  const TemporaryFolder out;
  save_llama(context, merged, out.path());
  CHECK(tfm_test::same_bits(logits(load_model(out.path()).model), logits(merged)));

  Session<AnyModel> session(any.model, {.threads = 2, .arithmetic = Arithmetic::exact, .cache = Format::f32});
  session.evaluate(ids);
  const Buffer expected = logits(held.model);
  CHECK(std::equal(session.logits().begin(), session.logits().end(), expected.view().row(7)));
}

TEST_CASE("families: what a config.json says of biases and windows is heeded, or refused by its key") {
  const auto folder = golden_of("qwen2");
  if (!folder) return;
  const TemporaryFolder out;
  put_together(*folder / "v4", *folder / "safetensors", out.path());
  std::ifstream file(out / "config.json");
  const std::string config{std::istreambuf_iterator<char>(file), {}};
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = config;
    text.replace(text.find(from), from.size(), to);
    tfm_test::write_text(out / "config.json", text);
    return error_of<LoadError>([&] { load_llama(out.path()); });
  };
  CHECK(with("\"use_sliding_window\": false", "\"use_sliding_window\": true") ==
        "tfm: " + (out / "config.json").string() +
            ": 'sliding_window': found the integer 8, expected none or at least the context of 64: sliding windows are not supported");
  CHECK(with("\"model_type\": \"qwen2\"", "\"model_type\": \"qwen9\"") ==
        "tfm: " + (out / "config.json").string() + ": 'model_type': found the string 'qwen9', tfm opens: " + family_names());
  CHECK(with("\"model_type\": \"qwen2\"", "\"model_type\": \"llama\"").ends_with("has no place in a llama model of this shape, expected none such"));
  CHECK(with("\"model_type\": \"qwen2\",", "") == "no error");
}

TEST_CASE("families: projections without room for a bias are refused where the shape is known") {
  CHECK(error_of<ShapeError>([] {
          DynamicLlamaShape shape{264, 32, 2, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}};
          shape.options.qkv_bias = true;
          Llama<DynamicLlamaShape, EveryLinear<F32>> model(shape);
        }) ==
        "tfm: the shape's options ask for biases, for which the model's projections have no room, expected EveryBiasedLinear or EveryBiasedLoraLinear");
}
