#!/usr/bin/env python3
"""Fine-tuning that is killed, stopped, or has no room on the disk, and then goes on: to the same bits.

  interrupted.py PROGRAM [TEST...]
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from finetune import Case, colours, program
from interruptions import Interruptions
from program import Program, contents

OPTIONS = ["--steps", 60, "--save-every", 1, "--eval-every", 7, "--eval-on-start"]  # as many checkpoints as steps
SAME = ("adapter_model.safetensors", "run.json", "validation.json", "log/steps.csv", "log/evaluations.csv", "loss.svg")


class Interrupted(Interruptions, Case):
    kills = 25
    part = 5
    model = "adapter_model.safetensors"
    sizes = 100, 20_000, 50_000  # in the receipt, in a checkpoint's weights, in its optimizer's state
    disk = 200_000  # a checkpoint is 0.12 MB

    def setUp(self):
        super().setUp()
        self.data = self.write_json("data.json", colours(60))
        self.train("whole", *OPTIONS, data=self.data)
        self.expected = {name: contents(self.path("whole", name)) for name in SAME}

    def command(self, folder, *options):
        words = self.words(folder, *OPTIONS, "--resume", *options, data=self.data)
        return [Program.path, *map(str, words)]

    def leftovers(self, folder):
        return [name for name in os.listdir(folder) if name.startswith(".")]

    unfinished = leftovers

    def after_no_room(self, folder):
        self.assertTrue(os.path.exists(os.path.join(folder, "checkpoint-1", "state.json")))


if __name__ == "__main__":
    program.main()
