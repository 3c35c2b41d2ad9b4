// Families beside LLaMA's own: PyTorch's numbers from every kind of file, losses, gradients and adapters; tensors that are
// several layers; and what is told of families that are not in the table.
#include "tfm/checkpoint/families.hpp"

#include <cmath>
#include <map>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
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
using tfm_test::golden_families;
using tfm_test::golden_of;
using tfm_test::largest;
using tfm_test::model_of;
using tfm_test::require_saved_same;
using tfm_test::Tolerances;
using tfm_test::tolerances_of;
using tfm_test::TemporaryFolder;
using tfm_test::TinyLlama;

namespace {

// As tfm_test::Tolerances.
constexpr float lora_logits_tolerance = 4 * 6e-6f, lora_gradient_tolerance = 4 * 1.2e-6f;
constexpr double loss_tolerance = 4e-6;

/// `config` beside the weights of `weights`, in `folder`.
void put_together(const fs::path& config, const fs::path& weights, const fs::path& folder) {
  fs::create_directories(folder);
  fs::copy_file(config / "config.json", folder / "config.json", fs::copy_options::overwrite_existing);
  fs::copy_file(weights / "model.safetensors", folder / "model.safetensors", fs::copy_options::overwrite_existing);
}

/// Whether a GGUF file cannot say all of its model, or llama.cpp does not heed it: then it gives logits and ids of its own.
bool other_in_gguf(const Golden& golden) { return golden.has("gguf.logits"); }

void require_greedy(const AnyLlama& model, const Golden& golden, const char* key) {
  Context context = tfm_test::exact();
  const auto prompt = golden.int32s("prompt"), expected = golden.int32s(key);
  if (!model.shape.rope_scaling.follows_capacity())  // transformers' frequencies change on the way
    CHECK(tfm_test::greedy(model, context, prompt, static_cast<Index>(expected.size() - prompt.size())) == expected);
}

void require_golden_passes(const AnyLlama& model, const Golden& golden, const Tolerances& tolerances) {
  Context context = tfm_test::exact();
  const std::vector<float> hidden = golden.floats("hidden");
  std::vector<float> seen(hidden.size(), NAN);
  Watch watch;
  watch.hidden = [&](Index layer, View x) { std::copy(x.data, x.data + x.size(), seen.data() + layer * x.size()); };
  const Buffer logits = tfm_test::all_logits(model, context, golden.int32s("ids"), 2, Format::f32, {}, &watch);
  CHECK(largest(logits, golden.floats("logits")) <= tolerances.logits);
  CHECK(largest({seen.data(), 1, static_cast<Index>(seen.size())}, hidden) <= tolerances.hidden);

  require_greedy(model, golden, "greedy");

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
  for (const auto& [name, family, in_gguf] : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    const TemporaryFolder v4;
    put_together(*folder / "v4", *folder / "safetensors", v4.path());
    const Tolerances tolerances = tolerances_of(name);
    for (const fs::path& path : {*folder / "safetensors", v4.path()}) {
      INFO(path.string());
      const auto model = model_of<AnyLlama>(path);
      CHECK(model.shape.family == family);
      require_golden_passes(model, golden, tolerances);
    }
    if (in_gguf.empty()) continue;
    INFO(name << " in GGUF");
    const auto model = model_of<AnyLlama>(*folder / "model.f32.gguf");
    CHECK(model.shape.family == in_gguf);
    if (!other_in_gguf(golden)) {
      require_golden_passes(model, golden, tolerances);
      continue;
    }
    Context context = tfm_test::exact();
    CHECK(largest(tfm_test::all_logits(model, context, golden.int32s("ids"), 2), golden.floats("gguf.logits")) <= tolerances.logits);
    require_greedy(model, golden, "gguf.greedy");
  }
}

TEST_CASE("families: golden losses and gradients of whole models") {
  for (const auto& [name, family, in_gguf] : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    const Golden golden(*folder / "golden.safetensors");
    std::vector<fs::path> paths{*folder / "safetensors"};
    if (!in_gguf.empty() && !other_in_gguf(golden)) paths.push_back(*folder / "model.f32.gguf");
    for (const fs::path& path : paths) {
      auto model = model_of<Llama<DynamicLlamaShape, EveryBiasedLinear<F32>>>(path);
      Parameters parameters(model);
      Buffer flat;
      CHECK(std::abs(loss_of(model, golden, nullptr, parameters, flat) - golden.values<double>("loss")[0]) <= loss_tolerance);
      std::map<std::string, Index> values;  // of each tensor that several weights are parts of
      for (const Parameter& p : parameters) {
        INFO(path.string() << ", " << p.name);
        const std::string stored = stored_weight_name(family_named(model.shape.family), Convention::hugging_face, p.name);
        const MutableView found = Parameters::part(p, flat.view());
        Index& first = values[stored];
        if (name == "phi3" && p.name == "model.embed_tokens.weight")  // PyTorch trains no padding, which is among phi3's ids
          fill(found.slice(262, 1), 0);
        CHECK(largest(found, golden.floats("grad." + stored), first) <= tolerances_of(name).gradients);
        first += found.size();
      }
    }
  }
}

TEST_CASE("families: golden adapters over biases and over windows: logits, loss and gradients, and their folders again") {
  const auto folder = golden_of(GENERATE(as<std::string_view>{}, "qwen2", "gemma3"));
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
  CHECK(peft::load(out.path(), loaded.model).adapter.size() == loaded.model.shape.layers * 7);
}

TEST_CASE("families: what is saved is read again as the same model of the same family") {
  for (const auto& [name, family, in_gguf] : golden_families) {
    const auto folder = golden_of(name);
    if (!folder) return;
    INFO(name);
    const TemporaryFolder out;
    require_saved_same(model_of<AnyLlama>(*folder / "safetensors"), out / "safetensors");
    if (!in_gguf.empty()) require_saved_same(model_of<AnyLlama>(*folder / "model.f32.gguf"), out / "gguf");
  }
}

namespace {

struct Qwen2Toy : Qwen2Shape {
  static constexpr Index vocab = 269, dim = 30, layers = 2, heads = 5, kv_heads = 1, ffn = 44, context = 64;
};
struct OlmoToy : LlamaShape {
  static constexpr Index vocab = 266, dim = 24, layers = 3, heads = 4, kv_heads = 2, ffn = 40, context = 64;
  static constexpr float norm_eps = 1e-6f, rope_theta = 500000.f;
  static constexpr DecoderOptions options{.qk_norm = QkNorm::whole, .norm_before = false, .norm_after = true};
  static constexpr std::string_view family = "olmo2";
};

struct GemmaToy : LlamaShape {
  static constexpr Index vocab = 265, dim = 20, layers = 7, heads = 4, kv_heads = 1, ffn = 32, context = 64, head_dim = 8;
  static constexpr float norm_eps = 1e-6f, rope_theta = 1000000.f;
  static constexpr bool tied = true;
  static constexpr DecoderOptions options{.qk_norm = QkNorm::heads,
                                          .norm_after = true,
                                          .attention_scale = 0.353553391f,
                                          .embedding_scale = 4.47213595f,
                                          .activation = Activation::gelu,
                                          .window = 6,
                                          .full_every = 6,
                                          .window_rope_theta = 10000};
  static constexpr std::string_view family = "gemma3";
};

template <class S>
void require_same_as_file() {
  const auto folder = golden_of(S::family);
  if (!folder) return;
  using Fixed = Llama<S, EveryBiasedLinear<FrozenF32>>;
  const auto fixed = load<Fixed>(*folder / "safetensors");
  Context context = tfm_test::exact();
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  CHECK(tfm_test::same_bits(tfm_test::all_logits(fixed.model, context, ids, 1), tfm_test::all_logits(load_llama(*folder / "safetensors").model, context, ids, 1)));
  STATIC_REQUIRE(Fixed::memory({}).weights > 0);
  CHECK(Fixed::memory({}).weights == fixed.model.weight_bytes());
}

}  // namespace

TEST_CASE("families: options that are part of the type give the bits of those in the file, and their memory is a constant") {
  require_same_as_file<Qwen2Toy>();
  require_same_as_file<OlmoToy>();
  require_same_as_file<GemmaToy>();
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
  CHECK(with("\"use_sliding_window\": false", "\"use_sliding_window\": true") == "no error");
  CHECK(read_llama_shape(out.path()).options == DecoderOptions{.qkv_bias = true, .window = 8, .window_from = 1});
  CHECK(with("\"model_type\": \"qwen2\"", "\"model_type\": \"qwen3_moe\"") ==
        "tfm: " + (out / "config.json").string() + ": 'model_type': found the string 'qwen3_moe', a mixture of experts, tfm opens: " + family_names());
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
