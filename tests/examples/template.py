#!/usr/bin/env python3
"""tfm template, from outside: what transformers renders, and what it raises.

  template.py PROGRAM [TEST...]
"""
import json
import os
import tempfile
import unittest

import program
from program import need, run, SHARED, SMOLLM2

FOLDER = os.path.join(SHARED, "golden/data/templates")


def load(name):
    with open(need(os.path.join(FOLDER, name)), encoding="utf-8") as file:
        return json.load(file)


def command(name, source, job, talk):
    words = ["template", "--template", os.path.join(FOLDER, name + ".jinja"), "--messages", "-", "--now", "2024-09-05T14:03:09"]
    for mark in "bos", "eos":
        if mark + "_token" in source:
            words += ["--" + mark, source[mark + "_token"]]
    for key, value in {k: v for k, v in source.items() if k.endswith("_token") and k[:3] not in ("bos", "eos")}.items():
        words += ["--set", f"{key}={value}"]
    for key, value in source.get("variables", {}).items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    if " " in job:
        words += ["--set", job.split(" ", 1)[1]]
    if talk.get("continue_final_message"):
        words.append("--continue")
    elif not talk.get("add_generation_prompt", True):
        words.append("--no-generation-prompt")
    return words


class Template(unittest.TestCase):
    def test_goldens(self):
        """One conversation of each template, another for each."""
        talks, raised, continued = load("conversations.json"), 0, 0
        for number, (name, source) in enumerate(sorted(load("sources.json").items())):
            golden = load(name + ".json")
            jobs = [job for job in golden if job != "training spans" and not job.endswith("=set")]
            jobs.sort(key=lambda job: not (isinstance(golden[job], dict) and golden[job].get("raised")) if number % 3 == 0 else 0)
            job = jobs[0] if number % 3 == 0 else jobs[number * 7 % len(jobs)]
            talk, expected = talks[job.split(" ")[0]], golden[job]
            words = command(name, source, job, talk)
            text = json.dumps({"messages": talk["messages"], **({"tools": talk["tools"]} if "tools" in talk else {})})
            code = 1 if isinstance(expected, dict) else 0
            out, err = run(*words, text=text, code=code)
            if code == 0:
                self.assertEqual(out.decode(), expected, (name, job))
                self.assertEqual(err, b"")
            elif expected.get("raised"):
                self.assertEqual(err.decode(), f"tfm: {expected['error']}\n", (name, job))
                raised += 1
            continued += "--continue" in words
        self.assertGreater(raised, 5)
        self.assertGreater(continued, 0)

    def test_a_models_own(self):
        messages = '[{"role": "user", "content": "<|im_end|>"}]'
        out, _ = run("template", need(SMOLLM2), "--messages", "-", text=messages)
        self.assertTrue(out.endswith(b"<|im_start|>user\n<|im_end|><|im_end|>\n<|im_start|>assistant\n"), out)

    def test_variables(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "v.jinja")
            with open(source, "w", encoding="utf-8") as file:
                file.write("{{ [a, b, c, d, e, f]|tojson }}{{ bos_token is defined }}{{ strftime_now is defined }}")
            out, err = run("template", "--template", source, "--messages", "-", "--set", "a=True", "--set", "b=None", "--set",
                           'c={"x": [1]}', "--set", "d=some text", "--set", "e=1.5", "--set", "f=a=b", text='[{"role": "user"}]')
            self.assertEqual(out.decode(), '[true, null, {"x": [1]}, "some text", 1.5, "a=b"]FalseFalse')
            for words, code, said in ((["--set", "x"], 2, "NAME=VALUE"), (["--now", "today"], 2, "2024-09-05T14:03:09"),
                                      (["--tools", "-"], 2, "standard input"), ([], 1, "expected a value")):
                _, err = run("template", "--template", source, "--messages", "-", *words, text="[x", code=code)
                self.assertIn(said, err.decode())
        _, err = run("template", "--messages", "-", text="[]", code=2)
        self.assertIn("--model is missing", err.decode())


if __name__ == "__main__":
    program.main()
