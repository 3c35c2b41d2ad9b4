// Models whose shape, or formats, are part of the type: loaded like the others, refused where the file is another's.
#include "support/catch.hpp"
#include "support/error_of.hpp"
#include "support/random.hpp"
#include "support/run_llama.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_llama.hpp"
#include "tfm/checkpoint/load_llama.hpp"

using namespace tfm;
using tfm_test::error_of;
using tfm_test::TinyLlama;

namespace {

struct Tiny : LlamaShape {
  static constexpr Index vocab = 264, dim = 32, layers = 2, heads = 4, kv_heads = 2, ffn = 64, context = 64;
  static constexpr bool tied = true;
};
struct ShortContext : Tiny { static constexpr Index context = 8; };
struct LongContext : Tiny { static constexpr Index context = 65; };
struct OtherFfn : Tiny { static constexpr Index ffn = 96; };
struct OtherHead : Tiny { static constexpr Index head_dim = 16; };
struct OtherEps : Tiny { static constexpr float norm_eps = 1e-6f; };
struct Untied : Tiny { static constexpr bool tied = false; };
struct Scaled : Tiny { static constexpr RopeScaling rope_scaling{RopeScaling::Kind::linear, 2}; };
struct Llama3Scaled : Tiny { static constexpr RopeScaling rope_scaling{RopeScaling::Kind::llama3, 8, 1, 4, 64}; };
struct Llama3Other : Tiny { static constexpr RopeScaling rope_scaling{RopeScaling::Kind::llama3, 4, 1, 4, 64}; };

template <class S, class P = EveryLinear<FrozenF32>>
std::string refusal(std::span<const std::byte> gguf) {
  const std::string error = error_of<ShapeError>([&] { load<Llama<S, P>>(gguf, "tiny.gguf"); }),
                    begin = "tfm: tiny.gguf: ";
  return error.starts_with(begin) ? error.substr(begin.size()) : error;
}

template <class Model>
Buffer logits(const Model& model) {
  Context context(1);
  context.arithmetic = Arithmetic::exact;
  return tfm_test::all_logits(model, context, {1, 17, 200, 263, 5}, 1);
}

}  // namespace

TEST_CASE("a static shape is held against the file, size by size") {
  const auto bytes = TinyLlama().gguf().bytes();
  CHECK(refusal<Tiny>(bytes) == "no error");
  CHECK(refusal<ShortContext>(bytes) == "no error");
  CHECK(refusal<LongContext>(bytes) == "context is 64, the model's type expects at least 65");
  CHECK(refusal<OtherFfn>(bytes) == "ffn is 64, the model's type expects 96");
  CHECK(refusal<OtherHead>(bytes) == "head_dim is 8, the model's type expects 16");
  CHECK(refusal<OtherEps>(bytes) == "norm_eps is 1e-05, the model's type expects 1e-06");
  CHECK(refusal<Untied>(bytes) == "tied is true, the model's type expects false");
  CHECK(refusal<Scaled>(bytes) == "rope_scaling.kind is none, the model's type expects linear");
  CHECK(refusal<SmolLM2_135M>(bytes) == "vocab is 264, the model's type expects 49152");
}

TEST_CASE("rope_freqs.weight divides the frequencies, or agrees with the scaling that the type states") {
  constexpr Index half = 4;
  TinyLlama tiny;
  std::vector<float> factors;
  for (Index i = 0; i < half; ++i)
    factors.push_back(rope_frequency(i, 2 * half, 10000.f, {}) /
                      rope_frequency(i, 2 * half, 10000.f, Llama3Scaled::rope_scaling));
  tiny.add("rope_freqs.weight", {half}, factors);
  const auto bytes = tiny.gguf().bytes();
  const auto loaded = load_llama(bytes);
  for (Index i = 0; i < half; ++i)
    CHECK(loaded.model.frequencies[to_size(i)] == rope_frequency(i, 2 * half, 10000.f, {}) / factors[to_size(i)]);
  CHECK(loaded.model.frequencies[half - 1] != rope_frequency(half - 1, 2 * half, 10000.f, {}));
  CHECK(refusal<Tiny>(bytes) == "no error");
  CHECK(refusal<Llama3Scaled>(bytes) == "no error");
  CHECK(refusal<Llama3Other>(bytes) ==
        "tensor 'rope_freqs.weight' divides frequency 1 by 7.667385, the type's rope_scaling expects another");
  const auto plain = TinyLlama().gguf().bytes();
  CHECK(refusal<Llama3Scaled>(plain) == "rope_scaling.kind is none, the model's type expects llama3");
}

