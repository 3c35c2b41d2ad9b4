// A LoRA training step of a LLaMA with random weights: tokens a second and peak memory, beside lora_pytorch.py.
//   lora [--shape smollm2|layer7b] [--format f32|bf16|int8|q8_0|q4_0] [--arithmetic exact|fast|bf16] [--backward float|int8] [--recompute nothing|blocks]
//        [--batch 4] [--tokens 128] [--threads 2] [--steps 5] [--adapter 1] [--isa NAME]
// Prints one JSON object. r 8 on q and v, dropout 0.05, AdamW. --adapter 0: the same passes without one, for what it costs.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>

#include <tfm/checkpoint/load_llama.hpp>
#include <tfm/train/causal_task.hpp>
#include <tfm/train/optimizers.hpp>

#include "isa_named.hpp"

namespace {

using namespace tfm;

constexpr DynamicLlamaShape smollm2{.vocab = 49152, .dim = 576, .layers = 30, .heads = 9, .kv_heads = 3, .ffn = 1536, .context = 2048, .tied = true};
constexpr DynamicLlamaShape layer7b{.vocab = 320, .dim = 4096, .layers = 1, .heads = 32, .kv_heads = 32, .ffn = 11008, .context = 2048};

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Deviation 0.02, as PyTorch's LlamaForCausalLM begins; the output keeps its floats there, and so does it here.
AnyLlama random_llama(Context& context, const DynamicLlamaShape& shape, Format format) {
  AnyLlama model(shape);
  std::uint64_t seed = 0;
  visit_weights(model, "", [&](const std::string& name, auto& weight, const WeightInfo& info) {
    const auto [role, rows, cols, rotary_heads] = info;
    Buffer values(rows, cols);
    const RandomKey key{++seed};
    context.run(rows, [&](Index r, int) {
      for (Index k = 0; k < cols; ++k)
        values.view().row(r)[k] = role == WeightRole::norm ? 1.f : 0.07f * (key.uniform(static_cast<std::uint64_t>(r * cols + k)) - 0.5f);
    });
    const Format target = role == WeightRole::norm ? Format::f32 : role == WeightRole::embedding && format >= Format::q8_0 ? Format::bf16 : format;
    using W = std::remove_reference_t<decltype(weight)>;
    if constexpr (std::is_same_v<W, F32>) {
      weight = F32(rows, cols);
      copy(values.view(), weight.values());
    } else {
      weight = W(pack(context, target, {Format::f32, reinterpret_cast<const std::byte*>(values.view().data), rows, cols}, name));
    }
  });
  return model;
}

}  // namespace

int main(int count, char** words) try {
  std::map<std::string, std::string> options{{"--shape", "smollm2"}, {"--format", "int8"}, {"--arithmetic", "fast"}, {"--recompute", "nothing"}, {"--batch", "4"},
                                             {"--backward", "float"}, {"--tokens", "128"}, {"--threads", "2"}, {"--steps", "5"}, {"--adapter", "1"},
                                             {"--isa", ""}};
  for (int i = 1; i + 1 < count; i += 2) options.at(words[i]) = words[i + 1];
  const auto number = [&](const char* name) { return static_cast<Index>(std::stol(options.at(name))); };
  const std::map<std::string, Format> formats{{"f32", Format::f32}, {"bf16", Format::bf16}, {"int8", Format::int8}, {"q8_0", Format::q8_0}, {"q4_0", Format::q4_0}};
  const std::map<std::string, Arithmetic> arithmetics{{"exact", Arithmetic::exact}, {"fast", Arithmetic::fast}, {"bf16", Arithmetic::bf16}};
  Context context(static_cast<int>(number("--threads")));
  context.arithmetic = arithmetics.at(options["--arithmetic"]);
  if (!options["--isa"].empty()) context.isa = limits::isa_named(options["--isa"]);
  context.int8.backward = options["--backward"] == "int8";
  const AnyLlama model = random_llama(context, options["--shape"] == "smollm2" ? smollm2 : layer7b, formats.at(options["--format"]));
  Adapter adapter(model, {});
  const Index batch = number("--batch"), length = number("--tokens");
  std::vector<CausalSample> samples(to_size(batch));
  for (Index s = 0; s < batch; ++s) {
    for (Index t = 0; t < length; ++t)
      samples[to_size(s)].ids.push_back(static_cast<std::int32_t>(RandomKey{9}.bits(static_cast<std::uint64_t>(s * length + t)) % static_cast<std::uint64_t>(model.shape.vocab)));
    samples[to_size(s)].labels = samples[to_size(s)].ids;
  }
  const CausalTask task(model, number("--adapter") != 0 ? &adapter : nullptr, samples, samples,
                        {.recompute = options["--recompute"] == "blocks" ? Recompute::blocks : Recompute::nothing});
  const Parameters parameters = adapter_parameters(adapter);
  Buffer gradient = parameters.flat();
  std::vector<Buffer> states(2);
  for (Buffer& state : states) state = parameters.flat();
  std::vector<Index> all(to_size(batch));
  std::iota(all.begin(), all.end(), Index{0});
  context.training = true;
  const AdamW optimizer;
  std::vector<double> speeds;
  for (Index step = 0; step < number("--steps"); ++step) {
    context.random = RandomKey{1}.with(static_cast<std::uint64_t>(step));
    context.kept.reserve(context.kept.peak());
    context.scratch.reserve(context.scratch.peak());
    const double begin = seconds();
    fill(gradient, 0);
    task.train(context, {all, all, all}, parameters.gradients(gradient));
    optimizer.update(context, parameters, gradient, states, {3e-4f, 1.f, step + 1});
    if (step > 0) speeds.push_back(static_cast<double>(batch * length) / (seconds() - begin));
  }
  std::sort(speeds.begin(), speeds.end());
  Index layers = 0, output = 0;  // values that a token is multiplied with
  visit_weights(model, "", [&](const std::string&, const auto& weight, WeightRole role) {
    if (static_cast<const void*>(&weight) == static_cast<const void*>(&model.output())) output += weight.rows() * weight.cols();
    else if (role == WeightRole::base) layers += weight.rows() * weight.cols();
  });
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::cout << "{\"shape\": \"" << options["--shape"] << "\", \"format\": \"" << options["--format"] << "\", \"arithmetic\": \"" << options["--arithmetic"]
            << "\", \"backward\": \"" << options["--backward"] << "\", \"recompute\": \"" << options["--recompute"] << "\", \"adapter\": " << options["--adapter"] << ", \"isa\": \"" << name(context.isa)
            << "\", \"tokens_per_second_best\": " << speeds.back() << ", \"median\": " << speeds[speeds.size() / 2]
            << ", \"layer_parameters\": " << layers << ", \"output_parameters\": " << output << ", \"peak_memory_bytes\": " << usage.ru_maxrss * 1024 << "}" << std::endl;
} catch (const tfm::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
