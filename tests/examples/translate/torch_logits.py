#!/usr/bin/env python3
"""What `translate train` saves opens in PyTorch, and what PyTorch saves opens in tfm: the logits are the same, and so are greedy
translations. Skipped where PyTorch is not installed; TFM_PYTHON names another Python that may have it.

  torch_logits.py PROGRAM LOGITS
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BENCHMARKS = os.path.join(HERE, "../../../benchmarks")
DATA = os.path.join(os.environ.get("TFM_SHARED") or os.path.join(HERE, "../../../../shared"), "data/translation/fra.txt")
TOLERANCE = 1e-5  # ten times what float32 costs, by shared/golden/README.md, in logits of up to 12

try:
    import safetensors
    import torch
except ImportError as error:
    if (other := os.environ.pop("TFM_PYTHON", "")) != "":
        os.execv(other, [other, *sys.argv])
    print(f"[tfm: skipped] {error}")
    sys.exit(0)
if not os.path.exists(DATA):
    print(f"[tfm: skipped] not there: {DATA}")
    sys.exit(0)
sys.path.insert(0, BENCHMARKS)
from transformer_torch import EOS, open_folder, pad

translate, logits = map(os.path.abspath, sys.argv[1:3])


def output(*command, text=None):
    return subprocess.run(list(map(str, command)), input=text, capture_output=True, text=True, check=True).stdout


def compare(folder, *options):
    """Logits of both, and of what was asked."""
    theirs = json.loads(output(sys.executable, os.path.join(BENCHMARKS, "transformer_torch.py"), *options))
    ours = json.loads(output(logits, folder, text=json.dumps({k: theirs[k] for k in ("source", "lens", "target")})))
    assert len(ours) == len(theirs["logits"]) > 100
    off = max(abs(a - b) for a, b in zip(ours, theirs["logits"]))
    size = max(map(abs, ours))
    print(f"{folder}: {len(ours)} logits of up to {size:.3g}, off by {off:.3g}")
    assert size > 0.1 and off <= TOLERANCE * max(1, size / 12), off


def translations(folder, lines):
    """Greedy, by PyTorch."""
    words = [{w: i for i, w in enumerate(v["reserved"] + v["words"])} for v in
             (json.load(open(os.path.join(folder, f"{side}_vocab.json"), encoding="utf-8")) for side in ("source", "target"))]
    back = {i: w for w, i in words[1].items()}
    ids = [[words[0].get(w, 0) for w in line.split(" ")] + [EOS] for line in lines]
    return [" ".join(back[i] for i in row) for row in open_folder(folder).translate(*pad(ids), 10)]


with tempfile.TemporaryDirectory(prefix="tfm-test-") as temporary:
    ours, theirs = os.path.join(temporary, "ours"), os.path.join(temporary, "theirs")
    output(translate, "train", "--preset", "article", "--data", DATA, "--out", ours, "--pairs", 100, "--epochs", 20, "--json")
    compare(ours, ours)
    compare(theirs, ours, "--write", theirs)
    lines = ["go .", "i won !", "hi .", "run !", "who ?", "i see ."]
    for folder in ours, theirs:
        found = output(translate, "run", "--model", folder, text="\n".join(lines)).split("\n")[:-1]
        expected = translations(folder, lines)
        # <pad>, <bos> and <eos> are words to PyTorch's script, and none to a tokenizer.
        expected = [" ".join(w for w in line.split(" ") if w not in ("<pad>", "<bos>", "<eos>")) for line in expected]
        assert found == expected, (found, expected)
        print(f"{folder}: {len(lines)} translations are the same: {found}")
