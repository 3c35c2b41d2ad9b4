#!/usr/bin/env python3
"""tfm chat in a terminal: a person types, edits, interrupts, asks again and leaves; what is on the screen is compared.

  conversation.py PROGRAM [TEST...]
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import tempfile
import termios
import time
import unittest
import unittest.mock

import program
from program import need, Program, run, SHARED, STORIES
from screen import Screen

COLUMNS, ROWS = 80, 18
LEFT, RIGHT, UP, DOWN = "\x1b[D", "\x1b[C", "\x1b[A", "\x1b[B"
HOME, END, DELETE, BACKSPACE = "\x1b[H", "\x1b[F", "\x1b[3~", "\x7f"


def control(letter):
    return chr(ord(letter) - ord("A") + 1)


class Terminal:
    """tfm chat at the other end of a pseudo-terminal."""
    state = "/dev/null"  # a folder for what is remembered; here: none

    def __init__(self, *arguments):
        self.screen = Screen(COLUMNS, ROWS)
        self.output = b""
        command = [Program.path, "chat", "--model", STORIES, "--temperature", "0", *map(str, arguments)]
        self.child, self.master = pty.fork()
        if self.child == 0:
            try:
                os.execve(command[0], command, os.environ | {"TERM": "xterm", "NO_COLOR": "1", "XDG_STATE_HOME": Terminal.state})
            finally:
                os._exit(127)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.mode = termios.tcgetattr(self.master)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 4096)
        except OSError:  # the other end is closed
            return None
        self.output += data
        self.screen.feed(data)
        return True

    def wait(self, condition, what):
        """Reads until condition() holds and nothing more comes for a moment."""
        end = time.monotonic() + program.PATIENCE
        while True:
            alive = self.read(0.1)
            if not alive and condition():
                return
            if alive is None or time.monotonic() > end:
                raise AssertionError(f"waiting for {what}; on the screen:\n" + "\n".join(self.screen.lines()))

    def wait_for_prompt(self):
        self.wait(lambda: self.screen.lines()[-1:] == [">"] and self.screen.column == 2, "the prompt")

    def wait_for_line(self, line, column=None):
        def there():
            return self.screen.lines()[-1] == line and column in (None, self.screen.column)

        self.wait(there, f"{line!r} with the cursor at {column}")

    def type(self, *keys):
        os.write(self.master, "".join(keys).encode())

    def leave(self):
        """Reads to the end; the exit code."""
        while self.read(program.PATIENCE):
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])

    def close(self):
        try:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(self.master)


def without_figures(lines):
    return [re.sub(r"^\[(\d+) tokens, [0-9.]+ tokens/s, first after [0-9.]+ s", r"[\1 tokens", line) for line in lines]


def wrapped(text):
    return [line[at:at + COLUMNS].rstrip() for line in text.split("\n") for at in range(0, max(len(line), 1), COLUMNS)]


class Talk(unittest.TestCase):
    def open(self, *arguments):
        terminal = Terminal(*arguments)
        self.addCleanup(terminal.close)
        terminal.wait_for_prompt()
        return terminal


class Conversation(Talk):
    def test_what_is_on_the_screen(self):
        terminal = self.open("--max-tokens", 20)
        terminal.type("Once upon a tame", LEFT, LEFT, BACKSPACE)
        terminal.wait_for_line("> Once upon a tme", column=15)
        terminal.type("i")
        terminal.wait_for_line("> Once upon a time", column=16)
        terminal.type("\r")
        terminal.wait_for_prompt()
        alone = run("chat", "--model", STORIES, "--temperature", 0, "--max-tokens", 20, "--prompt", "Once upon a time")
        answer = alone[0].decode()[:-1]
        banner = "stories260K.F32.gguf. /help lists the commands; Ctrl-C stops an answer, Ctrl-D leaves."
        turn = ["> Once upon a time", *wrapped(answer), "[20 tokens; ended by --max-tokens]", ""]
        expected = [*wrapped(f"tfm: note: {program.NO_TEMPLATE}"), *wrapped(banner), *turn, ">"]
        self.assertEqual(without_figures(terminal.screen.lines()), expected)

        terminal.type("/reset\r")
        terminal.wait_for_prompt()
        terminal.type(UP, UP)  # the question again, out of the history
        terminal.wait_for_line("> Once upon a time")
        terminal.type("\r")
        terminal.wait_for_prompt()
        expected = [*expected[:-1], "> /reset", "[a new conversation]", *turn, ">"]
        self.assertEqual(without_figures(terminal.screen.lines()), expected[-ROWS:])

        terminal.type("/quit\r")
        self.assertEqual(terminal.leave(), 0)
        self.assertEqual(termios.tcgetattr(terminal.master), terminal.mode, "the terminal's mode is what it was")

    def answers(self, terminal, question, answer_begins):
        """Asks, waits until the answer is under way, stops it, and returns what was said of it."""
        before = len(terminal.output)
        terminal.type(question, "\r")
        submitted = b"\r\n\x1b[?2004l"
        end = time.monotonic() + program.PATIENCE
        while len(terminal.output[before:].partition(submitted)[2]) < answer_begins and time.monotonic() < end:
            terminal.read(1)
        terminal.type(control("C"))
        terminal.wait_for_prompt()
        said = terminal.output[before:].partition(submitted)[2].decode().replace("\r\n", "\n")
        match = re.match(r"(.*)\n\[(\d+) tokens, [^\n]*; stopped\]\n", said, re.S)
        self.assertTrue(match, said[-400:])
        self.assertGreater(int(match[2]), 20)
        return match[1]

    def test_interrupts_and_goes_on(self):
        endless = ["--context", 60000, "--max-tokens", 59000]
        terminal = self.open(*endless)
        first = self.answers(terminal, "Once upon a time", 200)
        self.assertTrue(first.startswith(", there was") or "Lily" in first, first[:100])
        self.answers(terminal, "Tom was a frog.", 200)
        terminal.type("/reset\r")
        terminal.wait_for_prompt()
        again = self.answers(terminal, "Once upon a time", 200)
        shorter, longer = sorted([first, again], key=len)
        self.assertTrue(longer.startswith(shorter), "after /reset the same question has the same answer")
        terminal.type(control("D"))
        self.assertEqual(terminal.leave(), 0)

    def test_adapters_are_changed(self):
        adapter = need(os.path.join(SHARED, "data/adapters/stories260K-qv"))
        asked = ["--max-tokens", 20, "--prompt", "Once upon a time"]

        def answer(*worn):
            return wrapped(run("chat", "--model", STORIES, "--temperature", 0, *asked, *worn)[0].decode()[:-1])

        terminal = self.open("--max-tokens", 20, "--adapter", adapter)

        def says(line, *lines):
            terminal.type(line, "\r")
            terminal.wait_for_prompt()
            shown = terminal.screen.lines()
            self.assertEqual(shown[len(shown) - 1 - len(lines):-1], list(lines))

        def tells(*worn):
            says("/reset", "[a new conversation]")
            terminal.type("Once upon a time\r")
            terminal.wait_for_prompt()
            lines = answer(*worn)
            self.assertEqual(terminal.screen.lines()[-3 - len(lines):-3], lines)

        tells("--adapter", adapter)
        says("/adapter", "stories260K-qv")
        says("/adapter none", "[the conversation goes on with none]")
        tells()
        says("/wear nobody", "there is no adapter nobody; there are:", "stories260K-qv")
        says("/wear stories260K-qv=0.5", "[the conversation goes on with stories260K-qv=0.5]")
        tells("--adapter", adapter + "=0.5")
        terminal.type("/quit\r")
        self.assertEqual(terminal.leave(), 0)

    def test_keys(self):
        terminal = self.open()

        def line(keys, text, column):
            terminal.type(*keys)
            terminal.wait_for_line(("> " + text).rstrip(), column + 2)

        line("three little words", "three little words", 18)
        line([control("W")], "three little ", 13)
        line([HOME, DELETE, "T"], "Three little", 1)
        line([control("E"), control("K"), "pigs"], "Three little pigs", 17)
        line([control("A"), RIGHT * 5, control("K")], "Three", 5)
        line([LEFT * 9, RIGHT, BACKSPACE], "hree", 0)
        line([END, control("U"), "\u4e16\u754c e\u0301!"], "\u4e16\u754c e\u0301!", 7)
        line([LEFT, BACKSPACE], "\u4e16\u754c !", 5)  # the accent goes with its letter
        line([LEFT, LEFT, DELETE], "\u4e16 !", 2)
        line([control("C")], "", 0)
        terminal.type("word " * 17)
        terminal.wait_for_line(("> " + "word " * 17)[COLUMNS:].rstrip(), 2 + 17 * 5 - COLUMNS)
        terminal.type(HOME, "X")
        terminal.wait(lambda: terminal.screen.lines()[-2].startswith("> Xword word") and terminal.screen.column == 3,
                      "the first row")
        line([control("E"), control("U")], "", 0)
        terminal.type(control("C"))
        terminal.wait_for_prompt()
        self.assertIn("(/quit or Ctrl-D to leave)", terminal.screen.lines())
        terminal.type("\x1b[200~/help\x1b[201~", "\r")  # pasted
        terminal.wait_for_prompt()
        self.assertTrue(any(row.startswith("/quit ") for row in terminal.screen.lines()))
        terminal.type("/nothing\r")
        terminal.wait_for_prompt()
        self.assertIn("There is no command /nothing.", terminal.screen.lines())
        terminal.type("/quit\r")
        self.assertEqual(terminal.leave(), 0)

    def message_of(self, terminal, keys):
        """What is said when `keys` are typed: the answer to it, which is that of the same text given as an option."""
        terminal.type("/reset\r")
        terminal.wait_for_prompt()
        terminal.type(keys)
        terminal.wait_for_prompt()
        lines = terminal.screen.lines()
        last = max(i for i, line in enumerate(lines) if line.startswith("["))
        return "\n".join(lines[:last])

    def test_several_lines(self):
        terminal = self.open("--max-tokens", 8)

        def says(keys, text):
            asked = run("chat", "--model", STORIES, "--temperature", 0, "--max-tokens", 8, "--no-escape", "--prompt", text)
            answer = "\n".join(wrapped(asked[0].decode()[:-1]))
            self.assertTrue(self.message_of(terminal, keys).endswith("\n" + answer), (keys, answer, terminal.screen.lines()))

        says("Once upon\\\ra time\r", "Once upon\na time")
        says("Once\\\r\\\rupon\r", "Once\n\nupon")
        says('"""Once\rupon\\\ra time\r"""\r', "Once\nupon\\\na time")
        says('"""\rOnce\rupon\r"""\r', "Once\nupon")
        says('"""/help"""\r', "/help")
        says("\x1b[200~Once\nupon a\\\ntime\x1b[201~\r", "Once\nupon a\\\ntime")
        says("\x1b[200~Once\rupon\r\x1b[201~\r", "Once\nupon")
        terminal.type("a\\\rb\\\r")
        terminal.wait(lambda: terminal.screen.lines()[-2:] == ["> a", "b"], "the first lines")
        terminal.type(control("C"))
        terminal.wait_for_prompt()
        terminal.type(UP)
        terminal.wait(lambda: terminal.screen.lines()[-2:] == ["> Once", "upon"], "the last message")
        terminal.type(control("C"), "/quit\r")
        self.assertEqual(terminal.leave(), 0)

    def test_full_context(self):
        terminal = self.open("--context", 64, "--max-tokens", 10)
        terminal.type("a dog and a cat and " * 8, "\r")
        terminal.wait_for_prompt()
        self.assertTrue(any("do not fit" in row for row in terminal.screen.lines()), terminal.screen.lines())
        terminal.type("Once\r")
        terminal.wait_for_prompt()
        self.assertIn("[10 tokens; ended by --max-tokens]", without_figures(terminal.screen.lines()))
        terminal.type("/quit\r")
        self.assertEqual(terminal.leave(), 0)


class History(Talk):
    """What was typed is there again the next time."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "state", "tfm", "history")
        patch = unittest.mock.patch.object(Terminal, "state", os.path.join(folder.name, "state"))
        patch.start()
        self.addCleanup(patch.stop)

    def talk(self, *keys, options=()):
        terminal = self.open("--max-tokens", 1, *options)
        for line in keys:
            terminal.type(line)
            terminal.wait_for_prompt()
        terminal.type(control("D"))
        self.assertEqual(terminal.leave(), 0)

    def kept(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_next_time(self):
        self.talk("Once\r", "a\\\rback\\slash\r", "a\\\rback\\slash\r")
        self.assertEqual(self.kept(), ["Once", "a\\nback\\\\slash"])
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        terminal = self.open()
        terminal.type(UP)
        terminal.wait(lambda: terminal.screen.lines()[-2:] == ["> a", "back\\slash"], "the last message")
        terminal.type(UP)
        terminal.wait_for_line("> Once")
        terminal.type(control("C"), control("D"))
        self.assertEqual(terminal.leave(), 0)
        self.talk("Tom\r", options=["--no-history"])
        self.assertEqual(len(self.kept()), 2)
        run("chat", "--model", STORIES, "--max-tokens", 1, text="piped", env=os.environ | {"XDG_STATE_HOME": Terminal.state})
        self.assertEqual(len(self.kept()), 2)

    def test_at_most_a_thousand(self):
        os.makedirs(os.path.dirname(self.file))
        with open(self.file, "w", encoding="utf-8") as file:
            file.write("".join(f"line {i}\n" for i in range(1500)))
        os.chmod(self.file, 0o644)
        self.talk("Once\r")
        self.assertEqual(self.kept(), [f"line {i}" for i in range(501, 1500)] + ["Once"])
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)

    def test_no_error(self):
        os.makedirs(self.file)  # a folder of that name
        self.talk("Once\r")
        os.rmdir(self.file)
        os.mkfifo(self.file)
        self.talk("Once\r")
        os.remove(self.file)
        os.rmdir(os.path.dirname(self.file))
        with open(os.path.dirname(self.file), "wb"):
            pass
        self.talk("Once\r")


if __name__ == "__main__":
    program.main()
