"""Runs the programs and their peers in turn, and makes rows of their medians. A peer that fails is left out, and said so."""
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(command):
    """Standard output. Errors: RuntimeError with the command and the last line that it said."""
    run = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {run.returncode}: {(run.stderr.strip() or 'no word').splitlines()[-1]}")
    return run.stdout


def last_json(command):
    return json.loads(output_of(command).strip().splitlines()[-1])


def file_json(command):
    """What a program writes to its --json FILE."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "out.json")
        output_of([*command, "--json", path])
        with open(path, encoding="utf-8") as file:
            return json.load(file)


def in_turn(rounds, works):
    """Each of the works {name: function} once a round; {name: list of what they gave}. A name is an engine's, or (engine, size). tfm's
    failure ends the run; a peer that fails is left out."""
    found = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            if name not in found:
                continue
            try:
                found[name].append(work())
            except (RuntimeError, OSError, ValueError, KeyError, IndexError) as error:
                if "tfm" in (name, name[0]):
                    raise
                say(f"left out: {name}: {error}")
                del found[name]
    return found


def row(work, group, ours, unit, better="more", part=None, limit=None, peers=None, roof=None):
    """roof: (operations per byte, operations per second), for the roofline."""
    return {"work": work, "group": group, "ours": ours, "unit": unit, "better": better, "part": part, "limit": limit, "peers": peers or {},
            "operations_per_byte": roof[0] if roof else None, "operations_per_second": roof[1] if roof else None}


def program(options, name):
    return os.path.join(options.build, "benchmarks", name)


def part_of(limits, amounts, seconds):
    """(part of the limit, the names of the limits that count) of amounts {limit: operations or bytes}, one after another. Where float32 is
    faster than int8, quantised products are held against it, as `products` holds them."""
    counted = {}
    for name, amount in amounts.items():
        if amount:
            name = "float32" if name == "int8" and limits["float32"] > limits["int8"] else name
            counted[name] = counted.get(name, 0) + amount
    return sum(amount / limits[name] for name, amount in counted.items()) / seconds, " and ".join(counted)


# ---- the works: each gives rows

def products(options, limits):
    size = ["--size", "1024"] if options.quick else []
    found = file_json([program(options, "products"), "--threads", options.threads, "--rounds", 1 if options.quick else max(7, options.rounds), *size])
    eigen = {one["name"].removeprefix("Eigen float "): one["rate"] for one in found if one["name"].startswith("Eigen")}
    rows = []
    for one in found:
        if one["name"].startswith("Eigen"):
            continue
        adapter = "LoraLinear" in one["name"]
        peers = {"Eigen float": rate / 1e9 for shape, rate in eigen.items() if one["name"].endswith(" " + shape)}
        rows.append(row(one["name"], "products", one["rate"] / 1e9, "G/s", part=one["rate"] / one["limit_rate"], limit=one["limit"], peers=peers,
                        roof=None if adapter else (one["operations_per_byte"], one["rate"])))
    return rows


def tfm_bench(options, file, prompt, generate, depth=0, threads=None):
    return last_json([options.tfm, "bench", "--model", file, "--threads", threads or options.threads, "--prompt", prompt, "--generate", generate,
                      "--depth", depth, "--repetitions", 1 if options.quick else 3, "--json"])


def llama_bench(options, file, prompt, generate, depth=0, threads=None):
    """(prefill, decode) tokens per second, the better of with and without flash attention; 0 for what was not asked."""
    best = [0, 0]
    for flash in "0", "1":
        found = json.loads(output_of([options.llama_bench, "-m", file, "-t", threads or options.threads, "-p", prompt, "-n", generate, "-d", depth,
                                      "-r", 2, "-fa", flash, "-o", "json"]))
        for one in found:
            place = 0 if one["n_prompt"] > 0 else 1
            best[place] = max(best[place], one["avg_ts"])
    return best


def prefill_amounts(figures, tokens):
    """Operations of the layers' products: two for each weight and token."""
    quantised = figures["quantised_parameters"]
    return {"int8": 2 * tokens * quantised, "float32": 2 * tokens * (figures["layer_parameters"] - quantised)}


def decode_amounts(figures, held):
    """Bytes that a token reads after `held` others."""
    return {"reading": figures["weight_bytes_per_token"] + held * figures["cache_bytes_per_token"]}


def models(options, limits):
    prompt, generate = (64, 8) if options.quick else (512, 64)
    rows = []
    for file in options.model:
        works = {"tfm": lambda file=file: tfm_bench(options, file, prompt, generate)}
        if options.llama_bench:
            works["llama.cpp"] = lambda file=file: llama_bench(options, file, prompt, generate)
        found = in_turn(options.rounds, works)
        figures, name = found["tfm"][0], os.path.basename(file).removesuffix(".gguf")
        for place, what in enumerate(("prefill", "decode")):
            ours = statistics.median(one[f"{what}_tokens_per_second"] for one in found["tfm"])
            peers = {peer: statistics.median(one[place] for one in runs) for peer, runs in found.items() if peer != "tfm"}
            amounts = prefill_amounts(figures, prompt) if what == "prefill" else decode_amounts(figures, generate / 2)
            seconds = (prompt if what == "prefill" else 1) / ours
            part, limit = part_of(limits, amounts, seconds)
            if what == "prefill":
                operations, read = 2 * prompt * figures["layer_parameters"], figures["weight_bytes_per_token"]
            else:
                operations, read = 2 * (figures["layer_parameters"] + figures["output_parameters"]), amounts["reading"]
            rows.append(row(f"{what} {name}, {prompt if what == 'prefill' else generate} tokens", "models", ours, "tokens/s", part=part, limit=limit,
                            peers=peers, roof=(operations / read, operations / seconds)))
    return rows


