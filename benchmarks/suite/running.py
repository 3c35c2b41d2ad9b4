"""Runs the programs and their peers in turn, and makes rows of their medians. A peer that fails is left out, and said so."""
import json
import os
import subprocess
import sys
import tempfile
import time

LONG, LONGER = 10, 60


def say(text):
    print(text, file=sys.stderr, flush=True)


def output_of(command):
    """Standard output. Errors: RuntimeError with the command and the last line that it said."""
    run = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
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


def in_turn(rounds, works, clock=time.monotonic):
    """Each of the works {name: function} once a round; {name: list of what they gave}. A work of more than LONG seconds, which noise moves
    less, has about half of the turns, two at least; one of more than LONGER has one. A name is an engine's, or (engine, size).
    tfm's failure ends the run; a peer that fails is left out."""
    found, turns = {name: [] for name in works}, dict.fromkeys(works, rounds)
    for _ in range(rounds):
        for name, work in works.items():
            if name not in found or len(found[name]) >= turns[name]:
                continue
            begin = clock()
            try:
                found[name].append(work())
            except (RuntimeError, OSError, ValueError, KeyError, IndexError) as error:
                if "tfm" in (name, name[0]):
                    raise
                say(f"left out: {name}: {error}")
                del found[name]
            if (passed := clock() - begin) > LONG:
                turns[name] = 1 if passed > LONGER else min(rounds, max(2, (rounds + 1) // 2))
    return found


def row(work, group, ours, unit, better="more", part=None, limit=None, peers=None, roof=None):
    """roof: (operations per byte, operations per second), for the roofline."""
    return {"work": work, "group": group, "ours": ours, "unit": unit, "better": better, "part": part, "limit": limit, "peers": peers or {},
            "operations_per_byte": roof[0] if roof else None, "operations_per_second": roof[1] if roof else None}


def program(options, name):
    return os.path.join(options.build, "benchmarks", name)


def part_of(limits, amounts, seconds):
    """(part of the limit, the names of the limits that count) of amounts {limit: operations or bytes}, one after another. Where float32 is
    faster than int8, quantised products are held against it, as `kernels` holds them."""
    counted = {}
    for name, amount in amounts.items():
        if amount:
            name = "float32" if name == "int8" and limits["float32"] > limits["int8"] else name
            counted[name] = counted.get(name, 0) + amount
    return sum(amount / limits[name] for name, amount in counted.items()) / seconds, " and ".join(counted)
