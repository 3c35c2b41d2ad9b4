#!/usr/bin/env python3
"""Training with examples/translate that is killed, stopped, or has no room on the disk, and then goes on: to the same bits.

  interrupted.py PROGRAM [TEST...]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from translate import Case, contents, need, program, train, DATA
from interruptions import Interruptions
from program import Program

OPTIONS = ["--pairs", 100, "--epochs", 30, "--seed", 4, "--save-every", 1]  # 60 steps, as many checkpoints


class Interrupted(Interruptions, Case):
    checkpoints = "checkpoints"
    model = "model.safetensors"
    sizes = 100, 20_000, 300_000  # in a vocabulary, in the log, in a checkpoint
    disk = 1_300_000  # a checkpoint is 0.6 MB

    def setUp(self):
        super().setUp()
        need(DATA)
        train(self.path("whole"), *OPTIONS)
        self.expected = {name: contents(self.path("whole", name)) for name in ("model.safetensors", "log/steps.csv", "loss.svg")}

    def command(self, folder, *options):
        return [Program.path, "train", "--preset", "article", "--data", DATA, "--out", folder, "--resume", *map(str, (*OPTIONS, *options))]

    def leftovers(self, folder):
        return [name for name in os.listdir(os.path.join(folder, "checkpoints")) if not name.startswith("checkpoint-")]

    def unfinished(self, folder):
        return [name for name in os.listdir(folder) if name.endswith(".tmp")]


if __name__ == "__main__":
    program.main()
