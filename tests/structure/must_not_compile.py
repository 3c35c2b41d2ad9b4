#!/usr/bin/env python3
"""What must not compile does not, and says why in its first lines.

Each file of must_not_compile/ is compiled twice: as it is, which must succeed, and with -DWRONG, which must fail and match
the regular expression of its line "// says: ..." in the first five lines of the compiler's output. A line "// with: ..."
gives further flags for the second time.

  must_not_compile.py -- COMPILER FLAGS...
"""
import concurrent.futures
import os
import re
import sys

import house

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "must_not_compile")


def fault_of(command, name, text):
    says = re.search(r"^// says: (.*)$", text, re.M)
    further = re.search(r"^// with: (.*)$", text, re.M)
    if not says or "WRONG" not in text and not further:
        return f"{name}: needs a line '// says: ...' and something under WRONG"
    if (errors := house.compile(command, text)):
        return f"{name}: does not compile even when it is right:\n{errors}"
    errors = house.compile(command + ["-DWRONG"] + (further.group(1).split() if further else []), text)
    if not errors:
        return f"{name}: compiles when it is wrong"
    first = "\n".join(errors.splitlines()[:5])
    return "" if re.search(says.group(1), first) else f"{name}: {says.group(1)!r} is not in the first five lines:\n{first}"


def self_test(command):
    house.check(fault_of(command, "x", "// says: other\n#ifdef WRONG\nint x = nothing;\n#endif\n"), "another message")
    house.check(fault_of(command, "x", "// says: int\n#ifdef WRONG\nint x = 1;\n#endif\n"), "a wrong program that compiles")
    house.check(not fault_of(command, "x", "// says: noth.ng\n#ifdef WRONG\nint x = nothing;\n#endif\n"), "the right message")


def main():
    command = house.compiler_from(sys.argv)
    self_test(command)
    names = sorted(name for name in os.listdir(FOLDER) if name.endswith(".cpp"))

    def look(name):
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            return fault_of(command, name, file.read())

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        house.finish([fault for fault in pool.map(look, names) if fault], f"{len(names)} programs")


main()
