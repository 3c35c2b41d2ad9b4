#!/usr/bin/env python3
"""The program examples/finetune, from outside, with the small model that the repository ships: what train
prints and writes, and what bad input does to it.

  finetune.py PROGRAM [TEST...]
"""
import hashlib
import json
import os
import random
import shutil
import struct
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import program
from program import STORIES, contents, run

LABELS = ["blue", "green", "red"]
WORDS = {"blue": "sea sky rain river lake".split(), "green": "tree grass leaf frog hill".split(), "red": "fire rose blood sun cherry".split()}
SHORT = ["--cutoff", 64, "--batch", 8, "--micro-batch", 4, "--base", "f32"]
TEMPLATE = {"prompt_input": "{instruction}\n{input}\n=>\n", "prompt_no_input": "{instruction}\n=>\n", "response_split": "=>"}


def sha256(*path):
    return hashlib.sha256(contents(*path)).hexdigest()


def colours(count, seed=0):
    """Records whose label follows from a word in them: a task that the small model can learn."""
    draw = random.Random(seed)
    records = []
    for i in range(count):
        label = LABELS[i % 3]
        records.append({"instruction": "Colour?", "input": f"{draw.choice(WORDS[label])} {draw.randrange(1000)}", "output": label})
    draw.shuffle(records)
    return records


class Case(program.Case):
    def setUp(self):
        super().setUp()
        self.template = self.write_json("template.json", TEMPLATE)

    def write_json(self, name, value):
        return self.write(name, json.dumps(value))

    def words(self, folder, *options, records=None, data=None):
        data = data or self.write_json("data.json", records or colours(60))
        return ["train", "--model", STORIES, "--data", data, "--out", self.path(folder), "--template", self.template, "--validation", 12, *SHORT, "--steps", 8,
                "--eval-every", 4, "--save-every", 4, "--lr", 0.01, "--seed", 1, *options]

    def train(self, folder, *options, json_wanted=True, records=None, data=None, **more):
        return run(*self.words(folder, *options, records=records, data=data), *(["--json"] if json_wanted else []), **more)

    def fails(self, code, *arguments, **options):
        err = run(*arguments, code=code, **options)[1].decode()
        last = err.strip().split("\n")[-1]
        self.assertTrue(last.startswith("tfm: "), err)
        return last


