#!/usr/bin/env python3
"""TensorBoard's own package reads back the event files that test_train writes. Skipped where the package is not installed; TFM_PYTHON
names another Python that may have it.

  read_events.py TEST_TRAIN
"""
import math
import os
import subprocess
import sys
import tempfile

try:
    from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
except ImportError as error:
    if (other := os.environ.pop("TFM_PYTHON", "")) != "":
        os.execv(other, [other, *sys.argv])
    print(f"[tfm: skipped] {error}")
    sys.exit(0)
from tensorboard.util import tensor_util


def scalars(folder):
    """{tag: [(step, value)]} as TensorBoard's server sees it, and the same from its older reader."""
    server = plugin_event_accumulator.EventAccumulator(folder)
    server.Reload()
    newer = {tag: [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in server.Tensors(tag)] for tag in server.Tags()["tensors"]}
    older = event_accumulator.EventAccumulator(folder)
    older.Reload()
    return newer, {tag: [(event.step, event.value) for event in older.Scalars(tag)] for tag in older.Tags()["scalars"]}


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "writes event files and what is in them"], env=os.environ | {"TFM_EVENTS": folder}, check=True, stdout=subprocess.DEVNULL)
        expected = {}
        with open(os.path.join(folder, "expected.tsv"), encoding="utf-8") as file:
            for line in file:
                tag, step, value = line.rstrip("\n").split("\t")
                expected.setdefault(tag, []).append((int(step), float(value)))
        for found in scalars(os.path.join(folder, "run")):
            if found.keys() != expected.keys():
                sys.exit(f"found the tags {sorted(found)}, expected {sorted(expected)}")
            for tag, points in expected.items():
                steps = [step for step, _ in found[tag]]
                if steps != [step for step, _ in points]:
                    sys.exit(f"{tag}: found steps {steps}, expected {points}")
                for (step, value), (_, wanted) in zip(found[tag], points):
                    if not math.isclose(value, wanted, rel_tol=1e-7):
                        sys.exit(f"{tag} at step {step}: found {value}, expected {wanted}")
    print(f"{sum(map(len, expected.values()))} values of {len(expected)} tags read back, by both readers")


main()
