#!/usr/bin/env python3
"""Products y = x Wᵀ by PyTorch (float32, bfloat16, int8) and by NumPy's BLAS, for the suite: operations per second, medians of rounds in turn.

    product_peers.py --threads 2 --sizes 1024 4096

One line of JSON: {library: {"limit": the arithmetic's limit, "rates": {"512 x 1024 x 1024": rate}}}. What a library cannot do is left out. Integers
whose sums are not the exact ones (oneDNN's without VNNI: sums of pairs saturate at 16 bits) are named so.
"""
import argparse
import json
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--threads", type=int, required=True)
parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 4096])
parser.add_argument("--tokens", type=int, default=512)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--held", action="store_true", help="leave OPENBLAS_CORETYPE as it is, which otherwise is taken away: it can only slow OpenBLAS down")
options = parser.parse_args()

os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
if not options.held:
    os.environ.pop("OPENBLAS_CORETYPE", None)
import numpy  # noqa: E402: NumPy's BLAS reads the variables when it is loaded
import torch  # noqa: E402

torch.set_num_threads(options.threads)


def blas():
    """The name of NumPy's BLAS."""
    name = numpy.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {}).get("name", "")
    return "OpenBLAS" if "openblas" in name.lower() else f"NumPy ({name or 'its BLAS'})"


def int8(x, w):
    """The name of PyTorch's product of integers. Every sum fits float64."""
    try:
        exact = torch.equal(torch._int_mm(x, w.t()).double(), x.double() @ w.double().t())
    except (RuntimeError, NotImplementedError, AttributeError):
        exact = True  # there is none
    return "PyTorch int8" if exact else "PyTorch int8, not exact"


def works_of(size):
    """{library: (limit, product)} of one size. W is [out, in], as a layer has it."""
    x, w = torch.rand(options.tokens, size) - 0.5, torch.rand(size, size) - 0.5
    x16, w16 = x.bfloat16(), w.bfloat16()
    x8, w8 = (torch.randint(-127, 128, each.shape, dtype=torch.int8) for each in (x, w))
    array, weight = x.numpy().copy(), w.numpy().copy()
    return {"PyTorch fp32": ("float32", lambda: torch.nn.functional.linear(x, w)), "PyTorch bf16": ("bf16", lambda: torch.nn.functional.linear(x16, w16)),
            int8(x8, w8): ("int8", lambda: torch._int_mm(x8, w8.t())), blas(): ("float32", lambda: array @ weight.T)}


def seconds_of(product, least=0.05):
    """Of one product, over at least `least` seconds."""
    begin, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - begin) < least or not count:
        product()
        count += 1
    return passed / count


found = {}
with torch.inference_mode():
    for size in options.sizes:
        times, works = {}, works_of(size)
        for round in range(options.rounds + 1):
            for library, (_, product) in works.items():
                try:
                    seconds = seconds_of(product, 0 if round == 0 else 0.05)
                except (RuntimeError, NotImplementedError, AttributeError):
                    continue
                if round > 0:  # the first chooses kernels
                    times.setdefault(library, []).append(seconds)
        for library, all_seconds in times.items():
            rates = found.setdefault(library, {"limit": works[library][0], "rates": {}})["rates"]
            rates[f"{options.tokens} x {size} x {size}"] = 2 * options.tokens * size * size / statistics.median(all_seconds)
print(json.dumps(found))
