#!/usr/bin/env python3
"""The headers define no macro without the prefix TFM_.

  macros.py -- COMPILER FLAGS...
"""
import re
import subprocess
import sys

import house


def macros(command, source):
    run = subprocess.run(command + ["-E", "-dM", "-x", "c++", "-"], input=source, capture_output=True, text=True, check=False)
    if run.returncode:
        print(run.stderr)
        sys.exit(1)
    return set(re.findall(r"^#define (\w+)", run.stdout, re.M))


def strangers(ours, others):
    return sorted(name for name in ours - others if not name.startswith("TFM_"))


def main():
    command = house.compiler_from(sys.argv)
    house.check(strangers({"TFM_A", "MAX"}, set()) == ["MAX"], "a macro of another name")
    foreign = {name for path in house.headers(bodies=True) for _, name in house.includes(house.read(path)) if not name.startswith("tfm/")}
    # Some belong to other systems; those are not included here either.
    guarded = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in sorted(foreign - {"arm_neon.h"}))
    found = strangers(macros(command, house.everything()), macros(command, guarded))
    house.finish([f"include/: defines the macro {name}, which lacks the prefix TFM_" for name in found], f"{len(house.headers())} headers")


main()