class Train(Case):
    def test_what_it_writes(self):
        out, err = self.train("a")
        figures = json.loads(out)
        self.assertEqual((figures["steps"], figures["training"], figures["validation"], figures["ending"]), (8, 48, 12, "finished"))
        self.assertEqual(figures["adapter_sha256"], sha256(self.path("a"), "adapter_model.safetensors"))
        self.assertGreater(figures["tokens_per_second"], 0)
        self.assertGreater(figures["best_loss"], 0)
        names = sorted(os.listdir(self.path("a")))
        self.assertEqual(names, ["adapter_config.json", "adapter_model.safetensors", "best.safetensors", "checkpoint-4", "checkpoint-8", "log", "loss.svg",
                                 "run.json", "tfm_adapter.json", "validation.json"])
        config = json.loads(contents(self.path("a"), "adapter_config.json"))
        self.assertEqual({k: config[k] for k in ("r", "lora_alpha", "lora_dropout", "target_modules", "bias", "task_type")},
                         {"r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": ["q_proj", "v_proj"], "bias": "none", "task_type": "CAUSAL_LM"})
        run_file = json.loads(contents(self.path("a"), "run.json"))
        self.assertEqual(run_file["seed"], 1)
        self.assertEqual(run_file["data"]["sha256"], sha256(self.path("data.json")))
        self.assertEqual(run_file["result"]["adapter_sha256"], figures["adapter_sha256"])
        self.assertEqual(run_file["prompt"], {**TEMPLATE, "instruction": "Colour?"})
        self.assertEqual(run_file["arguments"]["base"], "F32")
        held_out = json.loads(contents(self.path("a"), "validation.json"))
        self.assertEqual(len(held_out), 12)
        everything = json.loads(contents(self.path("data.json")))
        self.assertTrue(all(record in everything for record in held_out))
        log = contents(self.path("a/log/steps.csv")).decode().splitlines()
        self.assertEqual(len(log), 9)
        self.assertTrue(any(name.startswith("events.out.tfevents") for name in os.listdir(self.path("a/log"))))
        self.assertTrue(xml.etree.ElementTree.parse(self.path("a", "loss.svg")).getroot().tag.endswith("}svg"))
        for said in (b"48 training and 12 validation samples", b"parameters train (", b"memory ", b"estimated time ", b"step 8/8", b"MiB", b"best so far"):
            self.assertIn(said, err)

    def test_words_for_a_person(self):
        out = self.train("a", "--steps", 4, json_wanted=False)[0].decode()
        self.assertIn("\u2800", out)
        self.assertIn("saved, read back and compared: " + self.path("a"), out)
        self.assertIn(sha256(self.path("a"), "adapter_model.safetensors"), out)

    def test_same_bits_on_any_number_of_threads(self):
        first = json.loads(self.train("a", "--threads", 1, "--base", "int8")[0])["adapter_sha256"]
        for threads in 2, 3:
            self.assertEqual(json.loads(self.train(f"t{threads}", "--threads", threads, "--base", "int8")[0])["adapter_sha256"], first)
            self.assertEqual(contents(self.path("a/run.json")), contents(self.path(f"t{threads}/run.json")))
            self.assertEqual(contents(self.path("a/log/steps.csv")), contents(self.path(f"t{threads}/log/steps.csv")))
        self.assertNotEqual(json.loads(self.train("seed", "--base", "int8", "--seed", 2)[0])["adapter_sha256"], first)

    def test_int8_backward(self):
        def bits(name, *options):
            self.train(name, "--base", "int8", *options)
            return sha256(self.path(name), "adapter_model.safetensors")

        float_, whole = bits("float", "--backward", "float"), bits("a", "--backward", "int8")
        self.assertNotEqual(whole, float_)
        self.assertEqual(bits("usual"), whole)
        self.assertEqual(json.loads(contents(self.path("usual/run.json")))["arguments"]["backward"], "int8")
        bits("exact", "--arithmetic", "exact")
        self.assertEqual(json.loads(contents(self.path("exact/run.json")))["arguments"]["backward"], "float")
        self.assertEqual(bits("threads", "--backward", "int8", "--threads", 3), whole)
        shutil.rmtree(self.path("a/checkpoint-8"))
        os.remove(self.path("a/adapter_model.safetensors"))
        self.assertIn('arguments.backward was "int8", is "float"', self.fails(2, *self.words("a", "--base", "int8", "--backward", "float", "--resume")))
        self.assertEqual(bits("a", "--backward", "int8", "--resume"), whole)
        self.assertIn('arguments.backward was "float", is "int8"', self.fails(2, *self.words("float", "--base", "int8", "--backward", "int8", "--resume")))
        for options, said in ((["--base", "f32"], "--base is F32"), (["--base", "int8", "--arithmetic", "exact"], "exact has none"), (["--base", "file"], "no weight of")):
            self.assertIn(said, self.fails(2, *self.words("no", *options, "--backward", "int8")))
        self.assertFalse(os.path.exists(self.path("no")))

    def test_every_argument_arrives(self):
        """Each option changes the adapter, or else what it is about."""
        def bits(name, *options):
            self.train(name, *options)
            return sha256(self.path(name), "adapter_model.safetensors")

        plain = bits("plain")
        changes = {"batch": ("--batch", 12), "micro": ("--micro-batch", 2), "lr": ("--lr", 0.02), "warmup": ("--warmup", 0), "schedule": ("--schedule", "cosine"),
                   "decay": ("--weight-decay", 0.5), "clip": ("--clip", 0.01), "alpha": ("--alpha", 4), "dropout": ("--dropout", 0), "rslora": ("--rslora",),
                   "cutoff": ("--cutoff", 12), "response": ("--response-only",), "padding": ("--padding", "right"), "split": ("--split-seed", 7),
                   "accumulation": ("--accumulation", "tokens"), "length": ("--group-by-length",), "validation": ("--validation", 6),
                   "base": ("--base", "bf16"), "template": ("--template", self.write_json("other.json", {**TEMPLATE, "prompt_input": "{input} {instruction} "}))}
        for name, options in changes.items():
            self.assertNotEqual(bits(name, *options), plain, options)
        for name, options in {"keep": ("--keep", 1), "saves": ("--save-every", 0), "threads": ("--threads", 1)}.items():
            self.assertEqual(bits(name, *options), plain, options)
        self.assertEqual(sorted(os.listdir(self.path("keep")))[3], "checkpoint-8")
        figures = json.loads(self.train("all", "--targets", "all", "--rank", 2)[0])
        config = json.loads(contents(self.path("all/adapter_config.json")))
        self.assertEqual((config["r"], len(config["target_modules"])), (2, 7))
        self.assertEqual(figures["trainable"], 2 * 5 * (64 + 64 + 64 + 32 + 64 + 32 + 64 + 64 + 2 * (64 + 172) + 172 + 64))

    def test_early_stop_and_the_best_model(self):
        figures = json.loads(self.train("a", "--lr", 0.1, "--clip", 0, "--steps", 40, "--eval-every", 1, "--patience", 3, "--warmup", 0, "--schedule", "constant")[0])
        self.assertEqual(figures["ending"], "ended early: no improvement")
        self.assertEqual(figures["steps"], figures["best_step"] + 3)
        best, saved = (tensors(self.path("a", name)) for name in ("best.safetensors", "adapter_model.safetensors"))
        self.assertEqual({"base_model.model." + name: data for name, data in best.items()}, saved)

    def test_without_validation(self):
        figures = json.loads(self.train("a", "--validation", 0)[0])
        self.assertEqual((figures["training"], figures["validation"]), (60, 0))
        self.assertNotIn("best_loss", figures)
        self.assertFalse(os.path.exists(self.path("a/validation.json")))

    def test_records_over_several_lines(self):
        """The same adapter, however the records lie in the file."""
        records = colours(60)
        self.train("array", "--steps", 2, records=records)
        expected = sha256(self.path("array"), "adapter_model.safetensors")
        self.train("objects", "--steps", 2, data=self.write("objects.json", "\n".join(json.dumps(record, indent=1) for record in records)))
        self.assertEqual(sha256(self.path("objects"), "adapter_model.safetensors"), expected)
        last = self.fails(1, *self.words("no", data=self.write("object.json", json.dumps({"data": records}, indent=2))))
        self.assertIn("found an object, expected an array of records", last)
        self.assertIn("its member 'data' is an array: save that alone", last)

    def test_nothing_to_measure(self):
        """Records that are too long have no label left. The others are copies of one text, more than are held out, so that only the long ones can be."""
        records = [colours(1)[0]] * 20 + [{"instruction": "Colour?", "input": "very long " * 60 + str(i), "output": "red"} for i in range(3)]
        words = ["--response-only", "--steps", 4, "--eval-every", 1]
        _, err = self.train("a", *words, "--validation", 3, records=records)
        self.assertIn(b"none of the 3 validation samples has a token to measure", err)
        self.assertIn(b"the last step is kept, as with --validation 0", err)
        self.assertNotIn(b"best so far", err)
        self.train("b", *words, "--validation", 0, records=records[:20])  # the same training samples
        self.assertEqual(sha256(self.path("a"), "adapter_model.safetensors"), sha256(self.path("b"), "adapter_model.safetensors"))
        self.assertEqual(json.loads(contents(self.path("a/run.json")))["result"]["best_step"], -1)

    def test_nothing_to_learn(self):
        last = self.fails(1, *self.words("no", "--response-only", "--cutoff", 4))
        for words in ("there is nothing to learn", "--cutoff 4 tokens", "--response-only learns outputs alone"):
            self.assertIn(words, last)
        self.assertFalse(os.path.exists(self.path("no")))

    def test_empty_outputs_and_a_cutoff_beyond_the_context(self):
        records = colours(20) + [{"instruction": "Colour?", "input": f"nothing {i}", "output": ""} for i in range(5)]
        _, err = self.train("a", "--cutoff", 600, "--steps", 1, records=records)
        self.assertIn(b"the output is empty in 5 of 25 samples (20.0 %)", err)
        self.assertIn(b"the cutoff of 600 tokens is beyond the model's context of 512; no sample is that long", err)
        long = [{"instruction": "Colour?", "input": "very long " * 250, "output": "red"}]
        _, err = self.train("b", "--cutoff", 600, "--steps", 1, "--batch", 1, "--micro-batch", 1, "--validation", 0, records=long)
        self.assertIn(b"more tokens than the model's context of 512 in 1 of 1 samples", err)

    def test_what_the_preflight_sees(self):
        records = colours(30)
        copies = [dict(records[0]) for _ in range(20)]
        long = [{"instruction": "Colour?", "input": "very long " * 60 + str(i), "output": "red"} for i in range(6)]
        _, err = self.train("a", "--response-only", records=records + copies + long)
        self.assertIn(b"EOS is cut off in 6 of 56 samples", err)
        self.assertIn(b"no label in 6 of 56 samples", err)
        self.assertIn(b"the commonest 21 times", err)
        held_out = {record["input"] for record in json.loads(contents(self.path("a/validation.json")))}
        learnt = [record["input"] for record in records + copies + long if record["input"] not in held_out]
        self.assertEqual(len(learnt), 56 - 12)  # no text is on both sides

    def test_what_cannot_be(self):
        def fails(code, *options, **more):
            return self.fails(code, *self.words("no", *options, **more))

        self.assertIn("No such file", fails(1, data="/nowhere/data.json"))
        self.assertIn("it is empty", fails(1, data=self.write("nothing", "")))
        self.assertIn("found no record", fails(1, data=self.write("none", "[]")))
        self.assertIn("record 2", fails(1, data=self.write_json("bad", [{"instruction": "a", "output": "b"}, {"instruction": "a"}])))
        self.assertIn("fewer than the 3", fails(2, records=colours(3)))
        self.assertIn("--validation", fails(2, records=[colours(1)[0]] * 20))
        self.assertIn("no layer of the model", fails(2, "--targets", "q_proj,w_proj"))
        self.assertIn("micro_batch", fails(2, "--micro-batch", 9))
        self.assertIn("warm-up", fails(2, "--warmup", 100))
        self.assertIn("{instruction}", fails(1, "--template", self.write_json("t", {**TEMPLATE, "prompt_input": "{input}"})))
        self.assertFalse(os.path.exists(self.path("no")))
        self.train("a")
        before = {name: contents(self.path("a", name)) for name in ("run.json", "adapter_model.safetensors")}
        self.assertIn("give --resume, --overwrite, or another --out", self.fails(2, *self.words("a")))
        self.assertIn("arguments.lr was 0.01, is 0.02", self.fails(2, *self.words("a", "--resume", "--lr", 0.02)))
        self.assertIn("data.sha256 was", self.fails(2, *self.words("a", "--resume", records=colours(60, 1))))
        self.train("a", "--resume")  # nothing is left to do
        for name, expected in before.items():
            self.assertEqual(contents(self.path("a", name)), expected)
        os.remove(self.path("a/run.json"))
        self.assertIn("holds checkpoint-8 and no run.json", self.fails(2, *self.words("a", "--resume")))
        for words in (["train"], ["fly"], ["train", "--model", STORIES, "--data", "x", "--out", "y", "--base", "int7"], []):
            run(*words, code=2)
        for words in (["--help"], ["--version"], *([command, "--help"] for command in ("prepare", "train", "evaluate", "predict", "chat", "merge"))):
            run(*words)

    def test_a_loss_that_is_no_number(self):
        last = self.fails(1, *self.words("a", "--lr", 1e38, "--clip", 0, "--warmup", 0, "--save-every", 1, "--steps", 30))
        self.assertRegex(last, "step [0-9]+: the (loss|norm of the gradients) is (nan|-nan|inf)")
        self.assertFalse(os.path.exists(self.path("a/adapter_model.safetensors")))
        step = int(last.split("step ")[1].split(":")[0])
        newest = max(int(name.split("-")[1]) for name in os.listdir(self.path("a")) if name.startswith("checkpoint-"))
        self.assertLess(newest, step)
        self.assertIn(f"the last checkpoint is {self.path('a')}/checkpoint-{newest}", last)

    def test_a_record_of_a_megabyte(self):
        records = colours(40) + [{"instruction": "Colour?", "input": "x" * 1_000_000, "output": "red"}]
        _, err = self.train("a", records=records)
        self.assertIn(b"EOS is cut off in 1 of 41 samples", err)
        out, err = run("evaluate", "--model", STORIES, "--data", self.path("data.json"), "--template", self.template, "--json")
        self.assertIn(b"1 of 41 records have more than 512 tokens with their answer: the end of their text is cut off", err)
        self.assertEqual((json.loads(out)["records"], json.loads(out)["cut"]), (41, 1))

    def test_a_folder_that_cannot_be_written(self):
        file = self.write("file", "not a folder")
        self.assertIn("--out is a file, expected a folder", self.fails(2, *self.words("file")))
        self.assertEqual(contents(file), b"not a folder")
        if os.geteuid() == 0:
            return  # who may write everywhere
        os.mkdir(self.path("locked"), 0o500)
        self.assertIn("Permission denied", self.fails(1, *self.words("locked")))


def tensors(path):
    """The bytes of a safetensors file's tensors by their names."""
    data = contents(path)
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    return {name: data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]] for name, t in head.items() if name != "__metadata__"}


if __name__ == "__main__":
    program.main()
