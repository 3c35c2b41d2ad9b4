"""The works of the suite: each gives rows. Training and translation stand here; kernels and models in files of their own."""
import os
import statistics

from . import kernels, models, running

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def transformer(options, limits):
    rows = []
    for size in ["d2l"] if options.quick else ["d2l", "wide"]:
        works = {"tfm": lambda size=size: running.file_json([running.program(options, "transformer"), "--threads", options.threads, *options.held, "--only", size,
                                                             "--rounds", 1 if options.quick else 5])}
        script = os.path.join(options.peers, "pytorch_transformer.py")
        wide = ["--wide"] if size == "wide" else []
        repeat = ["--repeat", 2] if options.quick or wide else []  # after five that do not count
        command = [options.python, script, "--threads", options.threads, *wide, *repeat]
        if options.has("torch", script):
            works["PyTorch"] = lambda command=command: running.last_json(command)["ms_median"]
            if not options.quick:
                works["PyTorch compiled"] = lambda command=command: running.last_json([*command, "--compile"])["ms_median"]
        found = running.in_turn(options.rounds, works)
        for place, one in enumerate(found["tfm"][0]):
            if "backward" not in one["name"]:
                continue
            runs = [run[place] for run in found["tfm"]]
            part = statistics.median(r["operations"] / r["limit_rate"] / (r["milliseconds"] / 1e3) for r in runs)
            # The peer's sentences are padded, and its step has the optimizer in it.
            peers = {peer: statistics.median(times) for peer, times in found.items() if peer != "tfm" and one["name"].startswith("full")}
            rows.append(running.row(f"Transformer {size}, {one['name']}", "transformer", statistics.median(r["milliseconds"] for r in runs), "ms", "less",
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
            command = [running.program(options, "lora"), "--shape", shape, "--arithmetic", arithmetic, "--threads", options.threads, *options.held, *size,
                       "--steps", 2 if options.quick else 5]
            works = {"tfm": lambda command=command: running.last_json(command)}
            for number in numbers[:1] if options.quick else numbers:
                if options.has("torch, peft, transformers" + (", bitsandbytes" if number == "int8" else ""), script):
                    peer = [options.python, script, "--shape", shape, "--numbers", number, "--threads", options.threads, *size]
                    works["bitsandbytes int8" if number == "int8" else f"PyTorch {number}"] = lambda peer=peer: running.last_json(peer)["median"]
            found = running.in_turn(options.rounds, works)
            figures, ours = found["tfm"][0], statistics.median(one["median"] for one in found["tfm"])
            # Forward and the gradients of activations; the output's weights are floats.
            floats = "bf16" if arithmetic == "bf16" else "float32"
            amounts = {"int8": 2 * tokens * figures["layer_parameters"],
                       floats: 2 * tokens * (figures["layer_parameters"] + 2 * figures["output_parameters"])}
            part, limit = running.part_of(limits, amounts, tokens / ours)
            rows.append(running.row(f"LoRA step {shape}, Int8, {arithmetic}, {size[1]} x {size[3]} tokens", "lora", ours, "tokens/s", part=part, limit=limit,
                                    peers={peer: statistics.median(runs) for peer, runs in found.items() if peer != "tfm"}))
    return rows


def translation(options, limits):
    """The model's weights come from PyTorch, and the peers take turns in the script's own process."""
    script = os.path.join(HERE, "translation_peers.py")
    if not options.has("torch, safetensors, numpy", script):
        running.say("left out: translation: its random weights are made by PyTorch")
        return []
    rows = []
    for batch in [64] if options.quick else [64, 1]:
        size, rounds = ("d2l", 1) if options.quick else ("wide", max(options.rounds, 5))
        found = running.last_json([options.python, script, running.program(options, "translation"), "--threads", options.threads, "--size", size,
                                   "--batch", batch, "--rounds", rounds, *options.held])
        peers = {name: found[key]["median_ms"] for key, name in (("ct2", "CTranslate2"), ("torch", "PyTorch")) if key in found}
        rows.append(running.row(f"translate 64 sentences, {size}, {'in one batch' if batch > 1 else 'one by one'}", "translation", found["tfm"]["median_ms"],
                                "ms", "less", found["part_of_limit"], "float32", peers))
    return rows


WORKS = {"kernels": kernels.measure, "models": models.measure, "transformer": transformer, "lora": lora, "translation": translation}
NEEDS = {"kernels": ["kernels"], "transformer": ["transformer"], "lora": ["lora"], "translation": ["translation"], "curves": ["transformer"]}
