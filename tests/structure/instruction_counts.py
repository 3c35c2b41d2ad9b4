#!/usr/bin/env python3
"""What a token and a training step cost, in instructions: a guard against slow code that noise does not reach.

counted.cpp is compiled with -O2 whatever the preset says, and runs under valgrind's callgrind. Each work runs a few times and a few
times more, so that the difference holds nothing of the start. Held against instruction_counts.json: more than AT_MOST of what is
recorded there is a regression; less than AT_LEAST is work that was not done, or a record to renew. g++ and clang have records of
their own; another compiler is held against both. The regions are asked for by name, so that the machine does not matter; those above
AVX2 are not counted, since valgrind does not know their instructions.

  instruction_counts.py [--update] [--kernels ARCHIVE] -- COMPILER FLAGS...
     --update records what is counted, for this compiler; ARCHIVE has the kernels, compiled with -O2 already
"""
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile

import house

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "instruction_counts.json")
AT_MOST, AT_LEAST = 1.25, 0.5
# By AnyModel a token costs at most so many times what it costs by the model that it holds.
HELD, ANY, ANY_AT_MOST = "a token decoded, Q8_0", ["decode_any", "Q8_0"], 1.001
# What is counted, counted.cpp's words for it, how often it runs, and how many there are in one run.
WORK = [
    ("a token decoded, Q8_0", ["decode", "Q8_0"], (4, 12), 1),
    ("a token decoded, Q4_0", ["decode", "Q4_0"], (4, 12), 1),
    ("a token of a prompt of 32, Q8_0", ["prefill", "Q8_0"], (1, 3), 32),
    ("a token of a prompt of 32, Q4_0", ["prefill", "Q4_0"], (1, 3), 32),
    ("a training step of an adapter, Int8", ["lora", "Int8"], (1, 2), 1),
    ("a training step of a Transformer", ["transformer", "F32"], (1, 3), 1),
]
ISAS = ["avx2", "baseline"]
VALGRIND = ["valgrind", "--command-line-only=yes", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
NO_SUCH_ISA = 3  # counted.cpp's exit status


def fixed_flags(command):
    """The compiler's command with none of the user's flags that change the code."""
    return [word for word in command if not word.startswith(("-O", "-g", "-m", "-f", "-D"))] + ["-O2", "-DNDEBUG", "-DTFM_COMPILED"]


def build(command, folder, kernels):
    """The counted program: its own file, and the kernels as tfm::compiled has them: out of `kernels`, or compiled here."""
    objects, sources = [], [os.path.join(HERE, "counted.cpp")]
    if not kernels:
        sources.append(os.path.join(house.ROOT, "cmake", "compiled", "kernels.cpp"))
    for source in sources:
        objects.append(os.path.join(folder, os.path.basename(source) + ".o"))
        subprocess.run([*command, "-I" + os.path.join(house.ROOT, "tests"), "-c", source, "-o", objects[-1]], check=True)
    program = os.path.join(folder, "counted")
    subprocess.run(house.linker(command) + objects + ([kernels] if kernels else []) + ["-pthread", "-o", program], check=True)
    return program


def instructions(program, words, isa, times):
    """All instructions of one run; None where the CPU lacks `isa`."""
    run = subprocess.run([*VALGRIND, program, *words, isa, str(times)], capture_output=True, text=True, check=False,
                         env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"})
    if run.returncode == NO_SUCH_ISA:
        return None
    found = [line.rsplit(":", 1)[1] for line in run.stderr.splitlines() if "Collected :" in line]
    if run.returncode != 0 or len(found) != 1:
        house.finish([f"valgrind ends with {run.returncode} on {shlex.join([*words, isa, str(times)])}:\n{run.stderr}"], "instruction counts")
    house.check(run.stdout.strip() == isa, f"{isa} was asked for, {run.stdout.strip()} ran")
    return int(found[0])


def count(program):
    """{work: {isa: instructions of one}}"""
    counts = {}
    for name, words, (few, many), each in WORK:
        counts[name] = {}
        for isa in ISAS:
            first = instructions(program, words, isa, few)
            if first is not None:
                counts[name][isa] = (instructions(program, words, isa, many) - first) // ((many - few) * each)
    return counts


def faults_of_any(counts, program):
    """AnyModel beside the model that it holds, in this very program."""
    _, _, (few, many), each = next(work for work in WORK if work[0] == HELD)
    faults = []
    for isa, held in counts[HELD].items():
        found = (instructions(program, ANY, isa, many) - instructions(program, ANY, isa, few)) // ((many - few) * each)
        print(f"{'the same by AnyModel':36}  {isa:9}{found:14,}  held by it{held:12,}  {found / held:8.4%}")
        if found > ANY_AT_MOST * held:
            faults.append(f"a token by AnyModel, {isa}: {found:,} instructions, more than {ANY_AT_MOST} times the {held:,} of the model that it holds")
    return faults


def faults_of(counts, records):
    """Against the largest of the records at the upper end, and the least at the lower."""
    faults = []
    for name, of_isas in counts.items():
        for isa, found in of_isas.items():
            recorded = [record[name][isa] for record in records if isa in record.get(name, {})]
            if not recorded:
                faults.append(f"{name}, {isa}: nothing is recorded")
            elif found > AT_MOST * max(recorded):
                faults.append(f"{name}, {isa}: {found:,} instructions, more than {AT_MOST} times the recorded {max(recorded):,}")
            elif found < AT_LEAST * min(recorded):
                faults.append(f"{name}, {isa}: {found:,} instructions, less than {AT_LEAST} times the recorded {min(recorded):,}: "
                              "either the work is not done, or the record is to be renewed")
    return faults


def self_test():
    record = {"work": {"avx2": 1000, "baseline": 4000}}
    other = {"work": {"avx2": 2000, "baseline": 4000}}
    house.check(not faults_of({"work": {"avx2": 1250, "baseline": 2000}}, [record]), "counts within the bounds")
    house.check(len(faults_of({"work": {"avx2": 1251, "baseline": 1999}}, [record])) == 2, "counts beyond the bounds")
    house.check(not faults_of({"work": {"avx2": 2500}}, [record, other]) and not faults_of({"work": {"avx2": 500}}, [record, other]), "two records")
    house.check(len(faults_of({"work": {"avx2": 2501}}, [record, other])) == 1, "more than both records")
    house.check(len(faults_of({"play": {"avx2": 1}}, [record])) == 1, "work without a record")
    house.check(fixed_flags(["g++", "-march=native", "-O0", "-stdlib=libc++", "-Iinclude", "-fsanitize=address"])[:3] == ["g++", "-stdlib=libc++", "-Iinclude"],
                "flags of the user that change the code")


def family(command):
    """"g++", "clang++" or "another compiler"; what it says of itself."""
    macros = subprocess.run([*house.linker(command), "-dM", "-E", "-x", "c++", os.devnull], capture_output=True, text=True, check=True).stdout
    said = [line.split(" ", 2)[2].strip('"') for line in macros.splitlines() if line.startswith("#define __VERSION__")]
    name = "clang++" if "#define __clang__ " in macros else "g++" if "#define __GNUC__ " in macros else "another compiler"
    return name, (said or ["?"])[0]


def main():
    self_test()
    if platform.machine() != "x86_64":
        print("[tfm: skipped] instructions are counted on x86-64")
        return
    if shutil.which("valgrind") is None:
        print("[tfm: skipped] valgrind is not installed")
        return
    command = fixed_flags(house.compiler_from(sys.argv))
    own = sys.argv[:sys.argv.index("--")]
    kernels = own[own.index("--kernels") + 1] if "--kernels" in own else None
    compiler, version = family(command)
    with tempfile.TemporaryDirectory() as folder:
        program = build(command, folder, kernels)
        counts = count(program)
        faults = faults_of_any(counts, program)
    with open(RECORD, encoding="utf-8") as file:
        record = json.load(file)
    if "--update" in own:
        record[compiler] = {"version": version, **counts}
        with open(RECORD, "w", encoding="utf-8") as file:
            file.write(json.dumps(record, indent=2) + "\n")
    records = [record[compiler]] if compiler in record else list(record.values())
    print(f"{compiler} {version}, -O2; recorded with {' and '.join(r['version'] for r in records)}")
    for name, of_isas in counts.items():
        for isa, found in of_isas.items():
            recorded = max((r[name][isa] for r in records if isa in r.get(name, {})), default=0)
            print(f"{name:36}  {isa:9}{found:14,}  recorded{recorded:14,}" + (f"  {found / recorded:6.1%}" if recorded else ""))
    faults += faults_of(counts, records)
    if faults:
        print("If this is as it should be: " + shlex.join([sys.executable, sys.argv[0], "--update", *sys.argv[1:]]))
    house.finish(faults, f"{sum(map(len, counts.values()))} counts")


main()
