#!/usr/bin/env python3
"""The commands of tfm chat in a terminal, and conversations in files.

  slash.py PROGRAM [TEST...]
"""
import json
import os

import program
from conversation import Talk, wrapped
from program import Case, contents, run, run_json, STORIES

STORY, FROG = "Once upon a time", "Tom was a frog."
USER, ASSISTANT, SYSTEM = "user", "assistant", "system"


def messages(*turns):
    return [{"role": role, "content": content} for role, content in turns]


class Commands(Talk, Case):
    def says(self, terminal, line):
        """Types a line; what is on the screen behind it, without figures, up to the next prompt."""
        terminal.type("\x0c")  # clears the screen
        terminal.wait_for_prompt()
        terminal.type(line, "\r")
        terminal.wait_for_prompt()
        lines = terminal.screen.lines()[len(wrapped("> " + line)):-1]
        return "\n".join(row for row in lines if " tokens/s" not in row).strip("\n")

    def reply(self, *options):
        return run("chat", "--model", STORIES, "--temperature", 0, "--max-tokens", 8, *options)[0].decode()[:-1]

    def shown(self, *options):
        return "\n".join(wrapped(self.reply(*options)))

    def saved(self, terminal, name="talk.json"):
        self.says(terminal, "/save " + self.path(name))
        return json.loads(contents(self.path(name)))

    def leave(self, terminal):
        terminal.type("/quit\r")
        self.assertEqual(terminal.leave(), 0)

    def test_regen_and_undo(self):
        terminal = self.open("--max-tokens", 8)
        self.assertEqual(self.says(terminal, "/regen"), "There is nothing to answer yet.")
        self.assertEqual(self.says(terminal, "/undo"), "There is nothing to take back.")
        first = self.says(terminal, STORY)
        self.assertEqual(first, self.shown("--prompt", STORY))
        self.assertEqual(self.says(terminal, "/regen"), first, "the likeliest tokens are the same")
        second = self.says(terminal, FROG)
        before = self.saved(terminal)
        self.assertEqual([message["role"] for message in before], [USER, ASSISTANT] * 2)
        self.assertEqual(self.says(terminal, "/undo"), f"[taken back: {FROG}]")
        self.assertEqual(self.saved(terminal), before[:2])
        self.assertEqual(self.says(terminal, FROG), second)
        self.assertEqual(self.saved(terminal), before)
        self.says(terminal, "/undo")
        self.says(terminal, "/undo")
        self.assertEqual(self.saved(terminal), [])
        self.leave(terminal)

    def test_another_answer(self):
        terminal = self.open("--max-tokens", 8, "--temperature", 1.5, "--seed", 1)
        answers = {self.says(terminal, STORY)} | {self.says(terminal, "/regen") for _ in range(3)}
        self.assertGreater(len(answers), 1)
        self.assertEqual(len(self.saved(terminal)), 2)
        self.leave(terminal)

    def test_save_and_load(self):
        terminal = self.open("--max-tokens", 8)
        self.says(terminal, STORY)
        talk = self.saved(terminal)
        second = self.says(terminal, FROG)
        self.assertEqual(self.says(terminal, "/reset"), "[a new conversation]")
        for form in talk, {"messages": talk, "model": "x"}:
            file = self.write("form.json", json.dumps(form))
            self.assertIn("[2 messages out of", self.says(terminal, "/load " + file).replace("\n", ""))
            self.assertEqual(self.says(terminal, FROG), second)
        whole = self.saved(terminal)
        self.assertEqual(whole[:2], talk)
        question = self.write("question.json", json.dumps(whole[:3]))  # ends with the user's: it is answered
        self.assertEqual(self.says(terminal, "/load " + question).split("> " + FROG + "\n")[1], second)
        self.assertEqual(self.saved(terminal), whole)

        letter = self.write("letter", "Dear Lily")
        self.assertIn("is no conversation", self.says(terminal, "/save " + letter).replace("\n", " "))
        self.assertEqual(contents(letter), b"Dear Lily")
        self.assertIn("No such file or directory", self.says(terminal, "/save /nowhere/talk").replace("\n", ""))
        self.assertIn("No such file or directory", self.says(terminal, "/load /nowhere/talk").replace("\n", ""))
        self.assertIn("valid JSON", self.says(terminal, "/load " + letter).replace("\n", ""))
        for command in "/save", "/load":
            self.assertIn("is missing", self.says(terminal, command))
        self.assertEqual(self.saved(terminal), whole, "nothing has changed")
        self.assertEqual(sorted(os.listdir(self.folder)), ["form.json", "letter", "question.json", "talk.json"])
        self.leave(terminal)

    def test_system(self):
        terminal = self.open("--max-tokens", 8)
        self.assertEqual(self.says(terminal, "/system"), "There is no system prompt.")
        self.assertIn("[the conversation goes on", self.says(terminal, "/system " + FROG))
        self.assertEqual(self.says(terminal, "/system"), FROG)
        for _ in range(2):
            self.assertEqual(self.says(terminal, STORY), self.shown("--system", FROG, "--prompt", STORY))
            self.assertEqual(self.saved(terminal)[0], {"role": SYSTEM, "content": FROG})
            self.says(terminal, "/reset")  # keeps it
        self.leave(terminal)

    def test_help(self):
        terminal = self.open()
        told = self.says(terminal, "/help")
        for command in "/regen", "/undo", "/reset", "/system", "/save", "/load", "/adapter", "/help", "/quit":
            self.assertIn("\n" + command, "\n" + told)
        self.assertIn("There is no command /sing.", self.says(terminal, "/sing a song"))
        self.leave(terminal)


