#pragma once
// Kernels as tables of functions, one pair for each instruction set, and the one place where a table is chosen.
#include <cstdint>

#include "tfm/core/context.hpp"
#include "tfm/core/view.hpp"
#include "tfm/kernels/cpu/target.hpp"
#include "tfm/kernels/cpu/tasks.hpp"

namespace tfm::inline TFM_ABI::kernels {

/// What running a model computes with.
struct Table {
  Isa isa;
#define TFM_ENTRY(name, ...) void (*name)(__VA_ARGS__);
#include "tfm/kernels/entries.inl"
#undef TFM_ENTRY
};

/// What training computes with besides. It is asked for by backward passes, losses and optimizers alone: a program that has none of them
/// compiles no function of it.
struct TrainingTable {
  Isa isa;
#define TFM_ENTRY(name, ...) void (*name)(__VA_ARGS__);
#include "tfm/kernels/training_entries.inl"
#undef TFM_ENTRY
};

inline namespace TFM_UNIT {
/// The kernels of an instruction set; the baseline's if it is another architecture's.
TFM_INLINE const Table& table(Isa isa) noexcept;
TFM_INLINE const TrainingTable& training_table(Isa isa) noexcept;
}  // namespace TFM_UNIT

/// The kernels that a context runs.
inline const Table& table(const Context& context) noexcept { return context.table != nullptr ? *context.table : table(context.isa); }
inline const TrainingTable& training_table(const Context& context) noexcept {
  return context.training_table != nullptr ? *context.training_table : training_table(context.isa);
}

/// The instruction set that an entry of a table was compiled for: of isa's own, or of the one that it has it from.
///   compiled_for(table(isa), &Table::int8_chunk)
template <class T, class F>
Isa compiled_for(const T& table, F T::*entry) noexcept {
  Isa isa = table.isa;
  const auto of = [](Isa i) -> const T& {
    if constexpr (requires(T t) { t.matmul_chunk; }) return kernels::table(i);
    else return kernels::training_table(i);
  };
  while (base(isa) != isa && of(base(isa)).*entry == table.*entry) isa = base(isa);
  return isa;
}

}  // namespace tfm::inline TFM_ABI::kernels

#if defined(TFM_KERNEL_BODIES)
#include "tfm/kernels/cpu/regions.hpp"
#endif