TEST_CASE("rope_freqs.weight of another size or sign is refused") {
  const auto error = [](std::vector<float> factors) {
    TinyLlama tiny;
    tiny.add("rope_freqs.weight", {static_cast<Index>(factors.size())}, factors);
    const auto bytes = tiny.gguf().bytes();
    const auto shape = error_of<ShapeError>([&] { load_llama(bytes); });
    return shape.starts_with("tfm: memory") ? shape : error_of<LoadError>([&] { load_llama(bytes); });
  };
  CHECK(error({1, 1, 1}) == "tfm: memory: tensor 'rope_freqs.weight' is F32 [3], expected F32 [4]");
  CHECK(error({1, 1, 0, 1}) == "tfm: memory: tensor 'rope_freqs.weight' holds 0 at place 2, expected positive numbers");
  CHECK(error({1, 1, 2, 1}) == "no error");
}

TEST_CASE("a static format is reached row by row, whatever the file has") {
  const TinyLlama tiny;
  const auto bytes = tiny.gguf().bytes();
  const auto loaded = load<Llama<Tiny, EveryLinear<Q8_0>>>(bytes);
  const auto rows = [&](const Q8_0& weight, const TinyLlama::Part& part) {
    REQUIRE(weight.rows() == part.shape[0]);
    const Index row = row_bytes(Format::q8_0, weight.cols());
    std::vector<std::byte> found(to_size(weight.rows() * row)), expected(found.size());
    unpack(weight, found.data(), nullptr);
    for (Index r = 0; r < weight.rows(); ++r)
      quantise_row(Format::q8_0, part.values.data() + r * weight.cols(), weight.cols(), expected.data() + r * row);
    CHECK(found == expected);
  };
  TinyLlama parts;
  rows(loaded.model.embed_tokens, parts.part("model.embed_tokens.weight"));
  rows(loaded.model.layers[1].self_attn.q_proj.weight, parts.part("model.layers.1.self_attn.q_proj.weight"));
  rows(loaded.model.layers[0].self_attn.k_proj.weight, parts.part("model.layers.0.self_attn.k_proj.weight"));
  rows(loaded.model.layers[0].mlp.down_proj.weight, parts.part("model.layers.0.mlp.down_proj.weight"));
  // LoadOptions::format does the same to AnyWeight, and leaves norms alone
  const auto any = load_llama(bytes, "memory", {.format = Format::q8_0});
  CHECK(any.model.layers[0].mlp.down_proj.base_weight().format() == Format::q8_0);
  CHECK(tfm_test::same_bits(logits(any.model), logits(loaded.model)));
  const auto q8_file = tiny.gguf(Format::q8_0).bytes();
  CHECK(tfm_test::same_bits(logits(load_llama(q8_file).model), logits(loaded.model)));
}

TEST_CASE("a packed file of a model whose formats are part of the type; one that trains has none") {
  const tfm_test::TemporaryFolder folder;
  TinyLlama().gguf().write(folder / "model.gguf");
  LoadOptions options;
  options.packed = folder / "model.packed";
  using Model = Llama<Tiny, EveryLinear<Q8_0>>;
  const Buffer expected = logits(load<Model>(folder / "model.gguf").model);
  for (int start = 0; start < 2; ++start) {
    const auto loaded = load<Model>(folder / "model.gguf", options);
    CHECK(tfm_test::same_bits(logits(loaded.model), expected));
    CHECK(loaded.notes == std::vector<std::string>{"the file holds no tokenizer"});
  }
  CHECK(error_of<OptionError>([&] { load<Llama<Tiny, EveryLinear<F32>>>(folder / "model.gguf", options); }) ==
        "tfm: LoadOptions::packed: all weights of this model train, and none of them is packed");
}

TEST_CASE("a trainable model gets the file's floats") {
  const auto bytes = TinyLlama().gguf().bytes();
  const auto trainable = load<Llama<Tiny, EveryLinear<F32>>>(bytes);
  CHECK(tfm_test::same_bits(logits(trainable.model), logits(load_llama(bytes).model)));
}
