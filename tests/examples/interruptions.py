"""What becomes of training that is killed, stopped, or has no room on the disk, and then goes on: the same bits.

A Case has these tests by inheriting Interruptions; it says how its program is called and what its folder holds.
"""
import os
import random
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from program import PATIENCE, contents


class Interruptions:
    kills = 15  # at any moment, and as many inside writes
    part = 6  # a run is killed within this part of its time
    checkpoints = ""  # the folder of checkpoints, in the run's
    model = ""  # the file that is there when all is done
    sizes = ()  # bytes that a file may have: each is too few somewhere else
    disk = ""  # room for one checkpoint, not for two

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
        begin = time.monotonic()
        self.run_to_the_end(self.path("timed"))
        whole = time.monotonic() - begin

        def kill(folder):
            with subprocess.Popen(self.command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                try:
                    child.wait(draw.uniform(0, whole / self.part))
                except subprocess.TimeoutExpired:
                    child.kill()
                    return True
            self.assertEqual(child.returncode, 0)
            return False

        self.go_through("killed", kill)

    def test_kill_while_writing(self):
        """At the calls that write a checkpoint or the log, each as likely as the others: see fault_points.cpp."""
        draw, preload = random.Random(2), {"LD_PRELOAD": os.environ["TFM_FAULT_POINTS"], "ASAN_OPTIONS": "verify_asan_link_order=0"}
        run = lambda folder, **more: subprocess.run(self.command(folder), capture_output=True, timeout=PATIENCE, check=False,
                                                    env=os.environ | preload | more)
        counted = run(self.path("counted"), TFM_TEST_POINTS=self.path("points"))
        self.assertEqual(counted.returncode, 0, counted.stderr)
        points = int(contents(self.path("points")))
        self.assertGreater(points, 60 * 4)  # steps, and writes of each

        def kill(folder):
            at = draw.randint(1, points // 10)
            ended = run(folder, TFM_TEST_KILL_AT=str(at)).returncode
            self.assertIn(ended, (0, -signal.SIGKILL))
            return ended != 0

        self.go_through("broken", kill)

    def test_stop(self):
        folder = self.path("stopped")
        with subprocess.Popen(self.command(folder, "--threads", 1), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
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
        disk = tempfile.mkdtemp(prefix="tfm-test-disk-")
        self.addCleanup(shutil.rmtree, disk, ignore_errors=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.disk}", "tmpfs", disk], capture_output=True, check=False)
        if mounted.returncode != 0:
            print(f"[tfm: skipped] no small disk here: {mounted.stderr.decode().strip()}")
            self.skipTest("mount")
        self.addCleanup(subprocess.run, ["umount", disk], check=False)
        folder = os.path.join(disk, "run")
        self.assertIn("No space left on device", self.no_room(folder))
        self.after_no_room(folder)
        self.assertIn("No space left on device", self.no_room(folder))
        larger = subprocess.run(["mount", "-o", "remount,size=20m", disk], capture_output=True, check=False)
        self.assertEqual(larger.returncode, 0, larger.stderr)
        self.run_to_the_end(folder)
        self.check(folder)
