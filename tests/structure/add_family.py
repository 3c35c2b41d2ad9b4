#!/usr/bin/env python3
"""docs/add-a-family.md, followed in a copy of the headers: a family of one's own is one file more and one file changed, by its line in the
table, and models of it are saved, opened, packed, adapted and merged.

  add_family.py --kernels ARCHIVE --libraries LIST -- COMPILER FLAGS...
     ARCHIVE has the kernels (tfm::compiled); LIST: what tokenizers are linked with, between commas
"""
import filecmp
import os
import shutil
import subprocess
import sys
import tempfile

import house

FAMILIES = "tfm/checkpoint/families.hpp"
TOY = "tfm/checkpoint/families/toy.hpp"

# Names of its own, q, k and v in one tensor with their biases, norms of q and k.
FAMILY = """#pragma once
#include "tfm/checkpoint/families/llama.hpp"

namespace tfm::inline TFM_ABI {

namespace detail {

inline constexpr std::string_view toy_architectures[] = {"ToyForCausalLM"};
inline constexpr LayerName toy_layers[] = {{"model.embed_tokens", "toy.words", "token_embd"},
                                           {"model.norm", "toy.norm", "output_norm"},
                                           {"lm_head", "toy.head", "output"},
                                           {"input_layernorm", "norm1", "attn_norm"},
                                           {"self_attn.q_proj", "attention.all", "attn_qkv"},
                                           {"self_attn.k_proj", "attention.all", "attn_qkv"},
                                           {"self_attn.v_proj", "attention.all", "attn_qkv"},
                                           {"self_attn.q_norm", "attention.q_norm", "attn_q_norm"},
                                           {"self_attn.k_norm", "attention.k_norm", "attn_k_norm"},
                                           {"self_attn.o_proj", "attention.out", "attn_output"},
                                           {"post_attention_layernorm", "norm2", "ffn_norm"},
                                           {"mlp.gate_proj", "mlp.gate", "ffn_gate"},
                                           {"mlp.up_proj", "mlp.up", "ffn_up"},
                                           {"mlp.down_proj", "mlp.down", "ffn_down"}};
inline constexpr DecoderOptions toy_options{.qkv_bias = true, .qk_norm = QkNorm::heads};

inline void read_toy_options(const Json&, DynamicLlamaShape& shape) { shape.options = toy_options; }
inline void read_toy_gguf_options(const Family&, const Gguf&, DynamicLlamaShape& shape) { shape.options = toy_options; }
inline std::vector<std::pair<std::string, std::string>> toy_option_keys(const DecoderOptions&) { return {}; }

}  // namespace detail

inline constexpr Family toy_family{.name = "toy",
                                   .model_type = "toy",
                                   .architectures = detail::toy_architectures,
                                   .blocks = {"model.layers.", "toy.", "blk."},
                                   .layers = detail::toy_layers,
                                   .neighbours_in_gguf = false,
                                   .read_options = detail::read_toy_options,
                                   .read_gguf_options = detail::read_toy_gguf_options,
                                   .option_keys = detail::toy_option_keys};

}  // namespace tfm::inline TFM_ABI
"""