def transformer(options, limits):
    rows = []
    for size in ["d2l"] if options.quick else ["d2l", "wide"]:
        works = {"tfm": lambda size=size: file_json([program(options, "transformer"), "--threads", options.threads, "--only", size,
                                                     "--rounds", 1 if options.quick else 9])}
        script = os.path.join(options.peers, "pytorch_transformer.py")
        wide, repeat = ["--wide"] if size == "wide" else [], ["--repeat", 2] if options.quick else []
        command = [options.python, script, "--threads", options.threads, *wide, *repeat]
        if options.has("torch", script):
            works["PyTorch"] = lambda command=command: last_json(command)["ms_median"]
            if not options.quick:
                works["PyTorch compiled"] = lambda command=command: last_json([*command, "--compile"])["ms_median"]
        found = in_turn(options.rounds, works)
        for place, one in enumerate(found["tfm"][0]):
            if "backward" not in one["name"]:
                continue
            runs = [run[place] for run in found["tfm"]]
            part = statistics.median(r["operations"] / r["limit_rate"] / (r["milliseconds"] / 1e3) for r in runs)
            # The peer's sentences are padded, and its step has the optimizer in it.
            peers = {peer: statistics.median(times) for peer, times in found.items() if peer != "tfm" and one["name"].startswith("full")}
            rows.append(row(f"Transformer {size}, {one['name']}", "transformer", statistics.median(r["milliseconds"] for r in runs), "ms", "less",
                            part, "float32", peers))
    return rows


def lora(options, limits):
    rows = []
    size = ["--batch", 1, "--tokens", 16] if options.quick else ["--batch", 4, "--tokens", 128]
    tokens = size[1] * size[3]
    script = os.path.join(options.peers, "pytorch_lora.py")
    for shape in ["smollm2"] if options.quick else ["smollm2", "layer7b"]:
        for arithmetic, numbers in ("fast", ("fp32", "int8")), ("bf16", ("bf16",)):
            if arithmetic == "bf16" and not limits["bf16"]:
                continue
            command = [program(options, "lora"), "--shape", shape, "--arithmetic", arithmetic, "--threads", options.threads, *size,
                       "--steps", 2 if options.quick else 5]
            works = {"tfm": lambda command=command: last_json(command)}
            for number in numbers[:1] if options.quick else numbers:
                if options.has("torch, peft, transformers" + (", bitsandbytes" if number == "int8" else ""), script):
                    peer = [options.python, script, "--shape", shape, "--numbers", number, "--threads", options.threads, *size]
                    works["bitsandbytes int8" if number == "int8" else f"PyTorch {number}"] = lambda peer=peer: last_json(peer)["median"]
            found = in_turn(options.rounds, works)
            figures, ours = found["tfm"][0], statistics.median(one["median"] for one in found["tfm"])
            # Forward and the gradients of activations; the output's weights are floats.
            floats = "bf16" if arithmetic == "bf16" else "float32"
            amounts = {"int8": 2 * tokens * figures["layer_parameters"],
                       floats: 2 * tokens * (figures["layer_parameters"] + 2 * figures["output_parameters"])}
            part, limit = part_of(limits, amounts, tokens / ours)
            rows.append(row(f"LoRA step {shape}, Int8, {arithmetic}, {size[1]} x {size[3]} tokens", "lora", ours, "tokens/s", part=part, limit=limit,
                            peers={peer: statistics.median(runs) for peer, runs in found.items() if peer != "tfm"}))
    return rows


def translation(options, limits):
    """The model's weights come from PyTorch, and the peers take turns in the script's own process."""
    script = os.path.join(HERE, "translation_peers.py")
    if not options.has("torch, safetensors, numpy", script):
        say("left out: translation: its random weights are made by PyTorch")
        return []
    rows = []
    for batch in [64] if options.quick else [64, 1]:
        size, rounds = ("d2l", 1) if options.quick else ("wide", max(options.rounds, 5))
        found = last_json([options.python, script, program(options, "translation"), "--threads", options.threads, "--size", size, "--batch", batch,
                           "--rounds", rounds])
        peers = {name: found[key]["median_ms"] for key, name in (("ct2", "CTranslate2"), ("torch", "PyTorch")) if key in found}
        rows.append(row(f"translate 64 sentences, {size}, {'in one batch' if batch > 1 else 'one by one'}", "translation", found["tfm"]["median_ms"],
                        "ms", "less", found["part_of_limit"], "float32", peers))
    return rows


WORKS = {"products": products, "models": models, "transformer": transformer, "lora": lora, "translation": translation}
NEEDS = {"products": ["products"], "transformer": ["transformer"], "lora": ["lora"], "translation": ["translation"], "curves": ["transformer"]}
