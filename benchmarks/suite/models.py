"""Whole models beside llama.cpp: prefill, decode, decode after a long context, and the first token of a new process."""
import json
import os
import statistics
import tempfile
import time

from . import running

LARGE = 2 ** 29  # bytes of a file of which one run of each program is long enough
SLOW = 2 ** 31  # of one whose processes start in seconds, and are few


def repetitions(options, file, depth):
    """Of one program's run, besides the one that it warms up with. Those after many tokens share these."""
    return 1 if options.quick or (os.path.getsize(file) > LARGE and not depth) else 3


def tfm_bench(options, file, prompt, generate, depth=0, threads=None):
    return running.last_json([options.tfm, "bench", "--model", file, "--threads", threads or options.threads, *options.held, "--prompt", prompt, "--generate", generate,
                              "--depth", depth, "--repetitions", repetitions(options, file, depth), "--json"])


def llama_bench(options, file, prompt, generate, depth=0, threads=None):
    """(prefill, decode) tokens per second, the better of with and without flash attention; 0 for what was not asked. Both are run the first
    time; where one of them was the better of both works, it alone is run from then on."""
    work = (file, prompt, generate, depth, threads)
    best, better = [0, 0], ["0", "0"]
    for flash in options.flash.get(work, ("0", "1")):
        found = json.loads(running.output_of([options.llama_bench, "-m", file, "-t", threads or options.threads, "-p", prompt, "-n", generate, "-d", depth,
                                              "-r", repetitions(options, file, depth), "-fa", flash, "-o", "json"]))
        for one in found:
            place = 0 if one["n_prompt"] > 0 else 1
            if one["avg_ts"] > best[place]:
                best[place], better[place] = one["avg_ts"], flash
    options.flash.setdefault(work, tuple(sorted({flash for flash, speed in zip(better, best) if speed})))
    return best


def context_of(options, file):
    """The most tokens that the model was trained with."""
    return json.loads(running.output_of([options.tfm, "info", "--model", file, "--json"]))["shape"]["context"]


def prefill_amounts(figures, tokens):
    """Operations of the layers' products: two for each weight and token."""
    quantised = figures["quantised_parameters"]
    return {"int8": 2 * tokens * quantised, "float32": 2 * tokens * (figures["layer_parameters"] - quantised)}


def decode_amounts(figures, held):
    """Bytes that a token reads after `held` others."""
    return {"reading": figures["weight_bytes_per_token"] + held * figures["cache_bytes_per_token"]}


def with_peer(options, ours, peer):
    return {"tfm": ours, **({"llama.cpp": peer} if options.llama_bench else {})}


def medians_of(found, place, what):
    """(ours, {peer: its}) of bench's runs."""
    return (statistics.median(one[f"{what}_tokens_per_second"] for one in found["tfm"]),
            {peer: statistics.median(one[place] for one in runs) for peer, runs in found.items() if peer != "tfm"})


def decode_row(options, limits, work, found, held):
    """`held`: what the middle token has before it."""
    figures, (ours, peers) = found["tfm"][0], medians_of(found, 1, "decode")
    amounts = decode_amounts(figures, held)
    part, limit = running.part_of(limits, amounts, 1 / ours)
    operations = 2 * (figures["layer_parameters"] + figures["output_parameters"])
    return running.row(work, "models", ours, "tokens/s", part=part, limit=limit, peers=peers, roof=(operations / amounts["reading"], operations * ours))


def speed(options, limits, file, name):
    prompt, generate = (64, 8) if options.quick else (512, 64)
    found = running.in_turn(options.rounds, with_peer(options, lambda: tfm_bench(options, file, prompt, generate),
                                                      lambda: llama_bench(options, file, prompt, generate)))
    figures, (ours, peers) = found["tfm"][0], medians_of(found, 0, "prefill")
    part, limit = running.part_of(limits, prefill_amounts(figures, prompt), prompt / ours)
    operations = 2 * prompt * figures["layer_parameters"]
    return [running.row(f"prefill {name}, {prompt} tokens", "models", ours, "tokens/s", part=part, limit=limit, peers=peers,
                        roof=(operations / figures["weight_bytes_per_token"], operations / prompt * ours)),
            decode_row(options, limits, f"decode {name}, {generate} tokens", found, generate / 2),
            running.row(f"load {name}, file in memory", "models", 1e3 * statistics.median(one["load_seconds"] for one in found["tfm"]), "ms", "less")]


def deep(options, limits, file, name):
    """Decoding after many tokens, whose keys and values are read with the weights."""
    depth, generate = (128, 8) if options.quick else (4096, 32)
    if context_of(options, file) < depth + generate:
        running.say(f"left out: decode {name} after {depth:,} tokens: its context is shorter")
        return []
    found = running.in_turn(options.rounds, with_peer(options, lambda: tfm_bench(options, file, 1, generate, depth),
                                                      lambda: llama_bench(options, file, 0, generate, depth)))
    return [decode_row(options, limits, f"decode {name} after {depth:,} tokens", found, depth + generate / 2)]


def milliseconds_of(command):
    begin = time.perf_counter()
    running.output_of(command)
    return 1e3 * (time.perf_counter() - begin)


def first_token(options, file, name):
    """From the start of a process to its end with one token of a short prompt, greedy, the file in memory."""
    with tempfile.TemporaryDirectory(dir=options.build) as folder:
        ours = [options.tfm, "complete", "--model", file, "--threads", options.threads, *options.held, "--context", 512, "--prompt", "Hello", "-n", 1, "--temperature", 0]
        commands = {"tfm": ours, ("tfm", "packed"): [*ours, "--packed", os.path.join(folder, "packed")]}
        if options.llama_cli:
            commands["llama.cpp"] = [options.llama_cli, "-m", file, "-t", options.threads, "-c", 512, "-p", "Hello", "-n", 1, "--temp", 0, "-no-cnv",
                                     "--no-warmup"]
        works = {engine: lambda command=command: milliseconds_of(command) for engine, command in commands.items()}
        known = running.in_turn(1, works)  # reads the file, and writes the packed one
        few = options.quick or os.path.getsize(file) > SLOW
        found = running.in_turn(options.rounds if few else 3 * options.rounds, {engine: works[engine] for engine in known})
    peers = {peer: statistics.median(runs) for peer, runs in found.items() if "tfm" not in (peer, peer[0])}
    return [running.row(f"first token {name}{end}", "models", statistics.median(found[engine]), "ms", "less", peers=peers)
            for engine, end in (("tfm", ""), (("tfm", "packed"), ", packed file"))]


def measure(options, limits):
    rows = []
    for file in options.model:
        name = os.path.basename(file).removesuffix(".gguf")
        rows += speed(options, limits, file, name)
        if file in (options.deep_model or options.model):
            rows += deep(options, limits, file, name)
        rows += first_token(options, file, name)
    return rows
