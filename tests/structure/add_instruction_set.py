#!/usr/bin/env python3
"""An instruction set is a line in a list, a region, and its lanes: docs/add-an-instruction-set.md, followed in a copy of the headers.

Two are added: one whose kernels are all its own, with the lanes of the one that it follows, and one that only has dot products of its own. A program
that finds them in the list and in the tables must run their kernels, with the bits of all others. Without its region the list does not compile.

  add_instruction_set.py -- COMPILER FLAGS...
"""
import os
import platform
import shutil
import subprocess
import sys
import tempfile

import house

BASE, TARGET, LIST = {"x86_64": ("avx2", "avx2,fma,f16c", "X86"), "aarch64": ("neon", "", "AARCH64")}.get(platform.machine(), ("", "", ""))
ISA, REGIONS, LANES = "tfm/core/isa.hpp", "tfm/kernels/cpu/each_region.inl", "tfm/kernels/cpu/lanes_{}.inl"
WHOLE = """
TFM_REGION_OPEN
#define TFM_REGION toy
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_toy.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_LANES
TFM_REGION_CLOSE
"""
PRODUCTS = """
TFM_REGION_OPEN
#define TFM_REGION toy_dot
#define TFM_REGION_BASE toy
#define TFM_REGION_LANES "tfm/kernels/cpu/lanes_toy_dot.inl"
#include TFM_REGION_FILE
#undef TFM_REGION
#undef TFM_REGION_BASE
#undef TFM_REGION_LANES
TFM_REGION_CLOSE
"""
PROGRAM = """
#include <cstdio>
#include <cstring>
#include "tfm/kernels/matmul.hpp"
#include "tfm/kernels/norms.hpp"
#include "tfm/numeric/pack.hpp"
using namespace tfm;
using kernels::Table;
using kernels::TrainingTable;

int main() {
  if (!supported(Isa::BASE)) return std::puts("[tfm: skipped] this CPU has no BASE"), 0;
  if (name(Isa::toy) != "toy" || name(Isa::toy_dot) != "toy_dot" || !supported(Isa::toy) || best_isa() != Isa::toy_dot) return std::puts("the list has not both"), 1;
  const Table& dot = kernels::table(Isa::toy_dot);
  const TrainingTable& trains = kernels::training_table(Isa::toy_dot);
  const auto is = [](Isa found, Isa expected) { return found == expected; };
  if (!is(compiled_for(dot, &Table::int8_chunk), Isa::toy_dot) || !is(compiled_for(dot, &Table::rms_norm), Isa::toy) ||
      !is(compiled_for(trains, &TrainingTable::int8_backward_chunk), Isa::toy_dot) || !is(compiled_for(trains, &TrainingTable::adam), Isa::toy) ||
      kernels::table(Isa::BASE).rms_norm == dot.rms_norm)
    return std::puts("the tables are not theirs"), 1;
  Buffer w(40, 64), x(3, 64), y(3, 40), expected(3, 40);
  for (Index i = 0; i < w.view().size(); ++i) w.view().data[i] = static_cast<float>(i * 37 % 101 - 50) / 50;
  for (Index i = 0; i < x.view().size(); ++i) x.view().data[i] = static_cast<float>(i * 53 % 89 - 44) / 40;
  Context context(1);
  const PackedWeight packed = pack(context, Format::q8_0, {Format::f32, reinterpret_cast<const std::byte*>(w.view().data), 40, 64}, "w");
  for (const Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast})
    for (const Isa isa : {Isa::BASE, Isa::toy, Isa::toy_dot}) {
      context.isa = isa, context.arithmetic = arithmetic;
      matmul(context, packed, x, y);
      kernels::rms_norm(context, y, w.view().data, 1e-5f, y);
      if (isa == Isa::BASE) copy(y, expected);
      if (std::memcmp(y.view().data, expected.view().data, 480) != 0) return std::puts("other bits"), 1;
    }
  std::puts("toy and toy_dot ran");
}
"""


def main():
    command = house.compiler_from(sys.argv)
    if not BASE:
        print(f"[tfm: skipped] there is no instruction set to follow on {platform.machine()}")
        return
    with tempfile.TemporaryDirectory() as folder:
        include = os.path.join(folder, "include")
        shutil.copytree(house.INCLUDE, include)
        touched, added = set(), set()

        def edit(path, change):
            with open(os.path.join(include, path), encoding="utf-8") as file:
                before = file.read()
            after = change(before)
            house.check(after != before, f"nothing changed in {path}")
            with open(os.path.join(include, path), "w", encoding="utf-8") as file:
                file.write(after)
            touched.add(path)

        def add(path, text):
            house.check(not os.path.exists(os.path.join(include, path)), f"{path} is there")
            with open(os.path.join(include, path), "w", encoding="utf-8") as file:
                file.write(text)
            added.add(path)

        def list_line(text):
            """Behind the last line of the macro."""
            begin = text.index(f"#define TFM_ISAS_{LIST}(X)")
            end = begin
            while text[text.index("\n", end) - 1] == "\\":
                end = text.index("\n", end) + 1
            end = text.index("\n", end)
            return text[:end] + f" \\\n  X(toy, toy, supported(Isa::{BASE})) \\\n  X(toy_dot, toy, true)" + text[end:]

        def region(block):
            opened = f'TFM_TARGET_BEGIN("{TARGET}")' if TARGET else ""
            block = block.replace("TFM_REGION_OPEN", opened).replace("TFM_REGION_CLOSE", "TFM_TARGET_END" if TARGET else "")
            condition = "x86_64" if LIST == "X86" else "aarch64"
            return lambda text: text + f"\n#if defined(__{condition}__)\n{block}\n#endif\n"

        flags = [word for word in command if word != f"-I{house.INCLUDE}"] + [f"-I{include}"]
        edit(ISA, list_line)
        house.check("toy" in house.compile(flags, '#include "tfm/kernels/tables.hpp"\n'), "a list whose regions are missing compiles")
        edit(REGIONS, region(WHOLE + PRODUCTS))
        add(LANES.format("toy"), house.read(LANES.format(BASE)))
        add(LANES.format("toy_dot"), f'#include "{LANES.format(BASE + "_bytes")}"\n')

        objects = os.path.join(folder, "program.o")
        if (errors := house.compile(flags + ["-O0"], PROGRAM.replace("BASE", BASE), objects)):
            house.finish([f"with two more instruction sets the headers do not compile:\n{errors}"], "add an instruction set")
        program = os.path.join(folder, "program")
        subprocess.run(house.linker(flags) + [objects, "-pthread", "-o", program], check=True)
        run = subprocess.run([program], capture_output=True, text=True, check=False)
        faults = [] if run.returncode == 0 else [f"the program ends with {run.returncode}: {run.stdout}"]
        if "skipped" in run.stdout:
            print(run.stdout, end="")
        if (len(touched), len(added)) != (2, 2):
            faults.append(f"{len(touched)} files changed and {len(added)} added: {sorted(touched)}, {sorted(added)}")
        house.finish(faults, "two instruction sets: 2 files changed (the list, the regions), 2 added (their lanes)")


main()
