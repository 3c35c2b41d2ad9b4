#!/usr/bin/env python3
"""Where the user's flags allow a fused multiply-add, the compiler finds none to make in our code.

uses.cpp is compiled with -mavx -mfma, and the machine code is read: only functions of a region with instructions of its own
may hold fused operations. This sees what multiply_add.py cannot read from the text, and the rooms that it does not read.

  contraction.py -- COMPILER FLAGS...
"""
import os
import platform
import re
import subprocess
import sys
import tempfile

import house

FLAGS = ["-O2", "-mavx", "-mfma"]
REGION = re.compile(r"::kernels::(?:avx2|avx_vnni|avx512|avx512_vnni|avx512_bf16|neon|neon_dotprod|neon_i8mm)::")
# The product in these is exact in float32 (Q4_1: a scale of 11 bits times a level of 4), so that joining changes no bit.
EXACT = re.compile(r"::(?:value_at|dequantise_row|row|column)\(")


def fused(object_file):
    """Function -> number of fused operations in it."""
    run = subprocess.run(["objdump", "-d", "--no-show-raw-insn", object_file], capture_output=True, text=True, check=True)
    function, found = "", {}
    for line in run.stdout.splitlines():
        if (match := re.match(r"^[0-9a-f]+ <(.*)>:$", line)) is not None:
            function = match.group(1)
        elif re.search(r"\tv?fn?m(?:add|sub)", line):
            found[function] = found.get(function, 0) + 1
    names = subprocess.run(["c++filt"], input="\n".join(found), capture_output=True, text=True, check=True).stdout.splitlines()
    return dict(zip(names, found.values()))


def faults_of(found):
    return [f"{count} fused operations, by the user's flags, in {name}" for name, count in sorted(found.items())
            if "tfm::" in name and not REGION.search(name) and not EXACT.search(name)]


def main():
    command = house.compiler_from(sys.argv)
    if platform.machine() != "x86_64":
        print("[tfm: skipped] reads x86-64 machine code")
        return
    with tempfile.TemporaryDirectory() as folder:
        def compiled(name, source):
            output = os.path.join(folder, name)
            if (errors := house.compile(command + FLAGS, source, output)):
                house.finish([f"{name} does not compile:\n{errors}"], "contraction")
            return fused(output)

        # clang fuses within an expression, g++ across statements too.
        code = "namespace tfm { float f(float a, float b, float c) { return a * b + c; } float g(float a, float b) { return a * b; } }"
        house.check([re.sub(r".* in ", "", fault) for fault in faults_of(compiled("self.o", code))] == ["tfm::f(float, float, float)"], code)
        with open(os.path.join(house.ROOT, "tests", "structure", "uses.cpp"), encoding="utf-8") as file:
            found = compiled("uses.o", file.read())
    house.check(any(REGION.search(name) for name in found), "no fused operation even in the regions")
    house.finish(faults_of(found), f"{len(found)} functions with fused operations")


main()
