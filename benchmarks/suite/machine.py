"""The machine that is measured, and its limits: as measured, beside what clock, width and ports would give."""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess

LIMITS = {"float32": "GFLOPS", "int8": "GOPS", "bf16": "GFLOPS", "reading": "GB/s"}


def cpu_of(text):
    """Name, family, model and the clock that the system tells, MHz, from the text of /proc/cpuinfo; what is not in it is None."""
    def first(key):
        found = re.search(rf"^{key}\s*:\s*(\S.*)$", text, flags=re.M)
        return found.group(1).strip() if found else None

    clock = first("cpu MHz")
    return {"name": first("model name") or first("CPU part") or platform.processor() or "unknown", "vendor": first("vendor_id"),
            "family": first("cpu family"), "model": first("model"), "mhz": float(clock) if clock else None}


def cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return cpu_of(file.read())
    except OSError:
        return cpu_of("")


def title_of(machine, held_to=None):
    """AMD EPYC (family 26, model 2): what a table stands under; of a run that did not use all that the CPU has, ..., held to avx2."""
    known = [f"{key} {machine[key]}" for key in ("family", "model") if machine[key]]
    return machine["name"] + (f" ({', '.join(known)})" if known else "") + (f", held to {held_to}" if held_to else "")


def flags_of(build):
    """Build type and flags, from the folder's CMakeCache.txt; "" where there is none."""
    try:
        with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as file:
            cache = dict(re.findall(r"^(CMAKE_\w+):\w+=(.*)$", file.read(), flags=re.M))
    except OSError:
        return ""
    kind = cache.get("CMAKE_BUILD_TYPE", "")
    return " ".join(f"{kind} {cache.get('CMAKE_CXX_FLAGS', '')} {cache.get(f'CMAKE_CXX_FLAGS_{kind.upper()}', '')}".split())


def theory(limit, machine, found):
    """Operations a second that clock, width and ports would give, and how it is counted; None where nothing tells it.

    Two ports for multiply-adds, each as wide as a register; AMD's family 25 takes a register of 512 bits in two halves. SSE2 multiplies
    on one port and adds on another. Threads are taken to have cores of their own."""
    isa, clock, lanes, threads = found["isa"], found["clock"], found["lanes"], found["threads"]
    if machine["vendor"] == "AuthenticAMD" and machine["family"] == "25":
        lanes = min(lanes, 8)
    each = {"float32": 1 if isa == "baseline" else 2, "int8": 8 if any(word in isa for word in ("vnni", "bf16", "dotprod")) else 16 if "i8mm" in isa else 0,
            "bf16": 4 if "bf16" in isa else 0}.get(limit, 0)
    if not each:
        return None, "not told by clock, width and ports"
    rate = clock * lanes * 2 * each * threads
    return rate, f"{clock / 1e9:.2f} GHz x {lanes} lanes x 2 ports x {each} operations x {threads} threads"


class Limits:
    """Probed again and again between the works, so that they belong to the same run."""

    def __init__(self, program, threads, held):
        self.command, self.all = [program, "--threads", str(threads), *held], []

    def probe(self):
        out = subprocess.run(self.command, check=True, capture_output=True, text=True).stdout
        self.all.append(json.loads(out))

    def median(self):
        """The words of the first probe, the medians of all."""
        last = dict(self.all[0])
        for key in ("clock", *LIMITS):
            last[key] = statistics.median(one[key] for one in self.all)
        return last

    def moved(self):
        """A line on limits whose probes lie further apart than a tenth; "" if none do."""
        wide = [f"{name} {low / 1e9:.0f} to {high / 1e9:.0f}" for name in LIMITS
                for low, high in [(min(one[name] for one in self.all), max(one[name] for one in self.all))] if high > 1.1 * low]
        return f"limits moved during the run, parts are of the medians: {', '.join(wide)}" if wide else ""


def head(machine, found, build, peers):
    told = f"{machine['mhz'] / 1000:.2f} GHz" if machine["mhz"] else "unknown"
    words = [title_of(machine), found["isa"], f"{found['threads']} threads", found["compiler"], flags_of(build), str(datetime.date.today())]
    lines = [", ".join(filter(None, words)),
             f"clock: {found['clock'] / 1e9:.2f} GHz at work, measured by a chain of additions; the system says {told}",
             "peers: " + ("; ".join(peers) if peers else "none")]
    return "\n".join(lines)


def limit_lines(machine, found):
    lines = [f"{'limit':10} {'measured':>10} {'':7} clock x width x ports (assumed: two ports as wide as a register, a core for each thread)"]
    for name, unit in LIMITS.items():
        if not found[name]:
            lines.append(f"{name:10} {'none':>10}")
            continue
        rate, how = theory(name, machine, found)
        beside = f"{rate / 1e9:.0f} = {how}; measured is {100 * found[name] / rate:.0f} %" if rate else how
        lines.append(f"{name:10} {found[name] / 1e9:10.1f} {unit:7} {beside}")
    return "\n".join(lines)
