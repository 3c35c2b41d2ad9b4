// The half of exchange.py that is ours: saves adapters, writes the logits of a model that wears one, and merges one into its base.
//   exchange save BASE FOLDER             makes FOLDER/{qv,all,rslora}
//   exchange logits BASE ADAPTER IDS OUT  reads int32 ids, writes float32 logits
//   exchange merge BASE ADAPTER FOLDER    makes FOLDER, a Hugging Face folder
#include <cmath>
#include <cstdio>
#include <fstream>
#include <vector>

#include "support/run_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/core/random.hpp"
#include "tfm/models/merge.hpp"

using namespace tfm;

namespace {

void save(const AnyLlama& model, const BaseIdentity& base, const std::filesystem::path& folder,
          const std::vector<std::string>& targets, Index rank, bool rslora) {
  std::vector<LoraPair> pairs;
  visit_lora_layers(model, "", [&](const std::string& name, const auto& layer) {
    LoraPair& pair = pairs.emplace_back();
    bool chosen = targets.empty();
    for (const std::string& target : targets) chosen = chosen || peft::LoraConfig::ends_as(name, target);
    if (!chosen) return;
    const auto r = static_cast<float>(rank);
    pair = {F32(rank, layer.base_weight().cols()), F32(layer.base_weight().rows(), rank), 16 / (rslora ? std::sqrt(r) : r)};
    std::uint64_t stream = 2 * pairs.size();
    for (F32* const matrix : {&pair.a, &pair.b}) {
      const RandomKey key = RandomKey{3}.with(stream++);
      for (Index i = 0; i < matrix->view().size(); ++i)
        matrix->values().data[i] = 0.2f * (key.uniform(static_cast<std::uint64_t>(i)) - 0.5f);
    }
  });
  peft::save(Adapter(std::move(pairs)), model, folder, {.base = base, .rslora = rslora});
}

void logits(const AnyLlama& model, const std::filesystem::path& folder, const char* ids_file, const char* out) {
  std::ifstream file(ids_file, std::ios::binary);
  tfm_test::Ids ids;
  for (std::int32_t id; file.read(reinterpret_cast<char*>(&id), sizeof id);) ids.push_back(id);
  const auto loaded = peft::load(folder, model);
  const Index start[] = {0, static_cast<Index>(ids.size())};
  const Adapter* const adapters[] = {&loaded.adapter};
  Context context(2);
  context.arithmetic = Arithmetic::exact;
  KvCache cache = model.make_cache(1, start[1], Format::f32);
  Buffer found(start[1], model.shape.vocab);
  model.forward(context, {.start = start, .adapter = adapters}, ids, cache, Logits::all, found);
  std::ofstream(out, std::ios::binary)
      .write(reinterpret_cast<const char*>(found.view().data), found.view().size() * static_cast<Index>(sizeof(float)));
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  try {
    if (given.size() == 3 && given[0] == "save") {
      const auto base = load_llama(given[1]);
      const std::filesystem::path folder = given[2];
      const BaseIdentity identity = base_identity(given[1]);
      save(base.model, identity, folder / "qv", {"q_proj", "v_proj"}, 8, false);
      save(base.model, identity, folder / "all", {}, 3, false);
      save(base.model, identity, folder / "rslora", {"q_proj", "down_proj"}, 5, true);
      return 0;
    }
    if (given.size() == 5 && given[0] == "logits") {
      logits(load_llama(given[1]).model, given[2], given[3].c_str(), given[4].c_str());
      return 0;
    }
    if (given.size() == 4 && given[0] == "merge") {
      auto base = load_llama(given[1]);
      Context context(2);
      merge(context, base.model, peft::load(given[2], base.model).adapter);
      save_llama(context, base.model, given[3], {.tokenizer_of = given[1]});
      return 0;
    }
    std::fputs("exchange save BASE FOLDER | exchange logits BASE ADAPTER IDS OUT | exchange merge BASE ADAPTER FOLDER\n", stderr);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
