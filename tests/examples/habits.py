#!/usr/bin/env python3
"""How people who come from other programs type examples/tfm's command lines: what is taken, and what is answered.

  habits.py PROGRAM [TEST...]
"""
import json
import os
import shutil
import unittest

import program
from program import Case, run, run_json, STORIES

STORY = "Once upon a time"
GREEDY = ["--temp", 0, "-n", 12]


def complete(*arguments, **options):
    return run_json("complete", STORIES, *GREEDY, *arguments, **options)


class Fails(Case):
    def fails(self, *arguments, code=2, said=(), **options):
        """One sentence on standard error, with all that is to be said."""
        out, err = run(*arguments, code=code, **options)
        self.assertEqual(out, b"")
        self.assertEqual(program.others(err).count(b"\n"), 1, err)
        self.assertTrue(err.startswith(b"tfm: "), err)
        for part in [said] if isinstance(said, str) else said:
            self.assertIn(part, err.decode(), arguments)


class Models(Fails):
    def test_first_word(self):
        expected = run("complete", "--model", STORIES, "--prompt", STORY, *GREEDY)
        for words in ["complete", STORIES, "--prompt", STORY], ["complete", "-p", STORY, STORIES], ["complete", "-m", STORIES, "-p", STORY]:
            self.assertEqual(run(*words, *GREEDY), expected, words)
        self.assertEqual(run_json("info", STORIES)["shape"]["dim"], 64)
        self.assertEqual(run("tokenize", STORIES, text="a"), run("tokenize", "-m", STORIES, text="a"))

    def test_given_twice_or_not_at_all(self):
        self.fails("complete", "-m", STORIES, "other.gguf", "-p", "x", said=["twice", "other.gguf"])
        self.fails("chat", STORIES, "Hello!", said=["'Hello!'", "--prompt"])
        self.fails("chat", "-p", "x", said=["--model is missing", "tfm chat model.gguf"])
        shutil.copy(STORIES, self.path("one.gguf"))
        self.fails("info", cwd=self.folder, said=["--model", "one.gguf"])

    def test_what_is_there(self):
        self.fails("info", self.path("none.gguf"), code=1, said="none.gguf: there is no such file")
        self.fails("chat", "llama3:8b", "-p", "x", code=1, cwd=self.folder, said=["llama3:8b", "no name of a registry"])
        self.fails("info", self.folder, code=1, said=[self.folder, "empty"])
        self.write("letter.txt", "x")
        self.fails("info", self.folder, code=1, said=["no model", "letter.txt"])
        shutil.copy(STORIES, self.path("one.gguf"))
        self.fails("info", self.path("two.gguf"), code=1, said=["there are: one.gguf"])
        found = run_json("info", self.folder)
        self.assertEqual(found["file"], self.path("one.gguf"))
        self.assertIn("one.gguf", program.others(found["notes"])[0])
        shutil.copy(STORIES, self.path("two.gguf"))
        for command in "info", "tokenize", "bench":
            self.fails(command, self.folder, code=1, said=["several", "one.gguf, two.gguf"])
        os.makedirs(self.path("hub", "snapshots", "1234"))
        self.write("hub/snapshots/1234/config.json", "{}")
        self.fails("info", self.path("hub"), code=1, said="snapshots/ there are: 1234/")


