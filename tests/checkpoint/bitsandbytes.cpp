// Checkpoints in 8 bits as transformers saves them with bitsandbytes: loaded as they are, with bitsandbytes' own numbers.
#include <cmath>
#include <deque>

#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/error_of.hpp"
#include "support/golden.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/train/causal_loss.hpp"
#include "tfm/train/causal_task.hpp"

using namespace tfm;
using tfm_test::Golden;
using tfm_test::Ids;

namespace {

struct Distance {
  double most = 0, mean = 0;
};
Distance distance(View found, const std::vector<float>& expected) {
  Distance d;
  REQUIRE(found.size() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < found.size(); ++i) {
    const double off = std::abs(static_cast<double>(found.data[i]) - static_cast<double>(expected[to_size(i)]));
    if (off > d.most || off != off) d.most = off;  // a NaN stays
    d.mean += off / static_cast<double>(found.size());
  }
  return d;
}

struct Files {
  std::filesystem::path model;
  Golden golden, ids, lora;
};
std::optional<Files> files() {
  const auto folder = tfm_test::require(tfm_test::golden() / "llama/mha/int8");
  if (!folder) return std::nullopt;
  return Files{*folder, Golden(tfm_test::golden() / "bnb_int8_model.safetensors"), Golden(tfm_test::golden() / "llama/mha/golden.safetensors"),
               Golden(tfm_test::golden() / "lora/golden.safetensors")};
}

}  // namespace

TEST_CASE("a checkpoint of bitsandbytes' is loaded ready: its integers and scales, and its logits", "[golden]") {
  const auto at = files();
  if (!at) return;
  const auto loaded = load_llama(at->model);
  const AnyLlama& model = loaded.model;
  const Golden stored(at->model / "model.safetensors");
  visit_weights(model, "", [&](const std::string& name, const auto& weight, WeightRole) {
    if constexpr (requires { weight.format(); }) {
      INFO(name);
      const std::string layer = name.substr(0, name.size() - 7);
      REQUIRE((weight.format() == Format::int8) == stored.has(layer + ".SCB"));
      if (weight.format() != Format::int8) return;
      std::vector<std::byte> bytes(to_size(weight.rows() * weight.cols()));
      std::vector<float> scales(to_size(weight.rows()));
      unpack(weight, bytes.data(), scales.data());
      const auto values = stored.values<int>(name);
      const auto absmax = stored.floats(layer + ".SCB");
      for (std::size_t i = 0; i < bytes.size(); ++i) REQUIRE(static_cast<int>(static_cast<std::int8_t>(bytes[i])) == values[i]);
      for (std::size_t r = 0; r < scales.size(); ++r) REQUIRE(scales[r] == absmax[r] / 127.f);
    }
  });
  const Ids ids = at->ids.int32s("ids");
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  // golden/README.md: logits of float32 arithmetic differ by 1e-5; four times that is allowed.
  CHECK(distance(tfm_test::all_logits(model, context, ids, 2), at->golden.floats("logits.dequant")).most < 4 * 1e-5);
  // Int8 activations are chaotic: what moves a value over the edge of a level moves a hundred others in the next layer. bitsandbytes' CPU code
  // multiplies by 6.200124e-05 where 1 / 127^2 = 6.2000124e-05 is meant, which is enough for that in nearly every token. With scales that
  // are as wrong, the logits of most tokens are its own; with the right ones they are nearer to its than the unquantised are.
  const auto expected = at->golden.floats("logits.int8"), unquantised = at->golden.floats("logits.dequant");
  const Index vocab = model.shape.vocab;
  context.arithmetic = Arithmetic::fast;
  const auto logits = [&](const AnyLlama& of, const Int8Options& options) {
    context.int8 = options;
    return tfm_test::all_logits(of, context, ids, 2);
  };
  const tfm_test::TemporaryFolder folder;
  std::filesystem::copy(at->model / "config.json", folder / "config.json");
  std::vector<Tensor> tensors(stored.store().tensors().begin(), stored.store().tensors().end());
  std::deque<std::vector<float>> scales;
  for (Tensor& tensor : tensors)
    if (tensor.name.ends_with(".SCB")) {
      for (float& scale : scales.emplace_back(stored.floats(tensor.name))) scale = static_cast<float>(static_cast<double>(scale) * (6.200124 / 6.2000124));
      tensor.bytes = std::as_bytes(std::span(scales.back()));
    }
  write_safetensors(folder / "model.safetensors", tensors);
  const Buffer as_wrong = logits(load_llama(folder.path()).model, Int8Options::bitsandbytes);
  Index equal = 0;
  for (Index t = 0; t < as_wrong.view().rows; ++t) {
    const std::vector<float> own(expected.begin() + t * vocab, expected.begin() + (t + 1) * vocab);
    equal += distance(as_wrong.view().slice(t, 1), own).most < 4e-3 ? 1 : 0;
  }
  const Distance of_wrong = distance(as_wrong, expected), as_theirs = distance(logits(model, Int8Options::bitsandbytes), expected);
  Distance quantisation, by_token = distance(logits(model, {}), unquantised);
  quantisation.mean = distance(View{unquantised.data(), 80, vocab}, expected).mean;
  INFO("their constant: mean " << of_wrong.mean << ", " << equal << " of 80 tokens the same; the right one " << as_theirs.mean << "; quantisation "
                               << quantisation.mean << ", by token " << by_token.mean);
  CHECK(equal > 40);
  CHECK(of_wrong.mean < 0.25 * quantisation.mean);
  CHECK(as_theirs.mean < 0.75 * quantisation.mean);
  // Outliers by token are another choice: as far from the unquantised logits as bitsandbytes is.
  CHECK(by_token.mean < 1.25 * quantisation.mean);
}

