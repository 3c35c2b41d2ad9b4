"""What becomes of training that is killed, stopped, or has no room on the disk, and then goes on: the same bits.

A Case has these tests by inheriting Interruptions; it says how its program is called and what its folder holds.
"""
import contextlib
import os
import random
import resource
import signal
import subprocess
import time

from program import PATIENCE, contents


def faults(**named):
    """The environment of a program some of whose writes fail: see fault_points.cpp."""
    preload = {"LD_PRELOAD": os.environ["TFM_FAULT_POINTS"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
    return os.environ | preload | {name: str(value) for name, value in named.items()}


@contextlib.contextmanager
def started(words, **options):
    """A program that runs meanwhile, and is killed if it still does at the end."""
    with subprocess.Popen(words, **options) as child:
        try:
            yield child
        finally:
            child.kill()


class Interruptions:
    kills = 15  # at any moment, and as many inside writes
    part = 6  # a run is killed within this part of its time
    checkpoints = ""  # the folder of checkpoints, in the run's
    model = ""  # the file that is there when all is done
    sizes = ()  # bytes that a file may have: each is too few somewhere else
    disk = 0  # bytes: room for one checkpoint, not for two

    # setUp gives self.expected: by name in the folder, the bytes of a run that nothing interrupts.

    def command(self, folder, *options):
        """The words of a run in `folder`, which goes on with what is there."""
        raise NotImplementedError

    def leftovers(self, folder):
        """Names in a finished run that should not be there."""
        raise NotImplementedError

    def unfinished(self, folder):
        """Names of files that are half written, after a run that could not go on."""
        raise NotImplementedError

    def after_no_room(self, folder):
        """What else must hold where the disk was full."""

    def run_to_the_end(self, folder, *options):
        subprocess.run(self.command(folder, *options), capture_output=True, timeout=PATIENCE, check=True)

    def seconds(self, folder):
        begin = time.monotonic()
        self.run_to_the_end(folder)
        return time.monotonic() - begin

    def check(self, folder):
        for name, expected in self.expected.items():
            self.assertEqual(contents(folder, name), expected, name)
        self.assertEqual(self.leftovers(folder), [])

    def go_through(self, name, kill):
        """Kills runs by kill(folder), which tells whether it could, and goes on from what is left, until there are enough."""
        folder, kills, finished = self.path(name), 0, 0
        while kills < self.kills:
            if kill(folder):
                kills += 1
                continue
            self.check(folder)
            finished += 1
            folder = self.path(f"{name}-{finished}")
        self.run_to_the_end(folder)
        self.check(folder)

    def test_kill(self):
        """At any moment of a run. A checkpoint is written after every step, so many kills come while one is half written."""
        draw = random.Random(1)
        whole = min(self.seconds(self.path(f"timed-{i}")) for i in range(3))  # the least: a machine may pause

        def kill(folder):
            with started(self.command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                try:
                    child.wait(draw.uniform(0, whole / self.part))
                except subprocess.TimeoutExpired:
                    return True
            self.assertEqual(child.returncode, 0)
            return False

        self.go_through("killed", kill)

    def test_kill_while_writing(self):
        """At the calls that write a checkpoint or the log, each as likely as the others."""
        draw = random.Random(2)
        run = lambda folder, **named: subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=False,
                                                     env=faults(**named))
        counted = run(self.path("counted"), TFM_TEST_POINTS=self.path("points"))
        self.assertEqual(counted.returncode, 0, counted.stderr)
        points = int(contents(self.path("points")))
        self.assertGreater(points, 60 * 4)  # steps, and writes of each

        def kill(folder):
            at = draw.randint(1, points // 10)
            ended = run(folder, TFM_TEST_KILL_AT=at).returncode
            self.assertIn(ended, (0, -signal.SIGKILL))
            return ended != 0

        self.go_through("broken", kill)

    def test_stop(self):
        folder = self.path("stopped")
        with started(self.command(folder, "--threads", 1), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            while child.poll() is None and not os.path.exists(os.path.join(folder, self.checkpoints, "checkpoint-5")):
                time.sleep(0.001)
            child.send_signal(signal.SIGINT)
            err = child.communicate(timeout=PATIENCE)[1]
        self.assertEqual(child.returncode, 130, err)
        self.assertIn(b"--resume goes on from there", err)
        self.assertFalse(os.path.exists(os.path.join(folder, self.model)))
        self.run_to_the_end(folder, "--threads", 2)
        self.check(folder)

    def no_room(self, folder, **how):
        result = subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=False, **how)
        self.assertEqual(result.returncode, 1, result.stderr)
        last = result.stderr.decode().strip().split("\n")[-1]
        self.assertTrue(last.startswith("tfm: "), last)
        return last

    def test_files_that_may_not_grow(self):
        folder = self.path("limited")
        for size in self.sizes:
            limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            self.assertIn("File too large", self.no_room(folder, preexec_fn=limit))
            self.assertEqual(self.unfinished(folder), [])
        self.run_to_the_end(folder)
        self.check(folder)

    def test_full_disk(self):
        folder, full = self.path("full"), "No space left on device"
        self.assertIn(full, self.no_room(folder, env=faults(TFM_TEST_ROOM=self.disk)))
        self.after_no_room(folder)
        self.assertIn(full, self.no_room(folder, env=faults(TFM_TEST_ROOM=10)))
        self.assertEqual(self.unfinished(folder), [])
        self.run_to_the_end(folder)
        self.check(folder)