class Texts(Fails):
    def test_file(self):
        file = self.write("prompt", STORY + "\\n")
        self.assertEqual(complete("--file", file)["prompt_ids"], complete(text=STORY + "\\n")["prompt_ids"], "no escapes in files")
        for options in ["-f", "-"], ["-f", "/dev/stdin"], []:
            self.assertEqual(complete(*options, text=STORY), complete("-p", STORY))
        chat = ["chat", STORIES, *GREEDY]
        self.assertEqual(run(*chat, "-f", self.write("question", STORY + "\n"))[0], run(*chat, "-p", STORY)[0])
        self.fails("complete", STORIES, "-p", "x", "-f", file, said=["--prompt", "--file"])
        self.fails("complete", STORIES, "-f", self.path("none"), code=1, said=[self.path("none"), "No such file"])
        self.fails("complete", STORIES, "-f", self.folder, code=1, said=self.folder)
        self.fails("complete", STORIES, "-f", self.write("wide", STORY.encode("utf-16")), code=1, said=["wide", "UTF-16"])
        marked = complete("-f", self.write("marked", b"\xef\xbb\xbf" + STORY.encode()))
        self.assertEqual(marked["prompt_ids"], complete("-p", STORY)["prompt_ids"])
        self.assertIn("byte order mark", program.others(marked["notes"])[0])

    def test_escapes(self):
        def ids(text, *options):
            return run_json("tokenize", STORIES, "-p", text, *options)["ids"]

        plain = {r"a\nb": "a\nb", r"a\tb": "a\tb", r"a\\nb": r"a\nb", r"\"\'": "\"'", r"\x41\x0a": "A\n", r"\q\xg1\x4": r"\q\xg1\x4", "a\\": "a\\",
                 r"\xc3\xa9": "é"}
        for typed, meant in plain.items():
            self.assertEqual(ids(typed), run_json("tokenize", STORIES, text=meant)["ids"], typed)
            self.assertEqual(ids(typed, "--escape"), ids(typed), typed)
            self.assertEqual(ids(typed, "--no-escape"), run_json("tokenize", STORIES, text=typed)["ids"], typed)
        whole = complete("-p", STORY, "-n", 200)["text"]
        self.assertIn("\n", whole)
        self.assertEqual(complete("-p", STORY, "-n", 200, "--stop", r"\n")["text"], whole[:whole.index("\n")])
        self.assertEqual(complete("-p", STORY, "-n", 200, "--stop", r"\n", "--no-escape")["text"], whole)

    def test_prompt_ids(self):
        expected = complete("-p", STORY)
        ids = expected["prompt_ids"]
        for words in json.dumps(ids), ",".join(map(str, ids)), " ".join(map(str, ids)):
            self.assertEqual(complete("--prompt-ids", words), expected, words)
        self.assertEqual(complete("--prompt-ids", "[511]")["prompt_ids"], [511])
        for out_of_range in "512", "-1":
            self.fails("complete", STORIES, "--prompt-ids", f"[1,{out_of_range}]", said=["--prompt-ids", out_of_range, "0 to 511"])
        for wrong in "", "[]", "[1,x]", "1.5", "[[1]]", "99999999999":
            self.fails("complete", STORIES, "--prompt-ids", wrong, said=["--prompt-ids", wrong])
        self.fails("complete", STORIES, "--prompt-ids", "1", "-p", "x", said="--prompt-ids")

    def test_perplexity_of_standard_input(self):
        text = "Lily and Tom went to the park. They saw a big dog. "
        self.assertEqual(run_json("perplexity", STORIES, "-f", "-", text=text), run_json("perplexity", STORIES, "-f", self.write("text", text)))
        self.fails("perplexity", STORIES, "-f", "-", text="", code=1, said="standard input")


