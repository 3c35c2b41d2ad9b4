// Uses what <tfm/llama.hpp> and <tfm/transformer.hpp> offer, so that its templates are in the object file that host_safety.py reads.
#include "tfm/llama.hpp"
#include "tfm/transformer.hpp"

struct SafetyToy : tfm::LlamaShape {
  static constexpr tfm::Index vocab = 512, dim = 64, layers = 5, heads = 8, kv_heads = 4, ffn = 172, context = 512;
};

template class tfm::Llama<SafetyToy, tfm::EveryLinear<tfm::Q4_1>>;
template class tfm::Llama<tfm::DynamicLlamaShape, tfm::EveryLinear<tfm::AnyWeight>>;
template class tfm::Transformer<tfm::DynamicPreNormTransformerShape, tfm::EveryLinear<tfm::F32>>;
template class tfm::Transformer<tfm::DynamicTransformerShape, tfm::EveryLinear<tfm::Int8>>;

std::string converse(const std::filesystem::path& file, std::span<const std::byte> bytes, tfm::StopToken stop) {
  auto llama = tfm::load_llama(file);
  auto from_memory = tfm::load_llama(bytes);
  tfm::ChatOptions options;
  options.overflow = tfm::Overflow::slide;
  options.session.stop = stop;
  tfm::Chat chat(llama, options);
  chat.reset();
  return chat.say("hello", [](std::string_view) { return true; }) + tfm::Chat(from_memory).say("again");
}
