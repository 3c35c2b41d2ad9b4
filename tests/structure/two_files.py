#!/usr/bin/env python3
"""A program of two files without CMake: one defines TFM_IMPLEMENTATION, the other compiles nothing of the library and is linked with it.

  two_files.py --libraries "-lsentencepiece -lutf8proc" -- COMPILER FLAGS...
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

import house

EXPECTED = "4 tokens\n"
MODEL = os.path.join(house.ROOT, "examples", "stories260K", "stories260K.F32.gguf")
USER = """
#include <tfm/llama.hpp>
#include <cstdio>
int main(int, char** arguments) {
  const auto llama = tfm::load_llama(arguments[1]);
  tfm::Session session(llama.model, {.context = 32, .threads = 1});
  session.evaluate(llama.tokenizer.encode(tfm::UserText{"Once upon a time"}));
  std::printf("%td tokens\\n", session.length());
}
"""
IMPLEMENTATION = "#define TFM_IMPLEMENTATION\n#include <tfm/llama.hpp>\n"
# What only the implementation may hold: a parser of JSON, a kernel, AnyLlama's forward pass, a reader of files.
DEAR = re.compile(r"^[0-9a-f]+ [TWt] .*(nlohmann::|::kernels::avx2::.*::matmul|::Llama<.*>::forward|::read_gguf)", re.M)


def symbols(path):
    return subprocess.run(["nm", "-C", path], capture_output=True, text=True, check=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", default="")
    parser.add_argument("compile", nargs="+")
    options = parser.parse_args()
    command, faults = options.compile, []
    with tempfile.TemporaryDirectory() as folder:
        user, implementation, program = (os.path.join(folder, name) for name in ("user.o", "implementation.o", "program"))
        for flags, source, output in ((["-DTFM_COMPILED"], USER, user), ([], IMPLEMENTATION, implementation)):
            if errors := house.compile([*command, "-O1", *flags], source, output):
                house.finish([errors], "two files")
        link = [*house.linker(command), "-pthread", "-o", program]
        alone = subprocess.run([*link, user, *options.libraries.split()], capture_output=True, text=True, check=False)
        house.check(alone.returncode != 0 and "tfm::" in alone.stderr, "a file that only declares links alone")
        house.check(DEAR.search(symbols(implementation)), "the implementation holds nothing dear")
        faults += [f"the file that only declares compiles {found.group(0)}" for found in DEAR.finditer(symbols(user))]
        linked = subprocess.run([*link, user, implementation, *options.libraries.split()], capture_output=True, text=True, check=False)
        if linked.returncode:
            house.finish(faults + [linked.stderr], "two files")
        run = subprocess.run([program, MODEL], capture_output=True, text=True, check=False)
        if run.stdout != EXPECTED:
            faults.append(f"the program says {run.stdout!r} and ends with {run.returncode}: {run.stderr}")
        print(f"the file that declares: {os.path.getsize(user):,} bytes; the implementation: {os.path.getsize(implementation):,}")
    house.finish(faults, "a program of two files")


main()
