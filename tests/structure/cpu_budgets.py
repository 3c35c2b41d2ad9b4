#!/usr/bin/env python3
"""What building and testing cost, room by room, in CPU seconds, and as multiples of compiling one fixed file, so that machines compare.

The logs are cpu_time.sh's: a line "NAME user system" for each object, link and test. A room may cost at most what cpu_budgets.json says under
the name of the preset, in those multiples; a room without a budget fails, so that a new one gets its own. Objects out of a compiler's cache
cost nothing, and are told: a fresh build alone is the measure.

  cpu_budgets.py BUILD_LOG TESTS_LOG --compiler C [--budgets NAME] [--table FILE]     FILE gets what is printed
"""
import argparse
import json
import os
import resource
import subprocess
import sys

import house

HERE = os.path.dirname(os.path.abspath(__file__))
UNIT = os.path.join(HERE, "cpu_unit.cpp")
CACHED = 0.3  # an object for which the compiler ran that short came out of a cache


def read_log(path):
    """(name, seconds) of each line, in order."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.rsplit(maxsplit=2) for line in file]
    return [(line[0], float(line[1]) + float(line[2])) for line in lines if len(line) == 3]


def room_of_target(target):
    """Which row of the table a target of the build belongs to."""
    if target.endswith("_emulated"):
        return "emulated"
    if target == "test_shape":
        return "checkpoint"
    if target.startswith("test_"):
        return target.removeprefix("test_").replace("train_data", "train/data")
    known = {"tfm_compiled": "library", "tfm_test_main": "support", "tfm_fault_points": "examples",
             "translate_logits": "examples", "peft_exchange": "checkpoint"}
    return known.get(target, "programs")


def build_costs(log, folder):
    """{room: (seconds, objects, of them cached)}: the last line of each object that is still there."""
    last = {name: seconds for name, seconds in log if os.path.exists(os.path.join(folder, name.split(":", 1)[1]))}
    costs = {}
    for name, seconds in last.items():
        target, output = name.split(":", 1)
        spent, objects, cached = costs.get(room_of_target(target), (0.0, 0, 0))
        compiled = output.endswith(".o")
        costs[room_of_target(target)] = (spent + seconds, objects + compiled, cached + (compiled and seconds < CACHED))
    return costs


def test_costs(log):
    costs = {}
    for label, seconds in log:
        costs[label] = costs.get(label, 0.0) + seconds
    return costs


def unit_seconds(compiler):
    """CPU seconds of compiling the fixed file: the least of three, as other work beside it only adds."""
    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([compiler, "-std=c++20", "-O1", "-c", UNIT, "-o", os.devnull], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(3))


def faults_of(units, budgets):
    """`units`: {"build" or "tests": {room: multiples}}"""
    faults = []
    for part, of_rooms in units.items():
        for room, spent in of_rooms.items():
            allowed = budgets.get(part, {}).get(room)
            if allowed is None:
                faults.append(f"{part} of {room}: {spent:.1f} units, and no budget is given")
            elif spent > allowed:
                faults.append(f"{part} of {room}: {spent:.1f} units, more than its budget of {allowed}")
    return faults


def self_test():
    house.check(not faults_of({"build": {"text": 10.0}}, {"build": {"text": 10}}), "within the budget")
    house.check(len(faults_of({"build": {"text": 10.1}, "tests": {"core": 1.0}}, {"build": {"text": 10}})) == 2, "beyond a budget, and none")
    house.check(test_costs([("text", 1.0), ("text", 2.0), ("core", 1.0)]) == {"text": 3.0, "core": 1.0}, "sums by room")
    folder, name = os.path.split(os.path.abspath(__file__))
    log = [(f"test_text:{name}", 5.0), (f"test_text:{name}", 2.0), ("test_text:gone.o", 9.0), ("hello:" + name, 1.0)]
    house.check(build_costs(log, folder) == {"text": (2.0, 0, 0), "programs": (1.0, 0, 0)}, "the last time of what is there")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build_log")
    parser.add_argument("tests_log")
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--budgets", default="")
    parser.add_argument("--table")
    options = parser.parse_args()
    self_test()
    unit = unit_seconds(options.compiler)
    built = build_costs(read_log(options.build_log), os.path.dirname(options.build_log))
    tested = test_costs(read_log(options.tests_log))
    lines = [f"CPU seconds, and multiples of compiling cpu_unit.cpp ({unit:.2f} s)",
             f"{'room':12}{'build':>10}{'':>8}{'objects':>9}{'cached':>8}{'tests':>10}"]
    costs = {room: (*built.get(room, (0.0, 0, 0)), tested.get(room, 0.0)) for room in sorted(set(built) | set(tested))}
    for room, (spent, objects, cached, seconds) in [*costs.items(), ("all", tuple(map(sum, zip(*costs.values()))))]:
        lines.append(f"{room:12}{spent:10.1f}{spent / unit:8.1f}{objects:9}{cached:8}{seconds:10.1f}{seconds / unit:8.1f}")
    table = "\n".join(lines)
    print(table)
    if options.table:
        with open(options.table, "w", encoding="utf-8") as file:
            file.write(table + "\n")
    if not options.budgets:
        return
    with open(os.path.join(HERE, "cpu_budgets.json"), encoding="utf-8") as file:
        budgets = json.load(file)[options.budgets]
    units = {"build": {room: cost[0] / unit for room, cost in built.items()}, "tests": {room: s / unit for room, s in tested.items()}}
    house.finish(faults_of(units, budgets), f"{len(built) + len(tested)} budgets")


main()
