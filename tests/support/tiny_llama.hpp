#pragma once
// TinyLlama: a small LLaMA checkpoint made in memory, to be changed and written as a Hugging Face folder or as GGUF.
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "tfm/core/random.hpp"
#include "tfm/formats/gguf_writer.hpp"
#include "tfm/formats/safetensors_writer.hpp"
#include "tfm/models/llama_shapes.hpp"
#include "tfm/numeric/rows.hpp"

namespace tfm_test {

inline void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct TinyLlama {
  struct Part {
    std::string name;  // Hugging Face's
    std::vector<tfm::Index> shape;
    std::vector<float> values;
  };
  tfm::DynamicLlamaShape shape;
  std::vector<Part> parts;
  std::map<std::string, std::string> config;  // values as JSON
  std::map<std::string, std::string> files;   // further ones of the folder, by name

  /// The stored tensors of the shape, all numbers from the seed.
  explicit TinyLlama(const tfm::DynamicLlamaShape& sizes = {264, 32, 2, 4, 2, 64, 64, 0, 1e-5f, 10000.f, true, {}},
                     std::uint64_t seed = 1)
      : shape(sizes) {
    const tfm::Index q = shape.heads * head_dim(shape), kv = shape.kv_heads * head_dim(shape);
    const auto part = [&](std::string name, std::vector<tfm::Index> sizes_of_it) {
      const bool norm = name.find("norm") != name.npos;
      const tfm::RandomKey key = tfm::RandomKey{seed}.with(parts.size());
      Part made{std::move(name), std::move(sizes_of_it), {}};
      tfm::Index n = 1;
      for (const tfm::Index size : made.shape) n *= size;
      for (tfm::Index i = 0; i < n; ++i) {
        const float x = 2 * key.uniform(static_cast<std::uint64_t>(i)) - 1;
        made.values.push_back(norm ? 1 + 0.1f * x : 0.3f * x);
      }
      parts.push_back(std::move(made));
    };
    part("model.embed_tokens.weight", {shape.vocab, shape.dim});
    for (tfm::Index l = 0; l < shape.layers; ++l) {
      const std::string layer = "model.layers." + std::to_string(l) + ".";
      part(layer + "input_layernorm.weight", {shape.dim});
      part(layer + "self_attn.q_proj.weight", {q, shape.dim});
      part(layer + "self_attn.k_proj.weight", {kv, shape.dim});
      part(layer + "self_attn.v_proj.weight", {kv, shape.dim});
      part(layer + "self_attn.o_proj.weight", {shape.dim, q});
      part(layer + "post_attention_layernorm.weight", {shape.dim});
      part(layer + "mlp.gate_proj.weight", {shape.ffn, shape.dim});
      part(layer + "mlp.up_proj.weight", {shape.ffn, shape.dim});
      part(layer + "mlp.down_proj.weight", {shape.dim, shape.ffn});
    }
    part("model.norm.weight", {shape.dim});
    if (!shape.tied) part("lm_head.weight", {shape.vocab, shape.dim});
    const auto set = [&](const char* key, tfm::Index value) { config[key] = std::to_string(value); };
    config["model_type"] = "\"llama\"";
    set("vocab_size", shape.vocab), set("hidden_size", shape.dim), set("num_hidden_layers", shape.layers);
    set("num_attention_heads", shape.heads), set("num_key_value_heads", shape.kv_heads);
    set("intermediate_size", shape.ffn), set("max_position_embeddings", shape.context);
    if (shape.head_dim != 0) set("head_dim", shape.head_dim);
    config["rms_norm_eps"] = "1e-5";
    config["tie_word_embeddings"] = shape.tied ? "true" : "false";
  }

  Part& part(std::string_view name) {
    for (Part& p : parts)
      if (p.name == name) return p;
    FAIL("no part " << name);
    return parts.front();
  }
  void remove(std::string_view name) {
    std::erase_if(parts, [&](const Part& p) { return p.name == name; });
  }
  void add(std::string name, std::vector<tfm::Index> sizes, std::vector<float> values) {
    parts.push_back({std::move(name), std::move(sizes), std::move(values)});
  }

  std::string config_json() const {
    std::string text = "{";
    for (const auto& [key, value] : config) text += (text.size() > 1 ? ", \"" : "\"") + key + "\": " + value;
    return text + "}";
  }
  std::vector<tfm::Tensor> tensors() const {
    std::vector<tfm::Tensor> all;
    for (const Part& p : parts)
      all.push_back({p.name, tfm::DataType::f32, "F32", p.shape, std::as_bytes(std::span(p.values))});
    return all;
  }
  void write_folder(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    write_text(folder / "config.json", config_json());
    tfm::write_safetensors(folder / "model.safetensors", tensors());
    for (const auto& [name, text] : files) write_text(folder / name, text);
  }

  /// llama.cpp's name of a stored tensor.
  static std::string gguf_name(std::string name) {
    const auto replace = [&](std::string_view from, std::string_view to) {
      if (const auto at = name.find(from); at != name.npos) name.replace(at, from.size(), to);
    };
    replace("model.embed_tokens", "token_embd"), replace("model.norm", "output_norm"), replace("lm_head", "output");
    replace("model.layers.", "blk."), replace("input_layernorm", "attn_norm"),
        replace("post_attention_layernorm", "ffn_norm");
    replace("self_attn.o_proj", "attn_output"), replace("self_attn.", "attn_"), replace("mlp.", "ffn_"),
        replace("_proj.", ".");
    return name;
  }
  /// The row of Hugging Face's q or k that is row r of a GGUF file's: there rotary pairs are neighbours.
  static tfm::Index source_row(tfm::Index r, tfm::Index dim_of_head) {
    const tfm::Index j = r % dim_of_head;
    return r - j + j / 2 + j % 2 * (dim_of_head / 2);
  }

  /// Everything but a tokenizer; matrices in `format` (norms stay F32).
  tfm::GgufWriter gguf(tfm::Format format = tfm::Format::f32) const {
    tfm::GgufWriter file;
    const auto u32 = [&](const char* key, tfm::Index value) {
      file.set(std::string("llama.") + key, static_cast<std::uint32_t>(value));
    };
    file.set("general.architecture", "llama");
    u32("embedding_length", shape.dim), u32("block_count", shape.layers), u32("feed_forward_length", shape.ffn),
        u32("context_length", shape.context);
    u32("attention.head_count", shape.heads), u32("attention.head_count_kv", shape.kv_heads),
        u32("rope.dimension_count", head_dim(shape));
    if (shape.head_dim != 0) u32("attention.key_length", shape.head_dim), u32("attention.value_length", shape.head_dim);
    file.set("llama.attention.layer_norm_rms_epsilon", shape.norm_eps);
    file.set("llama.rope.freq_base", shape.rope_theta);
    for (const Part& p : parts) {
      const bool matrix = p.shape.size() == 2,
                 permuted = p.name.ends_with("q_proj.weight") || p.name.ends_with("k_proj.weight");
      const tfm::Format stored = matrix ? format : tfm::Format::f32;
      const tfm::Index rows = matrix ? p.shape[0] : 1, cols = p.shape.back(), hd = head_dim(shape);
      file.add(gguf_name(p.name), stored, p.shape, [=, values = p.values](std::span<std::byte> out) {
        for (tfm::Index r = 0; r < rows; ++r)
          tfm::quantise_row(stored, values.data() + (permuted ? source_row(r, hd) : r) * cols, cols,
                            out.data() + r * tfm::row_bytes(stored, cols));
      });
    }
    return file;
  }
};

/// A sentencepiece vocabulary of 264 pieces for a GGUF file: <unk>, <s>, </s>, the bytes, and five pieces of text.
inline void add_tokenizer(tfm::GgufWriter& file) {
  std::vector<std::string> pieces{"<unk>", "<s>", "</s>"};
  std::vector<float> scores(259, 0.f);
  std::vector<std::int32_t> types{2, 3, 3};
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (std::size_t b = 0; b < 256; ++b)
    pieces.push_back(std::string("<0x") + digits[b / 16] + digits[b % 16] + ">"), types.push_back(6);
  for (const char* piece : {"\xE2\x96\x81" "a", "ab", "\xE2\x96\x81", "a", "b"})
    scores.push_back(-static_cast<float>(pieces.size() - 258)), pieces.push_back(piece), types.push_back(1);
  file.set("tokenizer.ggml.model", "llama");
  file.set("tokenizer.ggml.tokens", pieces);
  file.set("tokenizer.ggml.scores", scores);
  file.set("tokenizer.ggml.token_type", types);
  file.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
  file.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
}

}  // namespace tfm_test
