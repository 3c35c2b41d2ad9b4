#!/usr/bin/env python3
"""PyTorch trains the model of `translate train` on the same batches and is measured on the same pairs.

  translate train --preset large --data fra.txt --out large --seed 1
  translate_pytorch.py large --data fra.txt --seed 1 [--epochs 10 | --seconds 600] [--also-after 600 900] [--threads 2] [--compile]

The folder gives the shape, the vocabularies and the held-out pairs; its weights are not read. Same are: the pairs, their
order in every epoch and so the batches, loss, clipping, optimizer, learning rates, dropout rates, and what weights are drawn
from. The numbers drawn are PyTorch's own. Batches are padded to their longest sentence. Prints one JSON object.
Needs torch, safetensors, sacrebleu and, for subwords, sentencepiece.
"""
import argparse
import json
import math
import pathlib
import resource
import sys
import time

import sacrebleu
import torch
from torch import nn
from transformer_torch import BOS, EOS, open_folder, pad, write_folder

MASK = (1 << 64) - 1
SENTENCES = [("go .", "va !"), ("i lost .", "j'ai perdu ."), ("he's calm .", "il est calme ."), ("i'm home .", "je suis chez moi .")]
# As in examples/translate/preset.hpp and train.cpp.
PRESETS = {
    "article": dict(pairs=600, batch=64, epochs=200, d2l=True),
    "large": dict(pairs=None, batch=64, epochs=10, d2l=False),
}


def mix(z):
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def order(samples, seed, epoch):
    """The order of an epoch: tfm::shuffled(samples, RandomKey{seed}.with(2).with(epoch))."""
    key = mix(mix(seed ^ mix(2)) ^ mix(epoch))
    all_ = list(range(samples))
    for i in range(samples - 1, 0, -1):
        j = mix((key + i * 0x9E3779B97F4A7C15) & MASK) % (i + 1)
        all_[i], all_[j] = all_[j], all_[i]
    return all_


def normalised(text):
    text = text.replace("\u202f", " ").replace("\xa0", " ").lower()
    return "".join(" " + c if c in ",.!?" and i > 0 and text[i - 1] != " " else c for i, c in enumerate(text))


def read_pairs(path, most=None):
    lines = (line.rstrip("\r").split("\t") for line in path.read_text(encoding="utf-8").split("\n"))
    pairs = [(normalised(line[0]), normalised(line[1])) for line in lines if len(line) > 1]
    return pairs[:most]


class Words:
    def __init__(self, path):
        file = json.loads(path.read_text(encoding="utf-8"))
        self.pieces = file["reserved"] + file["words"]
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}

    def encode(self, text):
        return [self.ids.get(word, 0) for word in text.split(" ")]

    def decode(self, ids):
        return " ".join(self.pieces[i] for i in ids)


def vocabularies(folder):
    names = [v["file"] for v in json.loads((folder / "translation.json").read_text())["vocabularies"]]
    if len(names) == 2:
        return tuple(Words(folder / name) for name in names)
    import sentencepiece

    both = sentencepiece.SentencePieceProcessor(model_file=str(folder / names[0]))
    return both, both


def initialise(model, d2l):
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=1 if d2l else module.weight.shape[1] ** -0.5)


def translate(model, tokenizers, sources, steps, batch=64):
    out = []
    for i in range(0, len(sources), batch):
        rows = [(tokenizers[0].encode(s) + [EOS])[:steps] for s in sources[i : i + batch]]
        out += [tokenizers[1].decode(ids) for ids in model.translate(*pad(rows), steps)]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--seconds", type=float, default=math.inf, help="stop training after so long")
    parser.add_argument("--also-after", type=float, nargs="*", default=[], help="measure after so many seconds of training, too")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--write", help="a folder for the weights, which translate run opens")
    a = parser.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)

    about = json.loads((a.folder / "translation.json").read_text())
    preset, steps = PRESETS[about["preset"]], about["steps"]
    d2l, batch, epochs = preset["d2l"], preset["batch"], a.epochs or preset["epochs"]
    held_file = a.folder / "held_out.txt"
    held_out = read_pairs(held_file) if held_file.exists() else []
    unseen = {source for source, _ in held_out}
    pairs = [pair for pair in read_pairs(a.data, preset["pairs"]) if pair[0] not in unseen]
    tokenizers = vocabularies(a.folder)
    ids = [tuple((t.encode(side) + [EOS])[:steps] for t, side in zip(tokenizers, pair)) for pair in pairs]

    model = open_folder(a.folder, weights=False).train()
    initialise(model, d2l)
    per_epoch = math.ceil(len(ids) / batch)
    warmup = min(4000, max(1, epochs * per_epoch // 5))
    rate = (lambda step: 0.005) if d2l else (lambda step: 1e-3 * (step / warmup if step < warmup else math.sqrt(warmup / step)))
    optimizer = torch.optim.Adam(model.parameters(), **({} if d2l else {"betas": (0.9, 0.98), "eps": 1e-9}))
    run = torch.compile(model, dynamic=True) if a.compile else model

    def held_out_bleu():
        model.eval()
        texts = translate(model, tokenizers, [source for source, _ in held_out], steps)
        model.train()
        return sacrebleu.corpus_bleu(texts, [[t for _, t in held_out]], tokenize="none").score

    step, start, losses, early, moments = 0, time.perf_counter(), None, [], sorted(a.also_after)
    for epoch in range(epochs):
        nats, tokens = 0.0, 0
        samples = order(len(ids), a.seed, epoch)
        for first in range(0, len(samples), batch):
            if time.perf_counter() - start > a.seconds:
                break
            if moments and time.perf_counter() - start > moments[0]:
                begun = time.perf_counter()
                early.append({"seconds": begun - start, "steps": step, "held_out_bleu": held_out_bleu()})
                moments.pop(0)
                print(json.dumps(early[-1]), file=sys.stderr, flush=True)
                start += time.perf_counter() - begun  # measuring is no training
            rows = [ids[i] for i in samples[first : first + batch]]
            source, lens = pad([row[0] for row in rows])
            labels, label_lens = pad([row[1] for row in rows])
            target = torch.cat((torch.full((len(rows), 1), BOS), labels[:, :-1]), 1)
            valid = torch.arange(labels.shape[1])[None] < label_lens[:, None]
            for group in optimizer.param_groups:
                group["lr"] = rate(step)
            optimizer.zero_grad()
            logits = run(source, lens, target)
            each = nn.functional.cross_entropy(logits[valid], labels[valid], reduction="sum", label_smoothing=0 if d2l else 0.1)
            (each / (steps if d2l else valid.sum())).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            nats, tokens, step = nats + each.item(), tokens + int(valid.sum()), step + 1
        else:
            losses = {"d2l_loss": nats / steps / tokens, "loss_per_token": nats / tokens}  # with smoothing, where there is some
            continue
        break
    seconds = time.perf_counter() - start
    model.eval()
    said = translate(model, tokenizers, [source for source, _ in SENTENCES], steps)
    found = {"preset": about["preset"], "seed": a.seed, "pairs": len(ids), "held_out": len(held_out), "steps": step, "seconds": seconds,
             **(losses or {}), "translations": [[source, text, text == target] for (source, target), text in zip(SENTENCES, said)]}
    if held_out:
        found |= {"held_out_bleu": held_out_bleu(), "early": early}
    if a.write:
        write_folder(model, a.folder, a.write)
    found |= {"rss_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, "threads": a.threads, "compile": a.compile,
              "torch": torch.__version__}
    print(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
