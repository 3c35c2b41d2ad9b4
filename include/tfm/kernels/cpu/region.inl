// One instruction set's kernels and their tables. Included by each_region.inl; bodies include nothing of std, as they are compiled
// with the region's flags.
namespace tfm::inline TFM_ABI::kernels::TFM_REGION::inline TFM_UNIT {

#if defined(TFM_REGION_BF16)
using namespace TFM_REGION_BASE;
#include TFM_REGION_LANES
#include "tfm/kernels/cpu/body_bf16.inl"

inline constexpr Table table = [] {
  Table own = TFM_REGION_BASE::table;
  own.isa = Isa::TFM_REGION;
  own.bf16_rows = bf16_rows;
  own.bf16_chunk = bf16_chunk;
  return own;
}();
inline constexpr TrainingTable training_table = [] {
  TrainingTable own = TFM_REGION_BASE::training_table;
  own.isa = Isa::TFM_REGION;
  own.bf16_backward_chunk = bf16_backward_chunk;
  return own;
}();

#elif defined(TFM_REGION_BASE)
using namespace TFM_REGION_BASE;
#include TFM_REGION_LANES
#include "tfm/kernels/cpu/body_int8.inl"
#include "tfm/kernels/cpu/body_words.inl"
#include "tfm/kernels/cpu/region_formats.inl"
#include "tfm/kernels/cpu/body_int8_chunk.inl"
#include "tfm/kernels/cpu/body_int8_backward.inl"

inline constexpr Table table = [] {
  Table own = TFM_REGION_BASE::table;
  own.isa = Isa::TFM_REGION;
  own.int8_chunk = int8_chunk;
  return own;
}();
inline constexpr TrainingTable training_table = [] {
  TrainingTable own = TFM_REGION_BASE::training_table;
  own.isa = Isa::TFM_REGION;
  own.int8_backward_chunk = int8_backward_chunk;
  return own;
}();

#else
#include TFM_REGION_LANES
#include "tfm/kernels/cpu/body_basic.inl"
#include "tfm/kernels/cpu/body_rows.inl"
#include "tfm/kernels/cpu/body_candidates.inl"
#include "tfm/kernels/cpu/body_quantise.inl"
#include "tfm/kernels/cpu/body_matmul.inl"
#include "tfm/kernels/cpu/body_int8.inl"
#include "tfm/kernels/cpu/body_words.inl"
#include "tfm/kernels/cpu/region_formats.inl"
#include "tfm/kernels/cpu/body_int8_chunk.inl"
#include "tfm/kernels/cpu/body_int8_backward.inl"
#include "tfm/kernels/cpu/body_products.inl"
#include "tfm/kernels/cpu/body_cache.inl"
#include "tfm/kernels/cpu/body_attention.inl"
#include "tfm/kernels/cpu/body_attention_backward.inl"
#include "tfm/kernels/cpu/body_train.inl"
#include "tfm/kernels/cpu/body_loss.inl"

// No whole region has products of bfloat16.
inline constexpr decltype(Table::bf16_rows) bf16_rows = nullptr;
inline constexpr decltype(Table::bf16_chunk) bf16_chunk = nullptr;
inline constexpr decltype(TrainingTable::bf16_backward_chunk) bf16_backward_chunk = nullptr;

#define TFM_ENTRY(name, ...) name,
inline constexpr Table table{Isa::TFM_REGION,
#include "tfm/kernels/entries.inl"
};
inline constexpr TrainingTable training_table{Isa::TFM_REGION,
#include "tfm/kernels/training_entries.inl"
};
#undef TFM_ENTRY
#endif

}