PROGRAM = r"""
#define TFM_DEFINITIONS  // the library's own know no toys
#include <cstdio>
#include <cstring>
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/checkpoint/peft.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/models/llama_training_memory.hpp"
#include "tfm/models/merge.hpp"
using namespace tfm;

namespace {
Buffer logits(Context& context, const AnyModel& model, const Adapter* adapter = nullptr) {
  const std::int32_t ids[] = {3, 1, 4, 1, 5, 9, 2, 6};
  const Index start[] = {0, 8};
  const Adapter* const worn[] = {adapter};
  KvCache cache = model.make_cache(1, 0, Format::f32);
  Buffer out(8, model.shape.vocab);
  model.forward(context, Batch{.start = start, .adapter = worn}, ids, cache, Logits::all, out);
  return out;
}
double difference(const Buffer& a, const Buffer& b) {
  double most = 0;
  for (Index i = 0; i < a.view().size(); ++i) most = std::max(most, std::abs(static_cast<double>(a.view().data[i]) - static_cast<double>(b.view().data[i])));
  return most;
}
void require(bool is, const char* what) {
  if (!is) raise<Error>({"not so: ", what});
}
}  // namespace

int main(int, char** words) try {
  const std::filesystem::path folder = words[1];
  Context context(1);
  context.arithmetic = Arithmetic::exact;
  DynamicLlamaShape shape{.vocab = 40, .dim = 24, .layers = 2, .heads = 4, .kv_heads = 2, .ffn = 40, .context = 32};
  shape.options = {.qkv_bias = true, .qk_norm = QkNorm::heads};
  shape.family = "toy";
  AnyModel made(shape);
  std::uint64_t seed = 0;
  visit_weights(made, "", [&](const std::string& name, auto& weight, const WeightInfo& info) {
    F32 values(info.rows, info.cols);
    const RandomKey key = RandomKey{1}.with(seed++);
    for (Index i = 0; i < info.rows * info.cols; ++i)
      values.values().data[i] = (info.role == WeightRole::norm ? 1.f : 0.f) + 0.4f * (key.uniform(static_cast<std::uint64_t>(i)) - 0.5f);
    if constexpr (std::is_same_v<decltype(weight), F32&>) weight = std::move(values);
    else weight = AnyWeight(pack(context, Format::f32, {Format::f32, reinterpret_cast<const std::byte*>(values.view().data), info.rows, info.cols}, name));
  });
  save_llama(context, made, folder);
  const TensorStore file = read_safetensors(folder / "model.safetensors");
  require(file.at("toy.1.attention.all.weight").shape == std::vector<Index>{24 + 12 + 12, 24}, "q, k and v are one tensor");
  require(file.find("toy.1.attention.all.bias") != nullptr && file.find("toy.head.weight") != nullptr, "its own names are in the file");

  const auto read = load_model(folder, {.packed = folder / "packed"}), packed = load_model(folder, {.packed = folder / "packed"});
  require(read.model.shape.family == "toy", "the family is known again");
  const Buffer expected = logits(context, made);
  require(difference(expected, logits(context, read.model)) == 0, "what was saved is read");
  require(difference(expected, logits(context, packed.model)) == 0, "and packed");

  Adapter adapter(read.model, {.rank = 2, .dropout = 0, .targets = {"q_proj", "v_proj"}});
  for (Index slot = 0; slot < adapter.size(); ++slot)
    if (adapter.touches(slot)) fill(adapter[slot].b.values(), 0.1f);
  peft::save(adapter, read.model, folder / "adapter");
  require(read_safetensors(folder / "adapter/adapter_model.safetensors").find("base_model.model.toy.0.attention.all.lora_A.weight") != nullptr, "PEFT's name");
  const auto again = peft::load(folder / "adapter", read.model);
  const Buffer adapted = logits(context, read.model, &adapter);
  require(difference(expected, adapted) > 0.01, "the adapter changes something");
  require(difference(adapted, logits(context, read.model, &again.adapter)) < 1e-5, "the adapter is read again");
  AnyModel merged = clone(read.model);
  static_cast<void>(merge(context, merged, again.adapter));
  require(difference(adapted, logits(context, merged)) < 1e-4, "merged it is the same");
  std::puts("toy");
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
"""


def add_family(include):
    """Step by step as the document has it."""
    with open(os.path.join(include, TOY), "w", encoding="utf-8") as file:
        file.write(FAMILY)
    path = os.path.join(include, FAMILIES)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    first = '#include "tfm/checkpoint/families/smollm3.hpp"\n'
    house.check(first in text and "    &llama_family,\n" in text, "the table of families is where the document says")
    text = text.replace(first, first + f'#include "{TOY}"\n').replace("    &llama_family,\n", "    &llama_family,\n    &toy_family,\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def files(folder):
    return {os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names}


def main():
    command = house.compiler_from(sys.argv)
    kernels = sys.argv[sys.argv.index("--kernels") + 1]
    libraries = [word for word in sys.argv[sys.argv.index("--libraries") + 1].split(",") if word and not word.endswith("NOTFOUND")]
    with tempfile.TemporaryDirectory() as folder:
        include = os.path.join(folder, "include")
        shutil.copytree(house.INCLUDE, include)
        add_family(include)
        before, after = files(house.INCLUDE), files(include)
        changed = {name for name in before if not filecmp.cmp(os.path.join(house.INCLUDE, name), os.path.join(include, name), shallow=False)}
        house.check(after - before == {TOY} and not before - after, f"one file is added: {after - before}")
        house.check(changed == {FAMILIES}, f"one is changed: {changed}")
        source, program = os.path.join(folder, "toy.cpp"), os.path.join(folder, "toy")
        with open(source, "w", encoding="utf-8") as file:
            file.write(PROGRAM)
        compiler = [word for word in command if word != f"-I{house.INCLUDE}"]
        subprocess.run([*compiler, "-O0", "-DTFM_COMPILED", f"-I{include}", "-c", source, "-o", program + ".o"], check=True)
        subprocess.run([*house.linker(command), program + ".o", kernels, *libraries, "-pthread", "-o", program], check=True)
        run = subprocess.run([program, os.path.join(folder, "model")], capture_output=True, text=True, check=False)
    house.finish([] if run.returncode == 0 and run.stdout == "toy\n" else [f"the program ends with {run.returncode}: {run.stdout}{run.stderr}"], "a toy family")


main()
