#pragma once
// Umbrella: LLaMA and its kin, from a file to a conversation. Costs about as much to include as Eigen, xsimd, JSON and
// sentencepiece together; a header that only names the types includes <tfm/fwd.hpp>.
#include "tfm/checkpoint/load_llama.hpp"
#include "tfm/checkpoint/load_model.hpp"
#include "tfm/core/context.hpp"
#include "tfm/generate/chat.hpp"
#include "tfm/generate/compare.hpp"
#include "tfm/generate/generate.hpp"
#include "tfm/generate/loaded.hpp"
#include "tfm/generate/session.hpp"
#include "tfm/models/any_model.hpp"
#include "tfm/models/llama.hpp"
#include "tfm/numeric/pack.hpp"
#include "tfm/text/encoding.hpp"
#include "tfm/text/jinja/conversation.hpp"
#include "tfm/text/token_spans.hpp"
#include "tfm/text/tool_calls.hpp"
