#!/usr/bin/env python3
"""Two versions of tfm meet in one program: all that the headers define carries the version's namespace.

Every header, and uses.cpp, is compiled under another TFM_ABI, with its inline functions kept (by g++; clang keeps those that
are used); then no symbol of ours may lack the name.
And a program of two files, each with its own version, links and runs, and has two of everything.

  two_versions.py -- COMPILER FLAGS...
"""
import os
import subprocess
import sys
import tempfile

import house

OTHER = "v9_9"
COPY = """
#include "tfm/core/context.hpp"
#include "tfm/core/error.hpp"
const void* NAME() { return reinterpret_cast<const void*>(&tfm::best_isa); }
void NAME_raise() { tfm::raise(tfm::ShapeError("tfm: NAME")); }
"""
MAIN = """
#include "tfm/core/error.hpp"
const void* first();
const void* second();
void first_raise();
void second_raise();
int main() {
  if (first() == second()) return 1;  // one function for both
  try { first_raise(); return 2; } catch (const tfm::ShapeError&) {}
  try { second_raise(); return 3; } catch (const tfm::ShapeError&) { return 4; } catch (const std::exception&) {}
  return 0;
}
"""


def symbols(object_file):
    run = subprocess.run(["nm", "--defined-only", "-f", "posix", object_file], capture_output=True, text=True, check=True)
    return [line.split(" ")[0] for line in run.stdout.splitlines() if line]


def unversioned(names):
    return [name for name in names if "3tfm" in name and f"3tfm{len(OTHER)}{OTHER}" not in name]


def demangled(names):
    return subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout.splitlines()


def main():
    command = house.compiler_from(sys.argv)
    keep = [] if "clang" in " ".join(command[:2]) else ["-fkeep-inline-functions"]
    with tempfile.TemporaryDirectory() as folder:
        def build(name, source, *flags):
            output = os.path.join(folder, name)
            if (errors := house.compile(command + ["-O0", *flags], source, output)):
                house.finish([f"{name} does not compile:\n{errors}"], "two versions")
            return output

        self_test = build("self.o", "namespace tfm { namespace v9_9 { void f() {} } void g() {} }")
        house.check(unversioned(symbols(self_test)) == ["_ZN3tfm1gEv"], "a function outside the version's namespace")

        with open(os.path.join(house.ROOT, "tests", "structure", "uses.cpp"), encoding="utf-8") as file:
            other = symbols(build("other.o", house.everything() + file.read(), f"-DTFM_ABI={OTHER}", *keep))
        house.check(any(f"3tfm{len(OTHER)}{OTHER}" in name for name in other), "nothing of ours in the object file")
        faults = [f"not in the version's namespace: {name}" for name in demangled(unversioned(other))]

        objects = [build("first.o", COPY.replace("NAME", "first")), build("second.o", COPY.replace("NAME", "second"), f"-DTFM_ABI={OTHER}"),
                   build("main.o", MAIN)]
        program = os.path.join(folder, "program")
        subprocess.run(house.linker(command) + objects + ["-pthread", "-o", program], check=True)
        if (code := subprocess.run([program], check=False).returncode):
            faults.append(f"the program of two versions ends with {code}")
        house.finish(faults, f"{len(other)} symbols")


main()
