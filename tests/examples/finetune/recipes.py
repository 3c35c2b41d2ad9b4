#!/usr/bin/env python3
"""finetune train as people know it from transformers and PEFT: epochs and shares, a first adapter, what is in the folder already; and
adapters over a base that has a chat template, or is another one.

  recipes.py PROGRAM [TEST...]
"""
import json
import os
import shutil
import struct
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from finetune import STORIES, TEMPLATE, Case, contents, program, run, sha256
from program import run_json

CHATML = "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
PROMPT_NOTE = b"another prompt or chat template"


class Recipes(Case):
    def bits(self, folder, *options, **more):
        figures = json.loads(self.train(folder, *options, **more)[0])
        self.assertEqual(figures["adapter_sha256"], sha256(self.path(folder), "adapter_model.safetensors"))
        return figures["adapter_sha256"]

    def receipt(self, folder):
        return json.loads(contents(self.path(folder, "run.json")))

    def rows(self, *path):
        lines = contents(self.path(*path)).decode().splitlines()
        return [dict(zip(lines[0].split(","), map(float, line.split(",")))) for line in lines[1:]]

    def test_epochs_and_shares(self):
        """48 of 60 records in steps of 8: 6 steps an epoch."""
        plain = self.bits("plain", "--steps", 9, "--warmup", 3)
        words = self.words("shares", "--epochs", 1.5, "--warmup-ratio", 0.25, "--validation", 0.2)
        at = words.index("--steps")
        run(*words[:at], *words[at + 2:])
        self.assertEqual(sha256(self.path("shares/adapter_model.safetensors")), plain)
        arguments = self.receipt("shares")["arguments"]
        self.assertEqual({name: arguments[name] for name in ("epochs", "steps", "warmup_ratio", "warmup", "validation_share", "validation")},
                         {"epochs": 1.5, "steps": 9, "warmup_ratio": 0.25, "warmup": 3, "validation_share": 0.2, "validation": 12})
        self.assertNotIn("epochs", self.receipt("plain")["arguments"])
        last = self.fails(2, *self.words("shares", "--steps", 9, "--warmup-ratio", 0.25, "--validation", 0.2, "--resume"))
        self.assertIn("arguments.epochs was 1.5, is null", last)
        for options in (["--epochs", 1], ["--epochs", 0], ["--warmup-ratio", 0.1, "--warmup", 1], ["--warmup-ratio", 1.5], *(["--validation", v] for v in ("1.5", "-1", "0.0", "x", ""))):
            run(*self.words("no", *options), code=2)
        self.assertFalse(os.path.exists(self.path("no")))

    def test_targets(self):
        names = "q_proj,k_proj,v_proj,o_proj,gate_proj,up_proj,down_proj"
        self.assertEqual(self.bits("a", "--targets", "all-linear", "--steps", 2), self.bits("b", "--targets", names, "--steps", 2))

    def test_an_evaluation_before_the_first_step(self):
        plain = self.bits("plain")
        self.assertEqual(self.bits("a", "--eval-on-start"), plain)
        without, found = self.rows("plain/log/evaluations.csv"), self.rows("a/log/evaluations.csv")
        self.assertEqual([row["step"] for row in found], [0, 4, 8])
        self.assertEqual([row["loss"] for row in found[1:]], [row["loss"] for row in without])
        self.assertGreater(found[0]["loss"], found[1]["loss"])
        picture = contents(self.path("a/loss.svg")).decode()
        self.assertEqual(picture.count("<circle "), 3)
        self.assertIn(">Learning rate<", picture)
        self.assertIn("validation, best", picture)
        self.assertTrue(xml.etree.ElementTree.fromstring(picture).tag.endswith("}svg"))
        # Where every step makes it worse, the beginning is the best.
        figures = json.loads(self.train("worse", "--eval-on-start", "--lr", 100, "--clip", 0, "--warmup", 0, "--schedule", "constant", "--patience", 1)[0])
        self.assertEqual((figures["best_step"], figures["steps"]), (0, 4))

    def test_a_first_adapter(self):
        first = self.bits("first", "--rank", 4, "--alpha", 6, "--targets", "v_proj,o_proj", "--rslora", "--dropout", 0.1)
        best = json.loads(contents(self.path("first/run.json")))["result"]["best_loss"]
        begin = ["--init-adapter", self.path("first")]
        self.assertEqual(self.bits("still", *begin, "--lr", 0), first)  # nothing is learnt: its very weights
        second = self.bits("second", *begin, "--eval-on-start")
        self.assertNotEqual(second, first)
        self.assertEqual(self.rows("second/log/evaluations.csv")[0]["loss"], best)
        config = [json.loads(contents(self.path(name, "adapter_config.json"))) for name in ("first", "second")]
        self.assertEqual(config[0], config[1])
        receipt = self.receipt("second")
        self.assertEqual(receipt["init_adapter"], {"name": "first", "sha256": first})
        self.assertEqual({name: receipt["arguments"][name] for name in ("rank", "alpha", "targets", "rslora", "dropout")},
                         {"rank": 4, "alpha": 6, "targets": ["o_proj", "v_proj"], "rslora": True, "dropout": 0.1})
        # The same said in words, another dropout, and a run that is resumed.
        self.assertEqual(self.bits("words", *begin, "--rank", 4, "--alpha", 6, "--targets", "o_proj,v_proj", "--rslora", "--eval-on-start"), second)
        self.assertNotEqual(self.bits("dropout", *begin, "--dropout", 0), second)
        shutil.rmtree(self.path("words/checkpoint-8"))
        self.assertEqual(self.bits("words", *begin, "--eval-on-start", "--resume"), second)
        self.assertIn("init_adapter.sha256 was", self.fails(2, *self.words("words", *begin[:1], self.path("second"), "--eval-on-start", "--resume")))
        for options, said in ((["--rank", 8], "--rank is 8, and that of --init-adapter"), (["--alpha", 16], "--alpha is 16"), (["--targets", "all-linear"], "--targets is"),
                              (["--targets", "v_proj"], "--targets is v_proj")):
            self.assertIn(said, self.fails(2, *self.words("no", *begin, *options)))
        self.assertIn("--out is the adapter to begin with itself", self.fails(2, *self.words("first", *begin, "--overwrite")))
        self.assertIn("No such file", self.fails(1, *self.words("no", "--init-adapter", self.path("nowhere"))))
        self.assertFalse(os.path.exists(self.path("no")))

    def test_adapters_whose_layers_differ(self):
        self.train("a", "--steps", 1)
        config = json.loads(contents(self.path("a/adapter_config.json")))
        self.write_json("a/adapter_config.json", {**config, "alpha_pattern": {"layers.1.self_attn.q_proj": 99}})
        self.assertIn("differ in rank or scaling", self.fails(1, *self.words("no", "--init-adapter", self.path("a"))))
        self.write_json("a/adapter_config.json", {**config, "alpha_pattern": {"q_proj": 32, "v_proj": 32}})  # all the same, in another way
        self.train("b", "--init-adapter", self.path("a"), "--alpha", 32, "--steps", 1)

    def test_what_is_there_already(self):
        """An adapter that Python made has no run.json; nothing of it may be lost."""
        fresh = self.bits("fresh")
        theirs = self.path("theirs")
        os.mkdir(theirs)
        for name in "adapter_model.safetensors", "adapter_config.json":
            self.write("theirs/" + name, "theirs")
        for options in [], ["--resume"]:
            self.assertIn("there is something in " + theirs + " already (adapter_config.json): give --overwrite", self.fails(2, *self.words("theirs", *options)))
        self.assertEqual(sorted(os.listdir(theirs)), ["adapter_config.json", "adapter_model.safetensors"])
        self.assertEqual(contents(theirs, "adapter_model.safetensors"), b"theirs")
        self.write("theirs/README.md", "a word of theirs")
        self.assertEqual(self.bits("theirs", "--overwrite"), fresh)
        self.assertEqual(contents(theirs, "README.md"), b"a word of theirs")
        # Each file by itself; one that is nothing of ours is in nobody's way.
        for name in "validation.json", "loss.svg", "best.safetensors", "log", "tfm_adapter.json":
            folder = self.path("with " + name)
            os.makedirs(os.path.join(folder, name) if name == "log" else folder)
            if name != "log":
                self.write(os.path.join(folder, name), "theirs")
            self.assertIn(f"already ({name})", self.fails(2, *self.words("with " + name)))
        os.mkdir(self.path("other"))
        self.write("other/model.safetensors", "theirs")
        self.assertEqual(self.bits("other"), fresh)
        # Over a run of one's own: as if it had not been.
        self.assertEqual(self.bits("other", "--overwrite", "--lr", 0.02), self.bits("rate", "--lr", 0.02))
        self.assertEqual(contents(self.path("other/log/steps.csv")), contents(self.path("rate/log/steps.csv")))
        self.assertEqual(len([name for name in os.listdir(self.path("other/log")) if name.startswith("events")]), 1)
        run(*self.words("other", "--overwrite", "--resume"), code=2)
        os.remove(self.path("other/run.json"))
        self.assertIn("holds checkpoint-8 and no run.json", self.fails(2, *self.words("other")))
        # Nothing that is read is written over.
        data = self.write_json("validation.json", json.loads(contents(self.path("data.json"))))
        self.assertIn("is a file of the data", self.fails(2, *self.words("", data=data)))

    def test_a_base_with_a_chat_template(self):
        """No note of another prompt where the prompt is training's own; one where it is not."""
        self.train("a", "--steps", 1)
        base = self.path("base")
        run("merge", "--model", STORIES, "--adapter", self.path("a"), "--out", base)
        self.write_json("base/tokenizer_config.json", {"chat_template": CHATML})
        words = [base if word == STORIES else word for word in self.words("b", "--steps", 1)]
        run(*words)
        over = ["--model", base, "--adapter", self.path("b"), "--base", "f32"]
        for command in (["chat", *over, "-n", 1], ["merge", *over, "--out", self.path("m")], ["evaluate", *over, "--data", self.path("b/validation.json")]):
            self.assertNotIn(PROMPT_NOTE, run(*command, text="fire\n")[1], command)
        other = self.write_json("other.json", {**TEMPLATE, "prompt_input": "{input} {instruction} "})
        self.assertIn(PROMPT_NOTE, run("chat", *over, "-n", 1, "--template", other, text="fire\n")[1])
        again = [base if word == STORIES else word for word in self.words("c", "--steps", 1, "--init-adapter", self.path("b"))]
        self.assertNotIn(PROMPT_NOTE, run(*again)[1])

    def test_any_base(self):
        """The same model with one weight changed is another base, everywhere, unless that is asked for."""
        self.train("a", "--steps", 1)
        changed = bytearray(contents(STORIES))
        changed[-4:] = struct.pack("<f", 0.25)
        base = self.write("changed.gguf", bytes(changed))
        over = ["--model", base, "--adapter", self.path("a"), "--base", "f32"]
        train = [base if word == STORIES else word for word in self.words("b", "--steps", 1, "--init-adapter", self.path("a"))]
        for command in (["chat", *over, "-n", 1], ["merge", *over, "--out", self.path("m")], ["evaluate", *over, "--data", self.path("a/validation.json")], train):
            last = self.fails(1, *command, text="fire\n")
            self.assertIn("the adapter was made for the base of 'stories260K.F32.gguf'", last)
            self.assertIn("any_base", last)
            self.assertIn(b"the adapter was made for the base of 'stories260K.F32.gguf'", run(*command, "--any-base", text="fire\n")[1])

    def test_marks_before_texts(self):
        """A byte order mark is no part of a text; another encoding is told by its name."""
        mark = b"\xef\xbb\xbf"
        self.train("a", "--steps", 1)
        data = contents(self.path("data.json"))
        self.assertEqual(self.bits("marked", "--steps", 1, data=self.write("marked.json", mark + data)), sha256(self.path("a/adapter_model.safetensors")))
        self.train("t", "--steps", 1, "--template", self.write("t.json", mark + contents(self.template)))
        wide = self.write("wide.json", data.decode().encode("utf-16"))
        self.assertIn("wide.json: line 1: found text in UTF-16, expected UTF-8; iconv -f UTF-16 -t UTF-8 ", self.fails(1, *self.words("no", data=wide)))
        words = ["chat", "--model", STORIES, "--adapter", self.path("a"), "--base", "f32", "-n", 4]
        self.assertEqual(run(*words, text=mark + b"fire 1\n")[0], run(*words, text=b"fire 1\n")[0])
        self.assertIn(b"there is no adapter nobody", run(*words, text=mark + b"/wear nobody\n")[1])
        merge = ["merge", "--model", STORIES, "--adapter", self.path("a"), "--text"]
        plain = run_json(*merge, self.write("plain.txt", "One day, a fire."), "--out", self.path("m"))
        self.assertEqual(run_json(*merge, self.write("marked.txt", mark + b"One day, a fire."), "--out", self.path("n"))["tokens"], plain["tokens"])


if __name__ == "__main__":
    program.main()
