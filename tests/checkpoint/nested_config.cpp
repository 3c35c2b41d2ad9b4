// Gemma 3 as models have it that read pictures, too: its config.json is a text_config, its tensors stand behind a
// prefix, and what reads pictures is left out.
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/file_text.hpp"
#include "support/golden.hpp"
#include "support/golden_families.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/formats/safetensors_writer.hpp"

namespace fs = std::filesystem;
using namespace tfm;
using tfm_test::error_of;
using tfm_test::Golden;
using tfm_test::golden_of;
using tfm_test::TemporaryFolder;

namespace {

/// The golden Gemma 3 below `folder`, its tensors' names renamed, beside one tensor called `other`.
template <class F>
void write_nested(const fs::path& golden, const fs::path& folder, std::string_view config, const char* other,
                  F renamed) {
  const Golden weights(golden / "safetensors/model.safetensors");
  const auto stored = weights.store().tensors();
  std::vector<Tensor> tensors(stored.begin(), stored.end());
  for (Tensor& tensor : tensors) tensor.name = renamed(tensor.name);
  tensors.push_back(tensors.back());
  tensors.back().name = other;
  fs::create_directories(folder);
  write_safetensors(folder / "model.safetensors", tensors);
  const std::string before =
      R"({"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"], "eos_token_id": [1, 106],
    "vision_config": {"model_type": "siglip_vision_model", "hidden_size": 1152}, "text_config": )";
  tfm_test::write_text(folder / "config.json", before + std::string(config) + "}");
}

}  // namespace

TEST_CASE("families: Gemma 3 inside a model that reads pictures, too, by older and by newer names") {
  const auto golden = golden_of("gemma3");
  if (!golden) return;
  const TemporaryFolder out;
  const std::string config = tfm_test::file_text(*golden / "v4/config.json");
  const std::string model = "model.";
  write_nested(*golden, out / "older", config, "vision_tower.vision_model.x",
               [&](const std::string& name) { return "language_model." + name; });
  write_nested(*golden, out / "newer", config, "model.multi_modal_projector.x",
               [&](const std::string& name) { return "model.language_model." + name.substr(model.size()); });
  Context context = tfm_test::exact();
  const std::vector<std::int32_t> ids{1, 5, 9, 100, 7, 31, 64, 200};
  const auto whole = load_llama(*golden / "safetensors");
  for (const char* const names : {"older", "newer"}) {
    const auto nested = load_llama(out / names);
    CHECK(nested.model.shape.family == "gemma3");
    CHECK(nested.model.shape.options == whole.model.shape.options);
    CHECK(tfm_test::same_bits(tfm_test::all_logits(nested.model, context, ids, 1),
                              tfm_test::all_logits(whole.model, context, ids, 1)));
  }
  write_nested(*golden, out / "odd", config, "language_model.model.layers.0.x",
               [&](const std::string& name) { return "language_model." + name; });
  CHECK(error_of<LoadError>([&] {
          load_llama(out / "odd");
        }).ends_with("has no place in a gemma3 model of this shape, expected none such"));
}

TEST_CASE("families: what a text_config leaves out is Gemma 3's") {
  const TemporaryFolder out;  // as the model of 4 billion parameters has it
  tfm_test::write_text(
      out / "config.json",
      R"({"model_type": "gemma3", "text_config": {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text",
    "num_hidden_layers": 34, "rope_scaling": {"factor": 8.0, "rope_type": "linear"}, "sliding_window": 1024}, "vision_config": {}})");
  const DynamicLlamaShape shape = read_llama_shape(out.path());
  CHECK((shape.vocab == 262208 && shape.heads == 8 && shape.kv_heads == 4 && shape.head_dim == 256 &&
         shape.context == 131072 && shape.tied));
  CHECK((shape.rope_theta == 1e6f && shape.rope_scaling == RopeScaling{RopeScaling::Kind::linear, 8} &&
         shape.norm_eps == 1e-6f));
  const DecoderOptions& options = shape.options;
  CHECK((options.window == 1024 && options.full_every == 6 && options.window_rope_theta == 10000 &&
         options.attention_scale == 0.0625f));
  CHECK((options.window_of(4) == 1024 && options.window_of(5) == 0 && options.window_of(6) == 1024));
}
