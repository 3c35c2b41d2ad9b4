#!/usr/bin/env python3
"""tfm beside llama.cpp on the same files, interleaved: tokens per second of prefill and decoding, medians and ratios.

    models.py --tfm build/examples/tfm/tfm --llama-bench PATH/llama-bench FILE.gguf... [--threads 2] [--rounds 3] [--json OUT]

The CPU, the instruction set, threads and compiler belong beside every table: the first line prints what the system says.
"""
import argparse, json, platform, statistics, subprocess


def tfm(program, file, threads, prompt, generate):
    out = subprocess.run([program, "bench", "--model", file, "--threads", str(threads), "--prompt", str(prompt), "--generate", str(generate),
                          "--json"], check=True, capture_output=True, text=True).stdout
    figures = json.loads(out)
    return figures["prefill_tokens_per_second"], figures["decode_tokens_per_second"]


def llama(program, file, threads, prompt, generate, flash):
    out = subprocess.run([program, "-m", file, "-t", str(threads), "-p", str(prompt), "-n", str(generate), "-r", "2", "-fa", flash, "-o", "json"],
                         check=True, capture_output=True, text=True).stdout
    rows = json.loads(out)
    prefill = next(r["avg_ts"] for r in rows if r["n_prompt"] > 0 and r["n_gen"] == 0)
    decode = next(r["avg_ts"] for r in rows if r["n_gen"] > 0 and r["n_prompt"] == 0)
    return prefill, decode


def cpu():
    with open("/proc/cpuinfo") as info:
        names = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--tfm", required=True)
    parser.add_argument("--llama-bench")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generate", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    print(f"{cpu()}, {options.threads} threads, prompt {options.prompt}, generate {options.generate}")
    results = []
    for file in options.files:
        runs = {"tfm": [], "llama.cpp": []}
        for _ in range(options.rounds):
            runs["tfm"].append(tfm(options.tfm, file, options.threads, options.prompt, options.generate))
            if options.llama_bench:
                both = [llama(options.llama_bench, file, options.threads, options.prompt, options.generate, flash) for flash in ("0", "1")]
                runs["llama.cpp"].append(tuple(max(pair) for pair in zip(*both)))
        for i, what in enumerate(("prefill", "decode")):
            ours = statistics.median(r[i] for r in runs["tfm"])
            row = {"file": file.split("/")[-1], "work": what, "tfm": ours}
            line = f"{row['file']:45} {what:8} tfm {ours:8.1f} tokens/s"
            if runs["llama.cpp"]:
                row["llama.cpp"] = statistics.median(r[i] for r in runs["llama.cpp"])
                line += f"   llama.cpp {row['llama.cpp']:8.1f}   ratio {ours / row['llama.cpp']:.2f}"
            results.append(row)
            print(line, flush=True)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(results, out, indent=1)


if __name__ == "__main__":
    main()
