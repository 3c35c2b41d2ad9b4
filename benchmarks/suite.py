#!/usr/bin/env python3
"""The whole suite: kernels and models against the limits measured in the same run, beside the peers that are there; and what work costs as
it grows.

    suite.py --build build-bench [--model FILE.gguf ...] [--llama-bench PATH] [--python VENV/bin/python] [--compare OLD/suite.json]

BUILD is a folder configured with -DTFM_BUILD_BENCHMARKS=ON and -DTFM_BUILD_EXAMPLES=ON. Works and peers take turns; figures are medians.
It prints the limits first, then one table, the curves' points and exponents, and changes since an earlier run on the same CPU; DIR gets suite.json,
suite.md, bars.svg, roofline.svg and curves.svg, after each group those so far. Peers that are not there are left out, and named.
"""
import argparse
import datetime
import json
import os
import subprocess
import sys
import time

from suite import curves, machine, pictures, running, table, works

SCHEMA = 1
HERE = os.path.dirname(os.path.abspath(__file__))


class Fault(Exception):
    """What the user should hear, without a traceback."""


class Options(argparse.Namespace):
    def has(self, imports, script):
        """Whether the peers' Python imports these, and the peer's script is there; what is missing is named once."""
        if (imports, script) not in self.known:
            missing = None
            if not self.python:
                missing = "no --python"
            elif not os.path.exists(script):
                missing = f"there is no {script}"
            elif subprocess.run([self.python, "-c", f"import {imports}"], capture_output=True, check=False).returncode:
                missing = f"{self.python} cannot import {imports}"
            if missing:
                running.say(f"left out: {os.path.basename(script)} ({imports}): {missing}")
            self.known[imports, script] = missing is None
        return self.known[imports, script]


