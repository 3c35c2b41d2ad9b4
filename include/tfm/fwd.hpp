#pragma once
// The names of tfm's types, for headers that only mention them.
#include "tfm/core/config.hpp"

namespace tfm::inline TFM_ABI {

struct Context;
class Threads;
class StopToken;
class StopSource;
class Arena;
class Buffer;
struct View;
struct MutableView;
class F32;
struct AnyWeight;
class KvCache;
class Adapter;
struct Batch;
struct DynamicLlamaShape;
class AnyTokenizer;
class ChatTemplate;
class Sampler;
struct SamplerOptions;
struct SessionOptions;
struct ChatOptions;
struct LoadOptions;

}  // namespace tfm::inline TFM_ABI