class Numbers(Fails):
    def test_other_names(self):
        short = run_json("complete", "-m", STORIES, "-p", STORY, "-n", 9, "--temp", 0.9, "-s", 3, "-t", 2, "-c", 64, "--repeat-penalty", 1.1)
        long = run_json("complete", "--model", STORIES, "--prompt", STORY, "--n-predict", 9, "--temperature", 0.9, "--seed", 3, "--threads", 2,
                        "--ctx-size", 64, "--repetition-penalty", 1.1)
        self.assertEqual(short, long)

    def test_until_the_context_is_full(self):
        found = complete("-p", STORY, "-n", -1, "-c", 40)
        self.assertEqual(len(found["prompt_ids"]) + len(found["ids"]), 41, "the last one needs no room")
        self.assertIn("context of 40 tokens is full; --context makes room for up to 512", program.others(found["notes"])[0])
        err = run("chat", STORIES, "--temp", 0, "-p", STORY, "-n", -1, "-c", 40)[1].decode()
        self.assertRegex(err, "the context is full: --context makes room for up to 512 tokens.*--overflow slide")

    def test_a_random_seed(self):
        texts = {complete("-p", STORY, "-n", 30, "--temp", 1.5, "--seed", -1)["text"] for _ in range(4)}
        self.assertGreater(len(texts), 1)

    def test_the_likeliest_alone(self):
        self.assertEqual(complete("-p", STORY, "--temp", 1.5, "--top-p", 0), complete("-p", STORY))

    def test_one_sentence(self):
        for words, said in ((["-n", 0], ["--max-tokens", "'0'", "at least 1, or -1"]), (["-n", "-2"], ["'-2'"]), (["-n", "many"], ["'many'"]),
                            (["--temp", -1], ["--temperature", "'-1'", "at least 0"]), (["--temp", "nan"], ["'nan'"]), (["--temp", ""], ["''"]),
                            (["--seed", "abc"], ["--seed", "'abc'", "whole number", "-1 for a random one"]), (["--top-k", "1.5"], ["--top-k", "'1.5'"]),
                            (["--top-p", 2], ["--top-p", "from 0 to 1"]), (["--repeat-penalty", 0], ["--repetition-penalty"]),
                            (["-c", -5], ["--context", "'-5'", "at least 0"]), (["-t", "all"], ["--threads", "'all'", "from 0 to 1024"]),
                            (["-n"], ["--max-tokens"]), (["--chunk", "9999999999"], ["--chunk", "at most"])):
            self.fails("complete", STORIES, "-p", "x", *words, said=said)


class Strangers(Fails):
    """Options and commands of other programs."""

    def test_options(self):
        for words, said in ((["-ngl", "99"], ["-ngl", "CPU"]), (["--n-gpu-layers=99"], ["--n-gpu-layers", "CPU"]), (["--mlock"], ["--packed"]),
                            (["--no-mmap"], ["--packed"]), (["-fa"], ["not needed"]), (["-ctk", "q8_0"], ["--cache"]), (["-b", 512], ["--chunk"]),
                            (["-hf", "a/b"], ["fetch"]), (["--max_new_tokens", 5], ["--max-tokens"]), (["--reverse-prompt", "x"], ["--stop"]),
                            (["-temp", 0], ["did you mean --temp?"]), (["--tempeature", 0], ["did you mean --temperature?"]),
                            (["--top_p", 0.5], ["did you mean --top-p?"]), (["--system", "x"], ["tfm chat has"]), (["--wrong"], ["complete --help"])):
            self.fails("complete", STORIES, "-p", "x", *words, said=["complete has no option " + str(words[0]), *said])
        for text in "-ngl", "--mlock", "-temp":  # as values they are texts
            self.assertGreater(len(complete("--prompt", text)["prompt_ids"]), 2)
            complete("-p", "x", "--stop=" + text)

    def test_commands(self):
        for word, said in ("run", "tfm chat"), ("generate", "tfm complete"), ("show", "tfm info"), (STORIES, "tfm chat " + STORIES), ("sing", "expected chat"):
            self.fails(word, "x", said=[word, said])
        self.fails("-m", STORIES, "-p", "x", said="a command comes first")


class Notes(Fails):
    """Every command tells what is worth it on standard error, and in its JSON."""

    def test_notes(self):
        text = self.write("text", "Lily went to the park. " * 4)
        shutil.copy(STORIES, self.path("one.gguf"))  # a folder without config.json is worth a note
        for words in (["complete", "-p", STORY, "-n", 2], ["perplexity", "-f", text], ["info"], ["bench", "--prompt", 4, "--generate", 1, "--repetitions", 1],
                      ["tokenize", "-p", "a"], ["chat", "-p", STORY, "-n", 2]):
            out, err = run(*words, "-m", self.folder)
            self.assertEqual(err.decode().splitlines()[0], f"tfm: note: {self.folder} is a folder without config.json: the GGUF file in it is taken, one.gguf")
            if words[0] != "chat":
                self.assertEqual(len(program.others(run_json(*words, "-m", self.folder)["notes"])), 1, words)


if __name__ == "__main__":
    program.main()
