#!/usr/bin/env python3
"""Two files with different -m flags in one program give the same bits, whichever the linker sees first.

An inline function that both files hold is one function after linking, and the order decides whose code it is.

  mixed_flags.py -- COMPILER FLAGS...
"""
import concurrent.futures
import os
import platform
import subprocess
import sys
import tempfile

import house

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mixed_flags")
FLAGS = ["-mavx2", "-mfma"]
CODE = """
#include <cstdio>
inline {attribute} float joined(float a, float b, float c) {{ return a * b + c; }}
float NAME(float a, float b, float c) {{ return joined(a, b, c); }}
"""


def source(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def outputs(command, folder, plain, flagged, main):
    """What the program prints in both link orders, and whether each was content."""

    def build(arguments):
        name, text, flags = arguments
        output = os.path.join(folder, name)
        return output, house.compile(command + ["-O2", "-I", FOLDER, *flags], text, output)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        built = list(pool.map(build, [("main.o", main, []), ("plain.o", plain, []), ("flagged.o", flagged, FLAGS)]))
    for name, errors in built:
        if errors:
            house.finish([f"{name} does not compile:\n{errors}"], "mixed flags")
    first, second, third = (name for name, _ in built)
    found = []
    for order in ([first, second, third], [first, third, second]):
        program = os.path.join(folder, "program")
        subprocess.run(house.linker(command) + order + ["-pthread", "-o", program], check=True)
        run = subprocess.run([program], capture_output=True, text=True, check=False)
        found.append((run.stdout, run.returncode))
    return found


def self_test(command, folder):
    """An inline function that the flags may fuse must be found out."""
    main = "#include <cstdio>\nfloat plain(float, float, float);\nfloat flagged(float, float, float);\n" \
           "int main() { std::printf(\"%a\\n\", static_cast<double>(plain(1.1f, 1.3f, -1.43f))); }\n"
    code = CODE.format(attribute="__attribute__((noinline))")
    contract = ["-ffp-contract=fast"]
    (one, _), (other, _) = outputs(command + contract, folder, code.replace("NAME", "plain"), code.replace("NAME", "flagged"), main)
    house.check(one != other, "an inline multiply-add whose rounding depends on the link order")


def main():
    command = house.compiler_from(sys.argv)
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        if platform.machine() != "x86_64" or not all(f" {flag[2:]} " in file.read().replace("\n", " ") for flag in FLAGS[:1]):
            print("[tfm: skipped] this CPU does not run -mavx2")
            return
    with tempfile.TemporaryDirectory() as folder:
        self_test(command, folder)
        unit = source("unit.cpp")
        (one, failed), (other, failed_too) = outputs(
            command, folder, "#define TFM_RESULTS plain_results\n" + unit, "#define TFM_RESULTS flagged_results\n" + unit, source("main.cpp"))
    faults = [line for line in one.splitlines() + other.splitlines() if line.startswith("different")]
    faults += [f"the link order decides: {a}  or  {b}" for a, b in zip(one.splitlines(), other.splitlines()) if a != b]
    if (failed or failed_too or not one) and not faults:
        faults.append(f"the programs end with {failed} and {failed_too}")
    house.finish(faults, f"{len(one.splitlines())} results in two link orders")


main()
