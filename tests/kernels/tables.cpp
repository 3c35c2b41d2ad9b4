// Each instruction set's tables hold its own kernels, and a context's kernels are those of its table.
#include "tfm/kernels/tables.hpp"

#include <set>
#include <vector>

#include "support/catch.hpp"
#include "support/isas.hpp"
#include "support/random.hpp"
#include "tfm/kernels/elementwise.hpp"
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/optimizers.hpp"

using namespace tfm;
using kernels::compiled_for;
using kernels::Table;
using kernels::training_table;
using kernels::TrainingTable;

namespace {

std::vector<Isa> sets_here() {
  return {
#define TFM_X(name, ...) Isa::name,
      TFM_ISAS_HERE(TFM_X)
#undef TFM_X
  };
}

// The last of an instruction set and its bases that is one of `own`; the whole one if none is.
Isa from(Isa isa, const std::set<Isa>& own) {
  while (base(isa) != isa && !own.contains(isa)) isa = base(isa);
  return isa;
}
const std::set<Isa> with_int8{Isa::avx_vnni, Isa::avx512_vnni, Isa::neon_dotprod, Isa::neon_i8mm}, with_bf16{Isa::avx512_bf16};

// What an entry is for, by its name.
const std::set<Isa>& own(std::string_view entry) {
  static const std::set<Isa> none;
  return entry.starts_with("int8_") ? with_int8 : entry.starts_with("bf16_") ? with_bf16 : none;
}

}  // namespace

TEST_CASE("every entry of every instruction set's tables was compiled for it, or for its base where it has none of its own") {
  for (const Isa isa : sets_here()) {
    INFO(name(isa));
    const Table& table = kernels::table(isa);
    const TrainingTable& training = training_table(isa);
    CHECK((table.isa == isa && training.isa == isa));
    const auto check = [&](std::string_view entry, bool there, Isa found) {
      INFO(entry);
      if (entry.starts_with("bf16_") && !with_bf16.contains(isa)) {
        CHECK_FALSE(there);
      } else {
        CHECK(there);
        CHECK(name(found) == name(from(isa, own(entry))));
      }
    };
#define TFM_ENTRY(entry, ...) check(#entry, table.entry != nullptr, compiled_for(table, &Table::entry));
#include "tfm/kernels/entries.inl"
#undef TFM_ENTRY
#define TFM_ENTRY(entry, ...) check(#entry, training.entry != nullptr, compiled_for(training, &TrainingTable::entry));
#include "tfm/kernels/training_entries.inl"
#undef TFM_ENTRY
  }
}

TEST_CASE("two instruction sets that are whole share no kernel") {
  for (const Isa one : sets_here())
    for (const Isa other : sets_here()) {
      if (one >= other || base(one) != one || base(other) != other) continue;
      INFO(name(one) << " and " << name(other));
      const Table &a = kernels::table(one), &b = kernels::table(other);
      const TrainingTable &c = training_table(one), &d = training_table(other);
#define TFM_ENTRY(entry, ...) CHECK((a.entry == nullptr || a.entry != b.entry));
#include "tfm/kernels/entries.inl"
#undef TFM_ENTRY
#define TFM_ENTRY(entry, ...) CHECK((c.entry == nullptr || c.entry != d.entry));
#include "tfm/kernels/training_entries.inl"
#undef TFM_ENTRY
    }
}

TEST_CASE("a context runs its instruction set's kernels, or those of a table of its own") {
  Context context(2);
  for (const Isa isa : sets_here()) {
    context.isa = isa;
    CHECK((&kernels::table(context) == &kernels::table(isa) && &training_table(context) == &training_table(isa)));
  }
  static int asked, stepped;
  asked = stepped = 0;
  Table own = kernels::table(Isa::baseline);
  own.scale = [](Context&, float, View x, MutableView y) { ++asked, copy(x, y); };
  TrainingTable own_training = training_table(Isa::baseline);
  own_training.sgd = [](Context&, const kernels::SgdStep&, const float*, float*, float*, Index) { ++stepped; };
  context.table = &own, context.training_table = &own_training;
  const Buffer x = tfm_test::random_matrix(1, 2, 5);
  Buffer y(2, 5);
  kernels::scale(context, 3, x, y);
  CHECK((asked == 1 && y.view().row(1)[4] == x.view().row(1)[4]));
  kernels::sgd(context, {}, x.view().data, y.view().data, y.view().data, 10);
  CHECK(stepped == 1);
}

TEST_CASE("products of bfloat16 are asked for only where a table has them") {
  Context context(1);
  context.arithmetic = Arithmetic::bf16;
  for (const Isa isa : sets_here()) {
    context.isa = isa;
    CHECK(kernels::has_bf16(context) == with_bf16.contains(isa));
  }
}
