"""What the tests of the programs in examples/ share: the program, the models and the data."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STORIES = os.path.join(ROOT, "examples/stories260K/stories260K.F32.gguf")
SHARED = os.environ.get("TFM_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
GOLDEN = os.environ.get("TFM_GOLDEN") or os.path.join(SHARED, "golden/data")
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME") or ".", ".cache")
SMOLLM2 = os.environ.get("TFM_MODEL") or os.path.join(CACHE, "tfm/SmolLM2-135M-Instruct.Q4_1.gguf")
# What is told of every model without a chat template, as stories260K is: the tests look at the other notes.
NO_TEMPLATE = "there is no chat template: the vocabulary has the marks of no known one, so chats are written in the format plain"
PATIENCE = 200  # seconds: sanitizers, and machines that do other things


class Program:
    path = ""


def run(*arguments, text=None, code=0, **options):
    """Runs tfm; `text` (str or bytes) is its standard input. Returns (stdout, stderr), both bytes."""
    if isinstance(text, str):
        text = text.encode()
    options = {"stdin": subprocess.DEVNULL} | options if text is None else {"input": text} | options
    result = subprocess.run([Program.path, *map(str, arguments)], capture_output=True, timeout=PATIENCE, check=False,
                            **options)
    if result.returncode != code:
        said = result.stderr.decode(errors="replace")
        raise AssertionError(f"tfm {arguments} ends with {result.returncode}, not {code}:\n{said}")
    return result.stdout, result.stderr


def others(told):
    """Standard error, or a list of notes, without that of the chat template."""
    if isinstance(told, bytes):
        return told.replace(f"tfm: note: {NO_TEMPLATE}\n".encode(), b"")
    return [note for note in told if note != NO_TEMPLATE]


def run_json(*arguments, text=None):
    return json.loads(run(*arguments, "--json", text=text)[0])


def need(path):
    """The path, if it is there; otherwise the test is skipped, in the words by which CTest counts it."""
    if not os.path.exists(path):
        print(f"[tfm: skipped] not there: {path}", flush=True)
        raise unittest.SkipTest(path)
    return path


def contents(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tfm-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)


def main():
    """SCRIPT PROGRAM [TEST...]"""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("tests", nargs="*")
    options = parser.parse_args()
    Program.path = os.path.abspath(options.program)
    unittest.main(module="__main__", argv=[sys.argv[0], *options.tests])
