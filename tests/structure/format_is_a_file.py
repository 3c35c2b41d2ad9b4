#!/usr/bin/env python3
"""docs/add-a-number-format.md, word for word: its format is added to a copy of the library, as two files and two lines of the list, and the
tests of packing and of products hold it.

  format_is_a_file.py -- COMPILER FLAGS...
"""
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile

import house

DOCUMENT = os.path.join(house.ROOT, "docs", "add-a-number-format.md")
LIST = "include/tfm/numeric/format_list.inl"
TESTS = ["support/main.cpp", "support/runs.cpp", "numeric/pack.cpp", "kernels/matmul.cpp"]
KERNELS = "cmake/compiled/kernels.cpp"
HAS_IT = """
#include <cstdio>
#include "tfm/numeric/pack.hpp"
int main() { return tfm::Q7::static_format == tfm::Format::q7 && tfm::name(tfm::Format::q7) == "Q7" ? 0 : 1; }
"""


def pieces(text):
    """{path: code} of the document's blocks whose first line names a file below include/."""
    found = {}
    for block in re.findall(r"^( *)```cpp\n(.*?)^ *```", text, re.M | re.S):
        lines = [line[len(block[0]):] if line.strip() else "" for line in block[1].splitlines()]
        if (named := re.match(r"// (include/\S+)$", lines[0])):
            found[named.group(1)] = lines[1:]
    return found


def listed(text, lines):
    """The list with a line at the end of TFM_FORMATS and one at the end of the includes."""
    entry, include = lines
    text = re.sub(r"(#define TFM_FORMATS\(X\)(?:[^\n]*\\\n)+[^\n]*)", lambda m: m.group(1) + " \\\n" + entry, text, count=1)
    last = list(re.finditer(r"^#include TFM_FORMAT_FILE\(\w+\)\n", text, re.M))[-1]
    return text[:last.end()] + include + "\n" + text[last.end():]


def differences(before, after):
    """Paths below `after` that `before` has not, or has otherwise."""
    found = []
    for folder, _, files in os.walk(after):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), after)
            old = os.path.join(before, path)
            if not os.path.exists(old) or not filecmp.cmp(old, os.path.join(after, path), shallow=False):
                found.append(path)
    return sorted(found)


def self_test():
    house.check(pieces("x\n  ```cpp\n  // include/a.hpp\n  b\n    c\n  ```\n") == {"include/a.hpp": ["b", "  c"]}, "a piece of a document")
    text = "#define TFM_FORMATS(X) \\\n  X(a, A)\n#endif\n#include TFM_FORMAT_FILE(a)\n#endif\n"
    expected = "#define TFM_FORMATS(X) \\\n  X(a, A) \\\n  X(b, B)\n#endif\n#include TFM_FORMAT_FILE(a)\n#include c\n#endif\n"
    house.check(listed(text, ["  X(b, B)", "#include c"]) == expected, "a line in each list")


def main():
    self_test()
    command = house.compiler_from(sys.argv)
    with open(DOCUMENT, encoding="utf-8") as file:
        added = pieces(file.read())
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(house.INCLUDE, os.path.join(folder, "include"))
        for path, lines in added.items():
            whole = os.path.join(folder, path)
            if path == LIST:
                with open(whole, encoding="utf-8") as file:
                    lines = listed(file.read(), lines).split("\n")[:-1]
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        touched = ["include/" + path for path in differences(house.INCLUDE, os.path.join(folder, "include"))]
        if touched != sorted(added) or len(touched) != 3:
            house.finish([f"three files were to be touched, found {touched}"], "a format is a file")

        copied = [word.replace(house.INCLUDE, os.path.join(folder, "include")) for word in command]
        tests = os.path.join(house.ROOT, "tests")
        objects = []
        sources = [(os.path.join(house.ROOT, KERNELS), "-O1")] + [(os.path.join(tests, name), "-O1") for name in TESTS]
        # What is no template of the rooms that these tests use.
        definitions = os.path.join(folder, "definitions.cpp")
        with open(definitions, "w", encoding="utf-8") as file:
            file.write("#define TFM_DEFINITIONS\n" + house.everything("core", "numeric", "kernels", "layers"))
        for source, level in sources + [(definitions, "-O1")]:
            objects.append(os.path.join(folder, f"{len(objects)}.o"))
            run = subprocess.run(copied + [level, "-DTFM_COMPILED", f"-I{tests}", "-c", source, "-o", objects[-1]], capture_output=True, text=True, check=False)
            if run.returncode:
                house.finish([f"{source} does not compile with the new format:\n{run.stderr}"], "a format is a file")
        program, has_it = os.path.join(folder, "tests"), os.path.join(folder, "has_it")
        link = house.linker(command)
        if (errors := house.compile(copied, HAS_IT, has_it + ".o")):
            house.finish([f"the format is not known:\n{errors}"], "a format is a file")
        subprocess.run(link + [has_it + ".o", "-o", has_it, "-pthread"], check=True)
        subprocess.run([has_it], check=True)
        subprocess.run(link + objects + ["-o", program, "-pthread"], check=True)
        run = subprocess.run([program], capture_output=True, text=True, check=False)
        house.finish([run.stdout[-2000:]] if run.returncode else [], "a format of two files and two lines")


main()
