#!/usr/bin/env python3
"""Adapters that tfm saves open in Python's PEFT, and PEFT's open in tfm: the logits are the same. So are those of folders into which
tfm merged an adapter, in transformers.

  exchange.py PROGRAM CHECKOUT
"""
import os
import subprocess
import sys
import tempfile

TOLERANCE = 4 * 8e-6  # shared/golden/README.md: what float32 costs in logits of up to 5, four times; scaled to larger ones


def skip(why):
    print(f"[tfm: skipped] {why}")
    sys.exit(0)


python = os.environ.get("TFM_PEFT_PYTHON")
if python and "TFM_PEFT_CHILD" not in os.environ:
    sys.exit(subprocess.run([python, *sys.argv], env={**os.environ, "TFM_PEFT_CHILD": "1"}, check=False).returncode)
try:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import LlamaForCausalLM, LlamaTokenizer
except ImportError as error:
    skip(f"not there: {error.name}")
torch.manual_seed(0)
program, checkout = sys.argv[1:]
shared = os.environ.get("TFM_SHARED") or os.path.join(os.path.dirname(checkout), "shared")
golden = os.environ.get("TFM_GOLDEN") or os.path.join(shared, "golden", "data")
mha, stories = os.path.join(golden, "llama/mha/safetensors"), os.path.join(shared, "data/stories260K")
BASES = [("safetensors", mha, mha), ("GGUF", os.path.join(stories, "stories260K.F32.gguf"), os.path.join(stories, "hf"))]
for _, ours, theirs in BASES:
    for path in (ours, theirs):
        if not os.path.exists(path):
            skip(f"not there: {path}")


def base_of(path):
    return LlamaForCausalLM.from_pretrained(path, dtype=torch.float32).eval()


def ours_with(base, adapter, ids, folder):
    """tfm's logits [tokens, vocabulary] of the model that wears an adapter."""
    ids_file, out = os.path.join(folder, "ids"), os.path.join(folder, "logits")
    with open(ids_file, "wb") as file:
        file.write(ids.to(torch.int32).numpy().tobytes())
    subprocess.run([program, "logits", base, adapter, ids_file, out], check=True)
    with open(out, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).view(ids.numel(), -1)


def compare(what, ours, theirs, plain):
    off, scale = (ours - theirs).abs().max().item(), max(5.0, theirs.abs().max().item())
    moved = (theirs - plain).abs().max().item()
    print(f"{what}: off by {off:.2g} of up to {scale:.3g}; the adapter changes {moved:.2g}")
    if not off <= TOLERANCE * scale / 5 or not moved > 100 * TOLERANCE:
        sys.exit(f"{what}: the logits differ, or the adapter changes nothing")


for kind, base, hf in BASES:
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        model = base_of(hf)
        ids = torch.randint(3, model.config.vocab_size, (40,))
        plain = model(ids[None]).logits[0]
        subprocess.run([program, "save", base, folder], check=True)
        for name in ("qv", "all", "rslora"):
            adapter = os.path.join(folder, name)
            theirs = PeftModel.from_pretrained(base_of(hf), adapter).eval()(ids[None]).logits[0]
            compare(f"tfm's {name} over {kind} in PEFT", ours_with(base, adapter, ids, folder), theirs, plain)
            merged = os.path.join(folder, "merged-" + name)
            subprocess.run([program, "merge", base, adapter, merged], check=True)
            opened, report = LlamaForCausalLM.from_pretrained(merged, dtype=torch.float32, output_loading_info=True)
            if any(report.values()):
                sys.exit(f"{merged}: {report}")
            compare(f"tfm's {name} merged into {kind}, in transformers", opened.eval()(ids[None]).logits[0], theirs, plain)
            if kind == "GGUF" and name == "qv":
                text, tokenizer = "Once upon a time, there  was", LlamaTokenizer.from_pretrained(merged)
                if tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).strip() != text or tokenizer(text).input_ids[0] != 1:
                    sys.exit(f"{merged}: the tokenizer gives {tokenizer(text).input_ids}")
        for name, options in (("qv", {"target_modules": ["q_proj", "v_proj"]}), ("all", {"target_modules": "all-linear", "r": 3}),
                              ("rslora", {"target_modules": ["o_proj", "up_proj"], "use_rslora": True, "r": 5})):
            wearing = get_peft_model(base_of(hf), LoraConfig(**{"lora_alpha": 16, "task_type": "CAUSAL_LM", **options})).eval()
            for parameter_name, parameter in wearing.named_parameters():
                if "lora_" in parameter_name:
                    torch.nn.init.normal_(parameter, 0.0, 0.05)
            adapter = os.path.join(folder, "peft-" + name)
            wearing.save_pretrained(adapter)
            compare(f"PEFT's {name} over {kind} in tfm", ours_with(base, adapter, ids, folder), wearing(ids[None]).logits[0], plain)
