// tfm-shape: turns a model file's shape into a type, as a header to be included.
//   tfm-shape model.gguf > model_shape.hpp
#include <cctype>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <tfm/llama.hpp>

namespace {

namespace fs = std::filesystem;

constexpr std::string_view usage =
    "usage: tfm-shape FILE [--name NAME]\n"
    "Prints a C++ header with the shape of a LLaMA model, a GGUF file or a Hugging Face folder, as a type.\n";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_identifier(std::string_view text) {
  for (const char c : text)
    if (!is_letter(c) && !is_digit(c) && c != '_') return false;
  return !text.empty() && !is_digit(text.front());
}

/// "tiny-llama_1.1b" becomes TinyLlama_1_1b: words are joined, numbers kept apart.
std::string type_name(std::string_view text) {
  std::string name;
  bool word = true;
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c)) {
      word = true;
      continue;
    }
    const bool numbers_meet = word && is_digit(c) && !name.empty();
    if (numbers_meet) name += '_';
    name += word && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    word = false;
  }
  if (name.empty() || is_digit(name.front())) name = "Model" + name;
  return name;
}

/// What a file is called, without the ending that says how it is stored: "stories260K.F32.gguf" is stories260K.
/// Folders that are named after a format are called as the one around them.
std::string_view model_name(const fs::path& path, std::string& kept) {
  fs::path absolute = fs::absolute(path).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  if (absolute.extension() == ".safetensors") absolute = absolute.parent_path();
  const bool file = !fs::is_directory(absolute);
  kept = absolute.filename().string();
  for (const char* const dull : {"hf", "safetensors", "sharded", "bf16", "model", "checkpoint"})
    if (!file && kept == dull) kept = absolute.parent_path().filename().string();
  std::string_view name = kept;
  if (!file) return name;
  if (name.ends_with(".gguf")) name.remove_suffix(5);
  const std::size_t dot = name.find_last_of(".-");
  if (dot == name.npos || dot == 0) return name;
  const std::string_view ending = name.substr(dot + 1);
  // Q8_0, q4_k_m: a format's name in either case, and what a mix of them has behind it.
  std::string upper(ending);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const std::string_view mix : {"_S", "_M", "_L"})
    if (upper.ends_with(mix)) upper.resize(upper.size() - 2);
  for (int i = 0; i < tfm::format_count; ++i)
    if (tfm::name(static_cast<tfm::Format>(i)) == upper) return name.substr(0, dot);
  return name;
}

/// The format of most of the matrices' numbers, as the library calls it.
std::string_view weight_type(const tfm::TensorStore& tensors) {
  std::map<tfm::Format, tfm::Index> sizes;
  for (const tfm::Tensor& tensor : tensors.tensors())
    if (const auto format = tfm::format_of(tensor.type); format && tensor.shape.size() == 2)
      sizes[*format] += tensor.size();
  tfm::Format most = tfm::Format::f32;
  for (const auto& [format, size] : sizes)
    if (size > sizes[most]) most = format;
  return most == tfm::Format::f32 ? "FrozenF32" : tfm::name(most);
}

/// A float literal that is the same float again.
std::string literal(float value) {
  char digits[64];
  const auto notation = value >= 1e-3f && value < 1e9f ? std::chars_format::fixed : std::chars_format::scientific;
  std::string text(digits, std::to_chars(digits, digits + sizeof digits, value, notation).ptr);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text + "f";
}

std::string literal(const tfm::RopeScaling& scaling) {
  const tfm::RopeScaling usual;
  std::string text = "{.kind = tfm::RopeScaling::Kind::" + std::string(name(scaling.kind));
  const auto number = [&](const char* key, float is, float otherwise) {
    if (is != otherwise) text += ", ." + std::string(key) + " = " + literal(is);
  };
  const auto factors = [&](const char* key, const auto& list) {
    if (list[0] == 0) return;
    text += ", ." + std::string(key) + " = {";
    for (std::size_t i = 0; i < list.size() && list[i] != 0; ++i) text += (i == 0 ? "" : ", ") + literal(list[i]);
    text += "}";
  };
  number("factor", scaling.factor, usual.factor);
  number("low_freq_factor", scaling.low_freq_factor, usual.low_freq_factor), number("high_freq_factor", scaling.high_freq_factor, usual.high_freq_factor);
  number("original_context", scaling.original_context, usual.original_context);
  number("beta_fast", scaling.beta_fast, usual.beta_fast), number("beta_slow", scaling.beta_slow, usual.beta_slow);
  number("magnitude", scaling.magnitude, usual.magnitude);
  factors("short_factors", scaling.short_factors), factors("long_factors", scaling.long_factors);
  return text + "}";
}

