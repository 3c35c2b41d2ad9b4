"""The program `kernels`, the same compiled for this CPU, and the libraries that multiply the same shapes."""
import json
import math
import os
import statistics
import tempfile

from . import machine, running

NATIVE = "ours, -march=native"
WORN = ", worn by "  # so many sequences wear the adapter
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def google_benchmark(command, repetitions, seconds):
    """(limits of the process, {benchmark: its repetitions}) of a program by Google Benchmark; repetitions of all take turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")
        running.output_of([*command, "--benchmark_enable_random_interleaving=true", f"--benchmark_repetitions={repetitions}",
                           f"--benchmark_min_time={seconds}", f"--benchmark_out={path}", "--benchmark_out_format=json"])
        with open(path, encoding="utf-8") as file:
            return repetitions_of(json.load(file))


def repetitions_of(found):
    repetitions = {}
    for one in sorted(found["benchmarks"], key=lambda one: one["family_index"]):  # they are written as they ran
        if one["run_type"] == "iteration":
            repetitions.setdefault(one["run_name"].removesuffix("/real_time"), []).append(one)
    return {name: float(found["context"][name]) for name in machine.LIMITS}, repetitions


def medians(rounds):
    """{benchmark: {"label", "operations", "bytes"}}, rates of all repetitions of all rounds."""
    def rate(name, key):
        return statistics.median(one[key] for _, repetitions in rounds for one in repetitions[name])

    return {name: {"label": ones[0].get("label", ""), "operations": rate(name, "items_per_second"), "bytes": rate(name, "bytes_per_second")}
            for name, ones in rounds[0][1].items()} if rounds else {}


def rows_of(limits, ours, native, libraries):
    """Rows of medians(): ours, those of -march=native, and {library: {shape: (its limit, operations per second)}}. Works against reading
    and those without a limit are counted by bytes, the others by operations."""
    rows = []
    for name, one in ours.items():
        group, work = name.split("/", 1)
        base = name.split(WORN)[0] + WORN + "0" if WORN in name else None
        if work.startswith("Eigen") or name == base:
            continue
        limit = one["label"]
        what, unit = ("bytes", "GB/s") if limit in ("", "reading") else ("operations", "G/s")
        peers = {}
        if base:
            peers["without adapter"] = ours[base]["operations"]
        elif name in native:
            peers[NATIVE] = native[name][what]
        if group == "products":
            shape = " ".join(work.split()[-5:])  # 512 x 1024 x 1024
            if limit == "float32":
                peers |= {peer: found[f"products/Eigen float {shape}"]["operations"]
                          for peer, found in (("Eigen", ours), ("Eigen, -march=native", native)) if f"products/Eigen float {shape}" in found}
            peers |= {library: found[shape][1] for library, found in libraries.items() if shape in found and found[shape][0] == limit}
        rows.append(running.row(work if group == "products" else f"{group}: {work}", "kernels", one[what] / 1e9, unit,
                                part=one[what] / limits[limit] if limit else None, limit=limit or None,
                                peers={peer: rate / 1e9 for peer, rate in peers.items()},
                                roof=(one["operations"] / one["bytes"], one["operations"]) if group in ("products", "one token") else None))
    return rows


def measure(options, _):
    quick = options.quick
    repetitions, seconds = (1, 0.001) if quick else (math.ceil(max(7, options.rounds) / options.rounds), 0.05)
    flags = ["--threads", options.threads, *options.held, *(["--size", 1024] if quick else [])]
    works = {"tfm": lambda: google_benchmark([running.program(options, "kernels"), *flags], repetitions, seconds)}
    native = running.program(options, "kernels_native")
    if os.path.exists(native):
        works[NATIVE] = lambda: google_benchmark([native, *flags, "--benchmark_filter=^(products|one token)/"], repetitions, seconds)
    else:
        running.say("left out: kernels_native: it was not built")
    script = os.path.join(HERE, "product_peers.py")
    if options.has("torch, numpy", script):
        command = [options.python, script, "--threads", options.threads, "--rounds", 1 if quick else repetitions, *(["--held"] if options.isa else []),
                   "--sizes", 1024, *([] if quick else [4096])]
        works["libraries"] = lambda: running.last_json(command)
    found = running.in_turn(options.rounds, works)
    limits = {name: statistics.median(one[name] for one, _ in found["tfm"]) for name in machine.LIMITS}
    libraries = {}
    for library, one in (found.get("libraries") or [{}])[0].items():
        libraries[library] = {shape: (one["limit"], statistics.median(run[library]["rates"][shape] for run in found["libraries"])) for shape in one["rates"]}
    return rows_of(limits, medians(found["tfm"]), medians(found.get(NATIVE)), libraries)
