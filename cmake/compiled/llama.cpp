// AnyLlama and AnyModel: their forward pass, loading, sessions and chats, compiled once.
#define TFM_COMPILED_LLAMA
#include <tfm/llama.hpp>

namespace tfm::inline TFM_ABI {
template class Llama<DynamicLlamaShape, EveryBiasedLoraLinear<AnyWeight>>;
template class Session<AnyLlama>;
template class Chat<AnyLlama>;
template class Session<AnyModel>;
template class Chat<AnyModel>;
template Loaded<AnyLlama> load<AnyLlama>(const std::filesystem::path&, const LoadOptions&);
template Loaded<AnyLlama> load<AnyLlama>(std::span<const std::byte>, const std::string&, const LoadOptions&);
}  // namespace tfm::inline TFM_ABI