class Messages(Case):
    """tfm chat --messages, without a terminal."""

    def chat(self, *options, code=0, **more):
        return run("chat", STORIES, "--temp", 0, "-n", 12, *options, code=code, **more)

    def file(self, *turns):
        return self.write("talk.json", json.dumps(messages(*turns)))

    def test_goes_on(self):
        first = self.chat("-p", STORY)[0].decode()[:-1]
        talk = self.file((USER, STORY), (ASSISTANT, first))
        # The plain template writes turns as they are, a line break behind the answer.
        expected = run("complete", STORIES, "--temp", 0, "-n", 12, "--plain", "-p", f"{STORY}{first}\n{FROG}")[0]
        self.assertEqual(self.chat("--messages", talk, "-p", FROG)[0], expected)
        self.assertEqual(self.chat("--messages", talk, text=FROG)[0], expected, "piped")
        asked = self.file((USER, STORY), (ASSISTANT, first), (USER, FROG))
        self.assertEqual(self.chat("--messages", asked)[0], expected)
        self.assertEqual(self.chat("--messages", "-", text=contents(asked))[0], expected)
        self.assertIn(b"expected one of them", self.chat("--messages", asked, "-p", "x", code=2)[1])

    def test_system(self):
        expected = self.chat("--system", FROG, "-p", STORY)[0]
        self.assertEqual(self.chat("--messages", self.file((SYSTEM, FROG), (USER, STORY)))[0], expected)
        self.assertEqual(self.chat("--messages", self.file((SYSTEM, "x"), (USER, STORY)), "--system", FROG)[0], expected)
        self.assertEqual(self.chat("--messages", self.file((USER, STORY)), "--system", FROG)[0], expected)

    def test_refusals(self):
        for text, said in (("{}", "messages"), ("[1]", "an object"), ('[{"role": "user"}]', "content"), ('[{"role": "narrator", "content": "x"}]', "'assistant' or 'tool'"), ('[{"role": "tool", "content": "x"}]', "the tool's"),
                           ('[{"role": "user", "content": 1}]', "a string"), ("x", "valid JSON"), ('[{"role": "assistant", "content": "x"}, {"role": "user", "content": "x"}]', "user")):
            err = self.chat("--messages", self.write("talk.json", text), code=1)[1].decode()
            self.assertIn(said, err, text)
            self.assertEqual(err.replace(f"tfm: note: {program.NO_TEMPLATE}\n", "").count("\n"), 1, err)

    def test_results_of_tools_are_answered(self):
        template = self.write("template.jinja", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}")
        talk = self.file((USER, "How warm?"), (ASSISTANT, "heat()"), ("tool", "19"))
        told = self.chat("--messages", talk, "--template", template)[0]
        written = "user: How warm?\nassistant: heat()\ntool: 19\nassistant: "
        self.assertEqual(told, run("complete", STORIES, "--temp", 0, "-n", 12, "--plain", "-p", written)[0])
        self.assertIn(b"this format has no tools", self.chat("--messages", talk, code=1)[1])
        self.assertIn(b"expected one of them", self.chat("--messages", talk, "-p", "x", "--template", template, code=2)[1])

    def test_template_of_a_file(self):
        chatml = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
                  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
        file = self.write("template.jinja", chatml)
        self.assertEqual(self.chat("-p", STORY, "--template", file)[0], self.chat("-p", STORY, "--template", "chatml")[0])
        err = self.chat("-p", STORY, "--template", self.write("other", "{{ messages }}"), code=1)[1].decode()
        self.assertIn("chatml", err)
        self.assertIn("or a file", self.chat("-p", STORY, "--template", "nobody", code=2)[1].decode())

    def test_ignore_eos(self):
        daring = [STORIES, "-p", STORY, "--temp", 100, "--top-k", 0, "--top-p", 1, "--min-p", 0, "-n", 400]  # any token, EOS too
        seeds = [["--seed", seed] for seed in range(1, 7)]

        def lengths(*options):
            return [len(run_json("complete", *daring, *seed, *options)["ids"]) for seed in seeds]

        early = [seed for seed, length in zip(seeds, lengths()) if length < 400]
        self.assertTrue(early)
        self.assertEqual(lengths("--ignore-eos"), [400] * len(seeds))
        self.assertNotIn(b"[400 tokens", run("chat", *daring, *early[0])[1])
        self.assertIn(b"[400 tokens", run("chat", *daring, *early[0], "--ignore-eos")[1])


if __name__ == "__main__":
    program.main()
