#!/usr/bin/env python3
"""The first steps of an adapter beside PEFT's: the same initial A, samples, order, rate; no dropout, base in float32.

  lora_losses SmolLM2.gguf tweets.json out > ours.json       (and, for the table, with --base int8, --outliers none)
  lora_peft.py SmolLM2.gguf out ours.json [--threads 2]

Prints the losses of each step, ours and PEFT's, and the largest difference. Needs torch, transformers 4, peft, gguf.
"""
import argparse
import json
import pathlib
import time

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, get_linear_schedule_with_warmup

if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("gguf", type=pathlib.Path)
    p.add_argument("folder", type=pathlib.Path)
    p.add_argument("ours", type=pathlib.Path)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    base = AutoModelForCausalLM.from_pretrained(a.gguf.parent, gguf_file=a.gguf.name, dtype=torch.float32)
    model = PeftModel.from_pretrained(base, a.folder / "start", is_trainable=True)
    model.train()
    parts = json.loads((a.folder / "steps.json").read_text())
    ours = json.loads(a.ours.read_text())["losses"]
    each = len(parts) // len(ours)
    weights = [w for w in model.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0)
    schedule = get_linear_schedule_with_warmup(optimizer, len(ours) // 10, len(ours))
    worst, begin = 0.0, time.time()
    for step, loss in enumerate(ours):
        theirs = 0.0
        for part in parts[step * each:(step + 1) * each]:
            width = max(len(s["ids"]) for s in part)
            pad = lambda rows, value: torch.tensor([r + [value] * (width - len(r)) for r in rows])
            labels = pad([s["labels"] for s in part], -100)
            got = model(input_ids=pad([s["ids"] for s in part], 0), attention_mask=pad([[1] * len(s["ids"]) for s in part], 0), labels=labels).loss / each
            got.backward()
            theirs += got.item()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step(), schedule.step(), optimizer.zero_grad()
        worst = max(worst, abs(theirs - loss))
        print(f"step {step + 1}: ours {loss:.6f}, PEFT {theirs:.6f}", flush=True)
    print(json.dumps({"steps": len(ours), "largest_difference": worst, "seconds": time.time() - begin}))
