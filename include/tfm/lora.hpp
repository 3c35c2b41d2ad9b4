#pragma once
// Umbrella: LoRA adapters over a LLaMA, and PEFT's folders of them. Costs what <tfm/llama.hpp> costs.
#include "tfm/checkpoint/peft.hpp"
#include "tfm/checkpoint/save_llama.hpp"
#include "tfm/layers/lora_slots.hpp"
#include "tfm/llama.hpp"
#include "tfm/models/merge.hpp"
