#!/usr/bin/env python3
"""Fine-tuning that is killed, stopped, or has no room on the disk, and then goes on: to the same bits.

  interrupted.py PROGRAM [TEST...]
"""
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from finetune import Case, colours, program
from program import PATIENCE, Program, contents

OPTIONS = ["--steps", 60, "--save-every", 1, "--eval-every", 7]  # as many checkpoints as steps
SAME = ("adapter_model.safetensors", "run.json", "validation.json", "log/steps.csv", "log/evaluations.csv", "loss.svg")


class Interrupted(Case):
    def setUp(self):
        super().setUp()
        self.data = self.write_json("data.json", colours(60))
        self.train("whole", *OPTIONS, data=self.data)
        self.expected = {name: contents(self.path("whole", name)) for name in SAME}

    def command(self, folder, *options):
        words = self.words(folder, *OPTIONS, "--resume", *options, data=self.data)
        return [Program.path, *map(str, words)]

    def check(self, folder):
        for name, expected in self.expected.items():
            self.assertEqual(contents(folder, name), expected, name)
        self.assertEqual([name for name in os.listdir(folder) if name.startswith(".")], [])

    def test_kill(self):
        """A checkpoint is written after every step, so many kills come while one is half written."""
        draw, folder, kills = random.Random(1), self.path("killed"), 0
        begin = time.monotonic()
        subprocess.run(self.command(self.path("timed")), capture_output=True, timeout=PATIENCE, check=True)
        whole = time.monotonic() - begin
        for _ in range(200):
            with subprocess.Popen(self.command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                try:
                    child.wait(draw.uniform(0, whole / 5))
                except subprocess.TimeoutExpired:
                    child.kill()
                    kills += 1
                    continue
                self.assertEqual(child.returncode, 0)
                break
        self.assertGreaterEqual(kills, 5)
        self.check(folder)

    def test_stop(self):
        folder = self.path("stopped")
        with subprocess.Popen(self.command(folder, "--threads", 1), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            while child.poll() is None and not os.path.exists(os.path.join(folder, "checkpoint-5")):
                time.sleep(0.001)
            child.send_signal(signal.SIGINT)
            err = child.communicate(timeout=PATIENCE)[1]
        self.assertEqual(child.returncode, 130, err)
        self.assertIn(b"--resume goes on from there", err)
        self.assertFalse(os.path.exists(os.path.join(folder, "adapter_model.safetensors")))
        subprocess.run(self.command(folder, "--threads", 2), capture_output=True, timeout=PATIENCE, check=True)
        self.check(folder)

    def no_room(self, folder, **how):
        result = subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=False, **how)
        self.assertEqual(result.returncode, 1, result.stderr)
        last = result.stderr.decode().strip().split("\n")[-1]
        self.assertTrue(last.startswith("tfm: "), last)
        return last

    def test_files_that_may_not_grow(self):
        folder = self.path("limited")
        for size in 100, 20_000, 50_000:  # in the receipt, in a checkpoint's weights, in its optimizer's state
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            self.assertIn("File too large", self.no_room(folder, preexec_fn=limit))
            self.assertEqual([name for name in os.listdir(folder) if name.startswith(".")], [])
        subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=True)
        self.check(folder)

    def test_full_disk(self):
        disk = tempfile.mkdtemp(prefix="tfm-test-disk-")
        self.addCleanup(shutil.rmtree, disk, ignore_errors=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True, check=False)
        if mounted.returncode != 0:
            print(f"[tfm: skipped] no small disk here: {mounted.stderr.decode().strip()}")
            self.skipTest("mount")
        self.addCleanup(subprocess.run, ["umount", disk], check=False)
        folder = os.path.join(disk, "run")  # a checkpoint is 0.12 MB: the second does not fit beside the first
        self.assertIn("No space left on device", self.no_room(folder))
        self.assertTrue(os.path.exists(os.path.join(folder, "checkpoint-1", "state.json")))
        self.assertIn("No space left on device", self.no_room(folder))
        larger = subprocess.run(["mount", "-o", "remount,size=20m", disk], capture_output=True, check=False)
        self.assertEqual(larger.returncode, 0, larger.stderr)
        subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=True)
        self.check(folder)


if __name__ == "__main__":
    program.main()