def parse(words):
    shared = os.environ.get("TFM_SHARED", os.path.join(HERE, "..", "..", "shared"))
    groups = [*works.WORKS, "curves"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build folder")
    parser.add_argument("--tfm", help="the program tfm; the build folder's unless it is given")
    parser.add_argument("--model", action="append", nargs="+", default=[], help="GGUF files for models and curves")
    parser.add_argument("--curve-model", action="append", nargs="+", default=[], help="GGUF files for curves alone, which take minutes; --model's unless given")
    parser.add_argument("--deep-model", action="append", nargs="+", default=[],
                        help="those of --model that decode after 4,096 tokens, too, which takes llama.cpp minutes; all unless given")
    parser.add_argument("--llama-bench", help="llama.cpp's program, a peer")
    parser.add_argument("--llama-cli", help="llama.cpp's llama-cli or llama-completion, a peer of the first token")
    parser.add_argument("--python", help="a Python with torch (and peft, ctranslate2, bitsandbytes), whose scripts are peers")
    parser.add_argument("--peers", default=os.path.normpath(os.path.join(shared, "bench")),
                        help="folder of pytorch_transformer.py and pytorch_lora.py; $TFM_SHARED/bench unless it is given")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--isa", help="instruction set that our programs are held to; peers are held to it by their own builds and environments")
    parser.add_argument("--rounds", type=int, default=3, help="how often works and peers take turns")
    parser.add_argument("--only", help=f"some of {','.join(groups)}")
    parser.add_argument("--quick", action="store_true", help="little work, to see that everything runs; the figures mean nothing")
    parser.add_argument("--out", help="folder of what is written; BUILD/suite unless it is given")
    parser.add_argument("--readme", help="a Markdown file whose table of this CPU is replaced; other CPUs' tables stay")
    parser.add_argument("--compare", help="an earlier suite.json")
    options = parser.parse_args(words, Options())
    options.known, options.flash = {}, {}
    options.held = ["--isa", options.isa] if options.isa else []
    for name in "model", "curve_model", "deep_model":
        setattr(options, name, [file for files in getattr(options, name) for file in files])
    options.groups = options.only.split(",") if options.only else groups
    for group in options.groups:
        if group not in groups:
            parser.error(f"--only: there is no {group}, only {','.join(groups)}")
    if options.threads < 1 or options.rounds < 1:
        parser.error("--threads and --rounds are 1 or more")
    if set(options.deep_model) - set(options.model):
        parser.error("--deep-model names some of --model")
    for program in "llama_bench", "llama_cli", "python", "tfm":  # as files, not as commands to be looked for
        if getattr(options, program):
            setattr(options, program, os.path.abspath(getattr(options, program)))
    options.out = options.out or os.path.join(options.build, "suite")
    options.tfm = options.tfm or os.path.join(options.build, "examples", "tfm", "tfm")
    return options


def check_programs(options):
    needed = {"limits", *(name for group in options.groups for name in works.NEEDS.get(group, []))}
    missing = sorted(name for name in needed if not os.path.exists(running.program(options, name)))
    if (options.model or options.curve_model) and {"models", "curves"} & set(options.groups) and not os.path.exists(options.tfm):
        missing.append("tfm_cli")
    if missing:
        wants = " (kernels needs Google Benchmark when CMake runs)" if "kernels" in missing else ""
        raise Fault(f"not built in {options.build}: {' '.join(missing)}; ninja -C {options.build} {' '.join(missing)} builds them{wants}")
    for what, file in [("--llama-bench", options.llama_bench), ("--llama-cli", options.llama_cli), ("--python", options.python), ("--compare", options.compare),
                       *(("--model", file) for file in options.model), *(("--curve-model", file) for file in options.curve_model)]:
        if file and not os.path.exists(file):
            raise Fault(f"{what}: there is no {file}")


def peers_of(options):
    """The peers that may take part, and those that are missing."""
    found = [f"{name}: {path}" if path else f"{name} left out (no {flag})"
             for name, path, flag in (("llama.cpp", options.llama_bench, "--llama-bench"), ("its first token", options.llama_cli, "--llama-cli"),
                                      ("PyTorch and others", options.python, "--python"))]
    return ["Eigen, in kernels", *found, *([] if options.model else ["models left out (no --model)"])]


def measure(options):
    """After each group the results so far, so that a run which is ended leaves what it has measured."""
    probes = machine.Limits(running.program(options, "limits"), options.threads, options.held)
    probes.probe()
    cpu = machine.cpu()
    print(machine.head(cpu, probes.median(), options.build, peers_of(options)))
    print("\n" + machine.limit_lines(cpu, probes.median()), flush=True)
    failed = []

    def group_of(group, work):
        """What work() gives, of one group; nothing where a program of ours fails, which does not end the others."""
        running.say(f"{group} ...")
        begin = time.monotonic()
        try:
            return work()
        except RuntimeError as error:
            running.say(f"failed: {group}: {error}")
            failed.append(group)
            return []
        finally:
            running.say(f"{group}: {time.monotonic() - begin:.0f} s")

    rows, drawn, done = [], [], []
    for group in (each for each in [*works.WORKS, "curves"] if each in options.groups):
        if group == "curves":
            drawn = group_of(group, lambda: curves.measure(options))
        else:
            rows += group_of(group, lambda work=works.WORKS[group]: work(options, probes.median()))
            probes.probe()
        done.append(group)
        yield {"schema": SCHEMA, "date": str(datetime.date.today()), "quick": options.quick, "groups": done, "failed": failed, "machine": cpu,
               "build": machine.flags_of(options.build), "limits": probes.median(), "rows": rows, "curves": drawn}
    if moved := probes.moved():
        print(moved)


def write(options, results):
    """Writes what the run gives into --out; returns the paths."""
    title = machine.title_of(results["machine"], options.isa)
    where = f"{title}, {results['limits']['isa']}, {results['limits']['threads']} threads, {results['date']}"
    files = {"suite.json": json.dumps(results, indent=1) + "\n", "suite.md": f"## The suite on {title}\n\n{table.markdown(results)}"}
    if results["rows"]:
        files["bars.svg"] = pictures.bars(f"Part of the limit: {where}", results["rows"], table.ratio)
    if any(row["operations_per_byte"] for row in results["rows"]):
        files["roofline.svg"] = pictures.roofline(f"Roofline: {where}", results["limits"], results["rows"])
    if results["curves"]:
        files["curves.svg"] = pictures.curves(f"Cost against size: {where}", results["curves"])
    os.makedirs(options.out, exist_ok=True)
    for name, text in files.items():
        with open(os.path.join(options.out, name), "w", encoding="utf-8") as file:
            file.write(text)
    return [os.path.join(options.out, name) for name in files]


def write_readme(options, results):
    with open(options.readme, encoding="utf-8") as file:
        old = file.read()
    with open(options.readme, "w", encoding="utf-8") as file:
        file.write(table.with_section(old, machine.title_of(results["machine"], options.isa), table.markdown(results)))


def main(words):
    options = parse(words)
    check_programs(options)
    earlier = None
    if options.compare:
        with open(options.compare, encoding="utf-8") as file:
            earlier = json.load(file)
    for results in measure(options):
        files = write(options, results)
    if results["rows"]:
        print("\n" + table.text(results["rows"]))
    if results["curves"]:
        print("\n" + curves.text(results["curves"]))
    if earlier:
        print("\n" + table.compare(earlier, results))
    print("\nwritten: " + " ".join(files))
    if options.readme:
        write_readme(options, results)
    if results["failed"]:
        raise Fault("failed: " + ", ".join(results["failed"]))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (Fault, RuntimeError) as error:
        sys.exit(f"suite: {error}")
