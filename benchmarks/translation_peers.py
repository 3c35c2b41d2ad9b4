#!/usr/bin/env python3
"""Greedy translation of 64 sentences with the width-256 model (or d2l's), float32, the same weights in tfm, CTranslate2 and PyTorch.

  translation_peers.py PROGRAM [--size wide|d2l] [--threads 2] [--batch 64|1] [--rounds 15]

PROGRAM is the benchmark `translation`. Weights are random, and the bias of <eos> forbids it, so that every translation has as many
tokens. All engines must say the same tokens. They take turns, with a pause between (others' threads spin on for a while). Prints one
JSON object: seconds of each, best and median; peak memory; tfm's part of the float32 limit that was measured in the same run.

CTranslate2 gets the weights through its TransformerSpec. What the spec does not say: the epsilon of the norms (a field of the
configuration does), and that the encoder adds no marker (another does); its vocabularies need words, which are invented here.
Needs torch, safetensors and numpy; without ctranslate2 that engine is left out.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BOS, EOS, PAD = 2, 3, 1
SIZES = {
    "d2l": dict(source_vocab=200, target_vocab=200, dim=32, layers=2, heads=4, ffn=64, context=64, steps=10, least=3),
    "wide": dict(source_vocab=8000, target_vocab=8000, dim=256, layers=3, heads=4, ffn=1024, context=64, steps=20, least=5),
}


def make_folder(folder, size):
    import torch
    from safetensors.torch import save_file
    from transformer_torch import Transformer

    torch.manual_seed(0)
    config = {"type": "encoder-decoder", "norm": "post", "dropout": 0.0, "norm_eps": 1e-5, "attention_bias": False,
              **{k: v for k, v in size.items() if k not in ("steps", "least")}}
    model = Transformer(config)
    with torch.no_grad():
        model.decoder.dense.bias[[EOS, PAD]] = -1e4
    (folder / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), folder / "model.safetensors")
    lens = torch.randint(size["least"], size["steps"] + 1, (64,)).tolist()
    return [torch.randint(4, size["source_vocab"], (n,)).tolist() for n in lens]


# ---- the engines: each gives a function that translates everything

def torch_engine(folder, sentences, a):
    import torch
    from transformer_torch import open_folder, pad

    torch.set_num_threads(a.threads)
    model = open_folder(folder)
    parts = [pad(sentences[i : i + a.batch]) for i in range(0, len(sentences), a.batch)]
    steps = SIZES[a.size]["steps"]
    return lambda: [row for part in parts for row in model.translate(*part, steps)], f"torch {torch.__version__}"


def ct2_engine(folder, sentences, a):
    import ctranslate2
    import numpy
    from ctranslate2.specs import TransformerSpec
    from safetensors.numpy import load_file

    config, w = json.loads((folder / "config.json").read_text()), load_file(folder / "model.safetensors")
    spec = TransformerSpec.from_config(config["layers"], config["heads"], pre_norm=False)

    def linear(to, *names):
        to.weight = numpy.concatenate([w[f"{name}.weight"] for name in names])
        if f"{names[0]}.bias" in w:
            to.bias = numpy.concatenate([w[f"{name}.bias"] for name in names])

    def norm(to, name):
        to.gamma, to.beta = w[f"{name}.ln.weight"], w[f"{name}.ln.bias"]

    angle = numpy.arange(config["context"], dtype=numpy.float32)[:, None] / 10000 ** (numpy.arange(0, config["dim"], 2, dtype=numpy.float32) / config["dim"])
    positions = numpy.stack((numpy.sin(angle), numpy.cos(angle)), -1).reshape(config["context"], -1).astype(numpy.float32)
    for side, to in ("encoder", spec.encoder), ("decoder", spec.decoder):
        to.scale_embeddings = True
        to.position_encodings.encodings = positions
        own = "attention" if side == "encoder" else "attention1"
        for i, layer in enumerate(to.layer):
            name = f"{side}.blks.{i}"
            linear(layer.self_attention.linear[0], *(f"{name}.{own}.W_{k}" for k in "qkv"))
            linear(layer.self_attention.linear[1], f"{name}.{own}.W_o")
            norm(layer.self_attention.layer_norm, f"{name}.addnorm1")
            if side == "decoder":
                linear(layer.attention.linear[0], f"{name}.attention2.W_q")
                linear(layer.attention.linear[1], f"{name}.attention2.W_k", f"{name}.attention2.W_v")
                linear(layer.attention.linear[2], f"{name}.attention2.W_o")
                norm(layer.attention.layer_norm, f"{name}.addnorm2")
            linear(layer.ffn.linear_0, f"{name}.ffn.dense1")
            linear(layer.ffn.linear_1, f"{name}.ffn.dense2")
            norm(layer.ffn.layer_norm, f"{name}.addnorm{2 if side == 'encoder' else 3}")
    spec.encoder.embeddings[0].weight = w["encoder.embedding.weight"]
    spec.decoder.embeddings.weight = w["decoder.embedding.weight"]
    linear(spec.decoder.projection, "decoder.dense")
    words = ["<unk>", "<pad>", "<bos>", "<eos>"] + [f"w{i}" for i in range(4, config["target_vocab"])]
    spec.register_source_vocabulary(words)
    spec.register_target_vocabulary(words)
    spec.config.add_source_bos = spec.config.add_source_eos = False
    spec.config.decoder_start_token, spec.config.layer_norm_epsilon = "<bos>", config["norm_eps"]
    spec.config.bos_token, spec.config.eos_token, spec.config.unk_token = "<bos>", "<eos>", "<unk>"
    spec.validate()
    (folder / "ct2").mkdir()
    spec.save(str(folder / "ct2"))
    translator = ctranslate2.Translator(str(folder / "ct2"), device="cpu", compute_type="float32", inter_threads=1, intra_threads=a.threads)
    texts, steps, back = [[words[i] for i in row] for row in sentences], SIZES[a.size]["steps"], {word: i for i, word in enumerate(words)}

    def translate():
        parts = [texts[i : i + a.batch] for i in range(0, len(texts), a.batch)]
        found = [one for part in parts for one in translator.translate_batch(part, beam_size=1, max_decoding_length=steps, max_batch_size=a.batch)]
        return [[back[word] for word in one.hypotheses[0]] for one in found]

    return translate, f"ctranslate2 {ctranslate2.__version__}"


def serve(folder, a):
    """The child that runs one of the engines, in the words of the program `translation`."""
    sentences = json.loads(sys.stdin.readline())
    translate, version = {"torch": torch_engine, "ct2": ct2_engine}[a.engine](folder, sentences, a)
    print(json.dumps({"said": translate(), "version": version}), flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        translate()
        print(time.perf_counter() - begin, flush=True)


def peak_mib(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--size", choices=SIZES, default="wide")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isa", help="instruction set that ours is held to; the peers are not")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    a = parser.parse_args()
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    if a.engine:
        serve(pathlib.Path(a.program), a)
        return
    steps = SIZES[a.size]["steps"]
    with tempfile.TemporaryDirectory() as name:
        sentences = make_folder(pathlib.Path(name), SIZES[a.size])
        options = ["--threads", str(a.threads), "--batch", str(a.batch)]
        commands = {"tfm": [a.program, name, "--steps", str(steps), *options, *(["--isa", a.isa] if a.isa else [])]}
        peers = [engine for engine, module in (("ct2", "ctranslate2"), ("torch", "torch")) if importlib.util.find_spec(module)]
        for engine in peers:
            commands[engine] = [sys.executable, __file__, name, "--engine", engine, "--size", a.size, *options]
        children = {engine: subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for engine, command in commands.items()}

        def ask(engine, text):
            children[engine].stdin.write(text + "\n")
            children[engine].stdin.flush()
            return json.loads(children[engine].stdout.readline())

        first = {engine: ask(engine, json.dumps(sentences)) for engine in children}
        said = first["tfm"]["said"]
        assert all(len(row) == steps for row in said), sorted({len(row) for row in said})
        equal = {engine: sum(a == b for a, b in zip(said, first[engine]["said"])) for engine in peers}
        times = {engine: [] for engine in children}
        for _ in range(a.rounds + 1):
            for engine, seconds in times.items():
                time.sleep(0.3)
                seconds.append(ask(engine, "again"))
        found = {"size": a.size, "threads": a.threads, "batch": a.batch, "isa": first["tfm"]["isa"], "equal_sentences": equal,
                 "distinct_translations": len({tuple(row) for row in said}), "versions": [first[e]["version"] for e in peers]}
        for engine, seconds in times.items():
            found[engine] = {"best_ms": 1e3 * min(seconds[1:]), "median_ms": 1e3 * statistics.median(seconds[1:]), "peak_mib": peak_mib(children[engine])}
            children[engine].stdin.close()
            children[engine].wait()
        ours = found["tfm"]["median_ms"] / 1e3
        found["part_of_limit"] = first["tfm"]["operations"] / ours / first["tfm"]["limit"]
        for engine in peers:
            found[f"times_{engine}"] = found[engine]["median_ms"] / found["tfm"]["median_ms"]
        print(json.dumps(found))


if __name__ == "__main__":
    main()