std::string literal(const tfm::DecoderOptions& options) {
  const tfm::DecoderOptions usual;
  std::string text;
  const auto add = [&](const char* name, bool differs, const std::string& value) {
    if (differs) text += (text.empty() ? "." : ", .") + std::string(name) + " = " + value;
  };
  const auto flag = [&](const char* name, bool is, bool otherwise) { add(name, is != otherwise, is ? "true" : "false"); };
  const auto number = [&](const char* name, float is, float otherwise) { add(name, is != otherwise, literal(is)); };
  flag("qkv_bias", options.qkv_bias, usual.qkv_bias), flag("o_bias", options.o_bias, usual.o_bias), flag("mlp_bias", options.mlp_bias, usual.mlp_bias);
  add("qk_norm", options.qk_norm != usual.qk_norm, options.qk_norm == tfm::QkNorm::heads ? "tfm::QkNorm::heads" : "tfm::QkNorm::whole");
  flag("norm_before", options.norm_before, usual.norm_before), flag("norm_after", options.norm_after, usual.norm_after);
  add("unturned_every", options.unturned_every != usual.unturned_every, std::to_string(options.unturned_every));
  number("attention_scale", options.attention_scale, usual.attention_scale), number("embedding_scale", options.embedding_scale, usual.embedding_scale);
  number("residual_scale", options.residual_scale, usual.residual_scale), number("logit_divisor", options.logit_divisor, usual.logit_divisor);
  add("activation", options.activation != usual.activation, "tfm::Activation::gelu");
  number("attention_cap", options.attention_cap, usual.attention_cap), number("logit_cap", options.logit_cap, usual.logit_cap);
  const auto count = [&](const char* key, tfm::Index is) { add(key, is != 0, std::to_string(is)); };
  count("rotary_dim", options.rotary_dim), count("window", options.window), count("window_from", options.window_from), count("full_every", options.full_every);
  number("window_rope_theta", options.window_rope_theta, usual.window_rope_theta);
  return "{" + text + "}";
}

void print_header(const fs::path& path, std::optional<std::string> name) {
  const tfm::DynamicLlamaShape shape = tfm::read_llama_shape(path);
  const bool folder = fs::is_directory(path);
  const tfm::TensorStore tensors = folder                                ? tfm::read_safetensors_folder(path)
                                   : path.extension() == ".safetensors" ? tfm::read_safetensors(path)
                                                                         : tfm::read_gguf(path).tensors;
  std::string kept;
  if (!name) name = type_name(model_name(path, kept));
  const std::string shown = tfm::printable(path.string(), 200);
  const tfm::LlamaShape usual;

  std::cout << "#pragma once\n"
            << "// The shape of " << shown << " as a type; printed by tfm-shape.\n"
            << "//   auto llama = tfm::load<tfm::Llama<" << *name
            << (shape.options.any_bias() ? ", tfm::EveryBiasedLinear<tfm::" : ", tfm::EveryLinear<tfm::") << weight_type(tensors) << ">>>(\"" << shown << "\");\n";
  if (tensors.find("rope_freqs.weight") != nullptr)
    std::cout << "// The scaling of its rotary frequencies stands in the file, and is read from there.\n";
  std::cout << "#include <tfm/llama.hpp>\n\n"
            << "struct " << *name << " : tfm::LlamaShape {\n"
            << "  static constexpr tfm::Index vocab = " << shape.vocab << ", dim = " << shape.dim
            << ", layers = " << shape.layers << ", heads = " << shape.heads << ", kv_heads = " << shape.kv_heads
            << ", ffn = " << shape.ffn << ", context = " << shape.context;
  if (tfm::head_dim(shape) * shape.heads != shape.dim) std::cout << ", head_dim = " << tfm::head_dim(shape);
  std::cout << ";\n";
  if (shape.norm_eps != usual.norm_eps)
    std::cout << "  static constexpr float norm_eps = " << literal(shape.norm_eps) << ";\n";
  if (shape.rope_theta != usual.rope_theta)
    std::cout << "  static constexpr float rope_theta = " << literal(shape.rope_theta) << ";\n";
  if (shape.tied != usual.tied) std::cout << "  static constexpr bool tied = true;\n";
  if (shape.rope_scaling.kind != usual.rope_scaling.kind)
    std::cout << "  static constexpr tfm::RopeScaling rope_scaling" << literal(shape.rope_scaling) << ";\n";
  if (shape.options != usual.options) std::cout << "  static constexpr tfm::DecoderOptions options" << literal(shape.options) << ";\n";
  if (shape.family != usual.family) std::cout << "  static constexpr std::string_view family = \"" << shape.family << "\";\n";
  std::cout << "};\n";
}

}  // namespace

int main(int count, char** arguments) try {
  std::optional<std::string> file, name;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      std::cout << usage;
      return 0;
    }
    const bool names = argument == "--name" && i + 1 < count && !name;
    if (names && !is_identifier(arguments[i + 1])) {
      std::cerr << "tfm-shape: found --name " << arguments[i + 1] << ", expected a name such as "
                << type_name(arguments[i + 1]) << '\n';
      return 2;
    }
    if (names) name = arguments[++i];
    else if (!argument.starts_with("-") && !file) file = argument;
    else file.reset(), i = count;
  }
  if (!file) {
    std::cerr << usage;
    return 2;
  }
  print_header(*file, name);
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
