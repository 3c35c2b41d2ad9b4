#!/usr/bin/env python3
"""Draws the README's chart of speed out of a table of the suite in benchmarks/README.md: how many times as fast as the peer, losses too.

  speed.py OUT.svg
"""
import html
import os
import re
import sys

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../benchmarks/README.md")
SUITE = "AMD EPYC (family 26, model 2)"
SHOWN = [  # what the chart says, the row's beginning, the peer
    ("prompt of 512 tokens", None, None),
    ("SmolLM2-135M Q4_1", "prefill SmolLM2-135M-Instruct.Q4_1,", "llama.cpp"),
    ("SmolLM2-135M Q8_0", "prefill smol.Q8_0,", "llama.cpp"),
    ("SmolLM2-135M F16", "prefill smol.F16,", "llama.cpp"),
    ("1.1B Q8_0, random weights", "prefill 1b.Q8_0,", "llama.cpp"),
    ("1.1B Q4_0, random weights", "prefill 1b.Q4_0,", "llama.cpp"),
    ("generating 64 tokens", None, None),
    ("SmolLM2-135M Q4_1", "decode SmolLM2-135M-Instruct.Q4_1,", "llama.cpp"),
    ("SmolLM2-135M Q8_0", "decode smol.Q8_0,", "llama.cpp"),
    ("SmolLM2-135M F16", "decode smol.F16,", "llama.cpp"),
    ("1.1B Q8_0, random weights", "decode 1b.Q8_0,", "llama.cpp"),
    ("1.1B Q4_0, random weights", "decode 1b.Q4_0,", "llama.cpp"),
    ("first token, the process's start with it", None, None),
    ("SmolLM2-135M Q4_1", "first token SmolLM2-135M-Instruct.Q4_1 ", "llama.cpp"),
    ("1.1B Q8_0, random weights", "first token 1b.Q8_0 ", "llama.cpp"),
    ("1.1B Q4_0, random weights", "first token 1b.Q4_0 ", "llama.cpp"),
    ("a step of LoRA, 4 x 128 tokens", None, None),
    ("SmolLM2-135M Int8", "LoRA step smollm2, Int8, fast,", "bitsandbytes int8"),
    ("SmolLM2-135M Int8, bf16", "LoRA step smollm2, Int8, bf16,", "PyTorch bf16"),
    ("a layer of 7B, Int8", "LoRA step layer7b, Int8, fast,", "bitsandbytes int8"),
    ("a layer of 7B, Int8, bf16", "LoRA step layer7b, Int8, bf16,", "PyTorch bf16"),
    ("encoder-decoder Transformer", None, None),
    ("a training step, width 512", "Transformer wide, full,", "PyTorch"),
    ("64 sentences in one batch, width 256", "translate 64 sentences, wide, in one batch", "CTranslate2"),
    ("64 sentences one by one, width 256", "translate 64 sentences, wide, one by one", "CTranslate2"),
]
LEFT, TOP, ROW, SCALE, RIGHT = 300, 74, 22, 42, 330  # SCALE: pixels for once as fast


def section(text):
    return re.search(rf"<!-- suite: {re.escape(SUITE)} -->(.*?)<!-- end of the suite's table -->", text, re.S)[1]


def row_of(table, begin, peer):
    """(ours, the peer's, unit, times as fast)."""
    cells = next(line for line in table.splitlines() if line.startswith("| " + begin)).strip("| ").split(" | ")
    ours, unit = cells[1].split(" ", 1)
    peers = [entry.rsplit(" ", 1) for entry in cells[3].split("; ")]
    at = [name for name, _ in peers].index(peer)
    return ours, peers[at][1], unit, float(cells[4].strip(" |").split("; ")[at])


def main():
    with open(TABLE, encoding="utf-8") as file:
        table = section(file.read())
    head = re.search(r"^(\w+), (\d+ threads), (g\+\+ [\d.]+), ([\d-]+)\.", table, re.M)
    entries = [(text, row_of(table, begin, peer) if begin else None, peer) for text, begin, peer in SHOWN]
    most = max(row[3] for _, row, _ in entries if row)
    width, height = round(LEFT + most * SCALE + RIGHT), TOP + ROW * len(entries) + 14
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           '<text x="14" y="24" font-size="16">How many times as fast as the peer named, in turn in one run</text>',
           f'<text x="14" y="44" fill="#555">{SUITE}, {head[1]}, {head[2]}, {head[3]}, {head[4]}: benchmarks/suite.py, recorded in commit b41f464</text>']
    for times in range(int(most) + 1):
        x, colour = LEFT + times * SCALE, "#333" if times == 1 else "#e4e4e4"
        out.append(f'<line x1="{x}" y1="{TOP - 8}" x2="{x}" y2="{height - 12}" stroke="{colour}"/>'
                   f'<text x="{x}" y="{TOP - 12}" text-anchor="middle" font-size="11" fill="#555">{times}</text>')
    for number, (text, row, peer) in enumerate(entries):
        y = TOP + ROW * number
        if row is None:
            out.append(f'<text x="14" y="{y + 15}" font-weight="bold">{html.escape(text)}</text>')
            continue
        ours, theirs, unit, times = row
        colour = "#3572b0" if times >= 1 else "#c0504d"
        out.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{html.escape(text)}</text>'
                   f'<rect x="{LEFT}" y="{y + 3}" width="{times * SCALE:.1f}" height="{ROW - 6}" fill="{colour}"/>'
                   f'<text x="{LEFT + max(times, 1) * SCALE + 6:.1f}" y="{y + 15}">{times:.2f}'
                   f'<tspan dx="9" fill="#777" font-size="11">{ours} beside {theirs} {unit}, {peer}</tspan></text>')
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join([*out, "</svg>", ""]))


main()