TEST_CASE("LoRA over bitsandbytes' checkpoint has its loss, logits and gradients", "[golden]") {
  const auto at = files();
  if (!at) return;
  const AnyLlama model = load_llama(at->model).model;
  Adapter adapter = peft::load(tfm_test::golden() / "lora/adapter", model).adapter;
  adapter.dropout = 0;
  const Parameters parameters = adapter_parameters(adapter);
  const Index width = at->lora.shape("ids")[1];
  const Ids ids = at->lora.int32s("ids"), labels = at->lora.int32s("labels"), mask = at->lora.int32s("mask");
  std::vector<unsigned char> valid;
  for (Index i = 0; i < 4 * width; ++i) valid.push_back(static_cast<unsigned char>(mask[to_size(i)]));
  const auto start = tfm_test::equal_starts(4, width);
  const std::vector<const Adapter*> worn(4, &adapter);
  const auto first = [&](const Ids& all) { return std::span<const std::int32_t>(all).first(to_size(4 * width)); };
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  context.training = true;
  Buffer flat = parameters.flat();
  const Gradients gradients = parameters.gradients(flat);
  const Batch batch{.start = start, .adapter = worn, .valid = valid};
  Index counted = 0;
  for (Index i = 0; i < 4 * width; ++i) counted += i % width > 0 && labels[to_size(i)] != ignored_label ? 1 : 0;
  const Loss loss = causal_loss(context, model, batch, first(ids), first(labels), {.weight = 1.f / static_cast<float>(counted)}, &gradients);
  CHECK(std::abs(loss.value - static_cast<double>(at->golden.floats("lora.dequant.loss")[0])) < 4e-6);
  for (const Parameter& p : parameters) {
    INFO(p.name);
    CHECK(distance(Parameters::part(p, flat.view()), at->golden.floats("lora.dequant.grad." + p.name)).most < 4e-7);
  }
}

TEST_CASE("a checkpoint in 8 bits that is not whole is refused by the tensor's name", "[golden]") {
  const auto at = files();
  if (!at) return;
  const tfm_test::TemporaryFolder folder;
  std::filesystem::copy(at->model / "config.json", folder / "config.json");
  const Golden stored(at->model / "model.safetensors");
  const std::string q = "model.layers.1.self_attn.q_proj";
  const auto error = [&]<class E>(auto&& change) {
    std::vector<Tensor> all;
    for (const Tensor& tensor : stored.store().tensors()) all.push_back(tensor);
    change(all);
    write_safetensors(folder / "model.safetensors", all);
    return tfm_test::error_of<E>([&] { load_llama(folder.path()); });
  };
  const auto named = [](std::vector<Tensor>& all, const std::string& name) -> Tensor& {
    return *std::find_if(all.begin(), all.end(), [&](const Tensor& t) { return t.name == name; });
  };
  const std::string where = "tfm: " + (folder / "model.safetensors").string() + ": tensor '" + q;
  CHECK(error.operator()<LoadError>([&](auto& all) { std::erase_if(all, [&](const Tensor& t) { return t.name == q + ".SCB"; }); }) ==
        where + ".weight' is of type I8, expected F32, BF16 or F16, or '" + q + ".SCB' beside a matrix of int8");
  CHECK(error.operator()<ShapeError>([&](auto& all) {
    Tensor& scales = named(all, q + ".SCB");
    scales.shape = {63}, scales.bytes = scales.bytes.first(63 * 4);
  }) == where + ".SCB' is F32 [63], expected F32 [64]");
  const std::byte one{1};
  CHECK(error.operator()<LoadError>([&](auto& all) { named(all, q + ".weight_format").bytes = {&one, 1}; })
            .starts_with(where + ".weight_format' is not one byte 0"));
  std::vector<float> wrong(64, -1.f);
  CHECK(error.operator()<LoadError>([&](auto& all) { named(all, q + ".SCB").bytes = std::as_bytes(std::span(wrong)); }) ==
        where + ".SCB' holds -1, expected finite numbers, none below 0");
}
