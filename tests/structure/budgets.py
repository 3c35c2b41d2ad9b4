#!/usr/bin/env python3
"""What including tfm costs: CPU seconds of the compiler, as ratios to third-party and standard headers alone, timed in the same run; and
what the first program weighs.

Checked: <tfm/fwd.hpp> at most 1.5 x an empty #include <span>; hello strips to at most 3 MB. Printed: <tfm/llama.hpp>, and hello at -O2.
"""
import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
THIRD_PARTY = ["xsimd/xsimd.hpp", "nlohmann/json.hpp", "sentencepiece_processor.h", "utf8proc.h"]
STANDARD = ["algorithm", "array", "atomic", "bit", "charconv", "cmath", "concepts", "condition_variable", "cstring", "deque", "exception",
            "filesystem", "functional", "map", "memory", "mutex", "numeric", "optional", "set", "span", "string", "string_view", "system_error",
            "thread", "unordered_map", "utility", "vector"]


def cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def least(command: list[str], rounds: int) -> float:
    return min(cpu_seconds(command) for _ in range(rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentencepiece", required=True)
    parser.add_argument("compile", nargs="+")
    arguments = parser.parse_args()
    if arguments.sentencepiece.lower() not in ("1", "true", "on"):
        THIRD_PARTY.remove("sentencepiece_processor.h")
    compile = arguments.compile
    with tempfile.TemporaryDirectory() as folder:
        def file(name: str, headers: list[str]) -> str:
            path = pathlib.Path(folder) / name
            path.write_text("".join(f"#include <{h}>\n" for h in headers))
            return str(path)

        syntax = [*compile, "-fsyntax-only"]
        base = least([*syntax, file("base.cpp", [*STANDARD, *THIRD_PARTY])], 3)
        llama = least([*syntax, file("llama.cpp", ["tfm/llama.hpp"])], 3)
        span = least([*syntax, file("span.cpp", ["span"])], 5)
        fwd = least([*syntax, file("fwd.cpp", ["tfm/fwd.hpp"])], 5)
        program = os.path.join(folder, "hello.o")
        hello = cpu_seconds([*compile, "-O2", "-c", str(ROOT / "examples/hello/hello.cpp"), "-o", program])
        print(f"headers alone {base:.2f} s; <tfm/llama.hpp> {llama:.2f} s ({llama / base:.2f} x); hello at -O2 {hello:.1f} s ({hello / base:.1f} x); "
              f"<tfm/fwd.hpp> {fwd / span:.2f} x <span>")
        if fwd > 1.5 * span:
            sys.exit(f"<tfm/fwd.hpp> costs {fwd:.3f} s, <span> {span:.3f}: more than 1.5 times as much")
        if shutil.which("strip"):
            subprocess.run(["strip", "--strip-unneeded", program], check=True)
            size = os.path.getsize(program)
            print(f"hello strips to {size / 1e6:.2f} MB")
            if size > 3_000_000:
                sys.exit(f"hello strips to {size} bytes, more than 3 MB")


main()
