// AnyLlama and AnyModel: their forward pass, loading, sessions and chats, compiled once.
#define TFM_COMPILED_LLAMA
#include <tfm/llama.hpp>
