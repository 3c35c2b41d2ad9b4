#!/usr/bin/env python3
"""What an adapter is worth and what is done with it, from outside: evaluate, predict, chat and merge of examples/finetune, with the small model that the
repository ships.

  evaluate.py PROGRAM [TEST...]
"""
import json
import os
import re
import shutil
import struct
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from finetune import LABELS, TEMPLATE, Case, colours, program, sha256
from program import STORIES, contents, run, run_json


def types(path):
    """The header of a safetensors file: its tensors."""
    data = contents(path)
    head = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    return {name: t for name, t in head.items() if name != "__metadata__"}


class Evaluate(Case):
    """With an adapter that has learnt the colours."""

    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.mkdtemp(prefix="tfm-test-")
        cls.addClassCleanup(shutil.rmtree, cls.home)
        data, template = os.path.join(cls.home, "data.json"), os.path.join(cls.home, "template.json")
        for path, value in (data, colours(120)), (template, TEMPLATE):
            with open(path, "w", encoding="utf-8") as file:
                json.dump(value, file)
        cls.adapter = os.path.join(cls.home, "colours")
        run("train", "--model", STORIES, "--data", data, "--out", cls.adapter, "--template", template, "--validation", 30, "--cutoff", 64, "--base", "f32", "--batch", 16,
            "--micro-batch", 16, "--steps", 200, "--eval-every", 25, "--lr", 0.01, "--targets", "all", "--response-only", "--json")
        cls.data = os.path.join(cls.adapter, "validation.json")

    def evaluate(self, *options, data=None):
        return run_json("evaluate", "--model", STORIES, "--base", "f32", "--data", data or self.data, *options)

    def check(self, figures, records, labels):
        """What follows from the confusion matrix."""
        for found in figures, figures["generated"]:
            counts, n = found["confusion"], len(records)
            other = found.get("other", [0] * len(labels))
            meant = [sum(record["output"] == label for record in records) for label in labels]
            self.assertEqual([sum(row) + o for row, o in zip(counts, other)], meant)
            self.assertAlmostEqual(found["accuracy"], sum(counts[i][i] for i in range(len(labels))) / n)
            self.assertAlmostEqual(found["majority"], max(meant) / n)
            # As sklearn's precision_recall_fscore_support(labels=labels, zero_division=0), from pairs of labels and not from counts.
            pairs = [(i, j) for i, row in enumerate(counts) for j, count in enumerate(row + [other[i]]) for _ in range(count)]
            self.assertEqual([list(found[kind]) for kind in ("precision", "recall", "f1")], [labels] * 3)
            all_f1 = []
            for i, label in enumerate(labels):
                hits = sum(pair == (i, i) for pair in pairs)
                true, predicted = (sum(pair[side] == i for pair in pairs) for side in (0, 1))
                precision, recall = hits / predicted if predicted else 0, hits / true if true else 0
                all_f1.append(2 * precision * recall / (precision + recall) if hits else 0)
                self.assertAlmostEqual(found["precision"][label], precision)
                self.assertAlmostEqual(found["recall"][label], recall)
                self.assertAlmostEqual(found["f1"][label], all_f1[-1])
            self.assertAlmostEqual(found["macro_f1"], sum(all_f1) / len(labels))

    def test_before_and_after(self):
        records = json.loads(contents(self.data))
        figures = self.evaluate("--adapter", self.adapter)
        self.assertEqual(sorted(figures), sorted(["accuracy", "macro_f1", "confusion", "majority", "precision", "recall", "f1", "generated", "labels", "records", "notes",
                                                   "before"]))
        self.assertEqual((figures["labels"], figures["records"]), (LABELS, len(records)))
        self.check(figures, records, LABELS)
        self.check(figures["before"], records, LABELS)
        self.assertGreater(figures["accuracy"], 0.8)
        self.assertGreater(figures["generated"]["accuracy"], 0.8)
        self.assertLess(figures["before"]["accuracy"], 0.6)
        alone = self.evaluate("--template", os.path.join(self.home, "template.json"))
        self.assertEqual({k: alone[k] for k in figures["before"]}, figures["before"])

    def test_same_however_it_is_run(self):
        expected = self.evaluate("--adapter", self.adapter)
        for threads in 1, 3:
            self.assertEqual(self.evaluate("--adapter", self.adapter, "--threads", threads), expected)
        # Other neighbours, another order: each record is judged as among all.
        records = json.loads(contents(self.data))
        halves = [self.evaluate("--adapter", self.adapter, data=self.write_json("part.json", part)) for part in (records[:13][::-1], records[13:])]
        for part in "before", "generated", None:
            counts = [(found[part] if part else found)["confusion"] for found in [*halves, expected]]
            self.assertEqual([[a + b for a, b in zip(*rows)] for rows in zip(*counts[:2])], counts[2])

    def test_words_and_pictures(self):
        picture = self.path("confusion.svg")
        out = run("evaluate", "--model", STORIES, "--base", "f32", "--data", self.data, "--adapter", self.adapter, "--picture", picture)[0].decode()
        for words in ("accuracy", "macro F1", "precision of green", "recall of green", "F1 of green", "before", "after", "likelihood", "generated", "other", "\u2588",
                      "rows: true, columns: predicted"):
            self.assertIn(words, out)
        self.assertNotIn("\x1b", out)
        texts = [element.text for element in xml.etree.ElementTree.parse(picture).iter() if element.tag.endswith("}text")]
        figures = self.evaluate("--adapter", self.adapter)
        cells = []  # of each of the four: before and after by likelihood, and by what is said
        for kind in None, "generated":
            for found in figures["before"], figures:
                found = found[kind] if kind else found
                cells += [str(count) for row, other in zip(found["confusion"], found.get("other", [None] * 3)) for count in row + [other] * (kind is not None)]
        numbers = [text for text in texts if text.isdigit()]
        self.assertEqual(numbers, cells)
        self.assertEqual(len([text for text in texts if text.endswith("%")]), len(cells))
        self.assertEqual([texts.count(word) for word in ("true", "predicted", "other", "before", "after", "likelihood", "generated")], [2, 4, 2, 1, 1, 1, 1])
        words = ["evaluate", "--model", STORIES, "--base", "f32", "--data", self.data, "--picture"]
        before = contents(picture)
        self.assertIn("is there already: give --overwrite, or another --picture", self.fails(2, *words, picture))
        self.assertEqual(contents(picture), before)
        run(*words, picture, "--overwrite")
        self.assertNotEqual(contents(picture), before)  # one model, not two
        self.assertIn("--picture is the data itself", self.fails(2, *words, self.data, "--overwrite"))

    def test_a_label_that_another_one_goes_on_from(self):
        """A model that answers all records right is right by likelihood too: the end of "red" counts where there is "red indeed"."""
        records = [{**record, "output": "red" if record["output"] == "red" else "red indeed"} for record in colours(60) if record["output"] != "green"]
        run("train", "--model", STORIES, "--data", self.write_json("prefix.json", records), "--out", self.path("prefix"), "--template", os.path.join(self.home, "template.json"),
            "--validation", 0, "--cutoff", 64, "--base", "f32", "--batch", 16, "--micro-batch", 16, "--steps", 120, "--lr", 0.01, "--targets", "all", "--response-only",
            "--dropout", 0, "--save-every", 0, "--json")
        figures = self.evaluate("--adapter", self.path("prefix"), data=self.path("prefix.json"))
        self.assertEqual(figures["labels"], ["red", "red indeed"])
        self.assertEqual((figures["generated"]["accuracy"], figures["accuracy"]), (1, 1))

    def test_longer_than_the_cutoff(self):
        records = json.loads(contents(self.data))
        long = [{**record, "input": record["input"] + " and so on" * 100} for record in records]
        out, err = run("evaluate", "--model", STORIES, "--base", "f32", "--adapter", self.adapter, "--data", self.write_json("long.json", long), "--json")
        self.assertIn(f"{len(long)} of {len(long)} records have more than 64 tokens with their answer: the end of their text is cut off".encode(), err)  # run.json's
        figures = json.loads(out)
        self.assertEqual((figures["records"], figures["cut"]), (len(long), len(long)))
        self.assertGreater(figures["accuracy"], 0.5)
        figures = self.evaluate("--adapter", self.adapter, "--cutoff", 400, data=self.path("long.json"))
        self.assertEqual(figures["records"], len(long))
        template = self.write_json("wide.json", {**TEMPLATE, "prompt_input": "wide " * 90 + TEMPLATE["prompt_input"]})
        words = ["evaluate", "--model", STORIES, "--data", self.data, "--template", template, "--cutoff", 64]
        self.assertIn("no record is left to ask", self.fails(1, *words))

    def test_labels(self):
        figures = self.evaluate("--adapter", self.adapter, "--labels", "red,blue,green")
        self.assertEqual(figures["labels"], ["red", "blue", "green"])
        sorted_figures = self.evaluate("--adapter", self.adapter)
        self.assertEqual(figures["confusion"][0], [sorted_figures["confusion"][2][i] for i in (2, 0, 1)])
        words = ["evaluate", "--model", STORIES, "--data", self.data]
        wider = self.evaluate("--adapter", self.adapter, "--labels", "red,blue,green,black")
        self.assertEqual(wider["recall"]["black"], 0)
        self.assertEqual([row[:3] for row in wider["generated"]["confusion"][:3]], figures["generated"]["confusion"])
        self.assertAlmostEqual(wider["generated"]["macro_f1"], figures["generated"]["macro_f1"] * 3 / 4)
        self.assertIn("twice", self.fails(2, *words, "--labels", "red,blue,green,red"))
        one = self.write_json("one.json", [record for record in json.loads(contents(self.data)) if record["output"] == "red"])
        alone = ["evaluate", "--model", STORIES, "--base", "f32", "--data", one, "--template", os.path.join(self.home, "template.json"), "--json"]
        self.assertIn(b"note: 'red' is the only label that is known", run(*alone)[1])
        self.assertEqual(program.others(run(*alone, "--labels", "blue,green,red")[1]), b"")
        self.assertEqual(self.evaluate("--adapter", self.adapter, data=one)["labels"], LABELS)  # the adapter knows them
        self.assertIn("is none of --labels", self.fails(1, *words, "--labels", "red,blue"))
        many = self.write_json("many.json", [{"instruction": "Say it", "output": f"text {i}"} for i in range(101)])
        self.assertIn("101 different outputs", self.fails(1, "evaluate", "--model", STORIES, "--data", many))
        self.assertIn("found no record", self.fails(1, "evaluate", "--model", STORIES, "--data", self.write("none", "[]")))

    def test_another_base(self):
        """The same model with one weight changed: the adapter is refused by name, unless that is asked for."""
        changed = bytearray(contents(STORIES))
        changed[-4:] = struct.pack("<f", 0.25)
        base = self.write("changed.gguf", bytes(changed))
        words = ["evaluate", "--model", base, "--base", "f32", "--data", self.data, "--adapter", self.adapter]
        last = self.fails(1, *words)
        self.assertIn("the adapter was made for the base of 'stories260K.F32.gguf'", last)
        self.assertIn("this is that of 'changed.gguf'", last)
        self.assertIn(b"note", run(*words, "--any-base", "--json")[1])
        self.assertIn("the adapter was made for", self.fails(1, "chat", "--model", base, "--adapter", self.adapter))
        self.assertIn("the adapter was made for", self.fails(1, "merge", "--model", base, "--adapter", self.adapter, "--out", self.path("merged")))

    def test_chat(self):
        def chat(text, *options, adapter=None):
            out, err = run("chat", "--model", STORIES, "--base", "f32", "--adapter", adapter or self.adapter, "-n", 4, *options, text=text)
            return out.decode().split("\n"), err.decode()

        said, err = chat("fire 12\n\nsea 40\n")
        self.assertEqual([line[:3] for line in said], ["red", "", "blu", ""])  # a line for a line
        self.assertIn("Instruction: Colour?", err)
        without, _ = chat("/adapter none\nfire 12\n/adapter colours\nfire 12\n")
        self.assertEqual((len(without), without[0], without[2], without[3]), (5, "", "", said[0]))
        self.assertNotEqual(without[1], said[0])
        mixed, _ = chat("fire 12\n/wear colours=0 twin\nfire 12\n", "--adapter", shutil.copytree(self.adapter, self.path("twin")), adapter=self.adapter + "=0")
        self.assertEqual([mixed[0], mixed[2]], [said[0], said[0]])  # 0 of the one and all of the other, which is the same
        _, err = chat("/wear\n/wear nobody\n/fly\n/instruction Say\n/quit\nfire\n")
        for words in ("colours", "there is no adapter nobody", "There is no command /fly"):
            self.assertIn(words, err)
        untaught, _ = chat("/r/bitcoin is up\n \t\n" + "word " * 2000 + "\nOnce upon a time\r\nthe end", "-n", 60, "--instruction", "", adapter=self.adapter + "=0")
        self.assertEqual(len(untaught), 6)
        self.assertEqual([untaught[i] for i in (1, 2, 5)], ["", "", ""])
        self.assertIn("\\n", untaught[0] + untaught[3] + untaught[4])  # breaks are written

    def test_predict(self):
        records = json.loads(contents(self.data))
        words = ["predict", "--model", STORIES, "--base", "f32", "--adapter", self.adapter]
        lines = [record["input"] for record in records]
        text = "\n".join([*lines[:5], "", "/r/fire 1", *lines[5:], "\t", "word " * 2000])
        labels = run(*words, text=text)[0].decode().split("\n")
        self.assertEqual(len(labels), len(lines) + 5)
        self.assertEqual([labels[5], labels[-3], labels[-1]], ["", "", ""])
        self.assertIn(labels[6], LABELS)
        told = labels[:5] + labels[7:-3]
        figures = self.evaluate("--adapter", self.adapter)
        for i, label in enumerate(LABELS):
            self.assertEqual([told.count(label), sum(a == label == record["output"] for a, record in zip(told, records))],
                             [sum(row[i] for row in figures["confusion"]), figures["confusion"][i][i]])
        out, err = run(*words, "--json", text=text.encode() + b"\nbad \xff byte\r\n")
        self.assertIn(b"1 of ", err)
        self.assertIn(b"the end of their text is cut off", err)
        found = [json.loads(line) for line in out.decode().splitlines()]
        self.assertEqual([one["label"] or "" for one in found[:-1]], labels[:-1])
        self.assertEqual((found[5], found[-1]["text"]), ({"text": "", "label": None, "probabilities": None, "answer": None}, "bad \ufffd byte"))
        for one in found:
            if one["label"]:
                self.assertEqual(list(one["probabilities"]), LABELS)
                self.assertAlmostEqual(sum(one["probabilities"].values()), 1)
                self.assertEqual(max(one["probabilities"], key=one["probabilities"].get), one["label"])
        said = [re.match(re.escape(record["output"]) + "(?![0-9A-Za-z])", one["answer"].lstrip()) for one, record in zip(found[:5] + found[7:], records)]
        self.assertEqual(sum(match is not None for match in said),
                         round(figures["generated"]["accuracy"] * len(records)))
        two = [json.loads(line) for line in run(*words, "--json", "--labels", "red,blue", text=lines[0])[0].decode().splitlines()]
        whole = found[0]["probabilities"]
        self.assertAlmostEqual(two[0]["probabilities"]["red"], whole["red"] / (whole["red"] + whole["blue"]), places=4)
        free = run("predict", "--model", STORIES, "--base", "f32", "--max-tokens", 80, text="Once upon a time\n\nOnce")[0].decode()
        self.assertEqual((free.count("\n"), len(free.splitlines()), free.splitlines()[1]), (3, 3, ""))
        os.mkdir(self.path("alone"))
        shutil.copy(STORIES, self.path("alone"))  # a folder whose only model is one GGUF file means that file
        words[2] = self.path("alone")
        out, err = run(*words, text=lines[0])
        self.assertEqual(out.decode().split("\n")[0], labels[0])
        self.assertIn(b"the GGUF file in it is taken", err)
        self.assertEqual(run(*words, text="")[0], b"")
        self.assertIn("twice", self.fails(2, *words, "--labels", "red,red"))

    def test_merge(self):
        out = self.path("merged")
        found = run_json("merge", "--model", STORIES, "--adapter", self.adapter, "--out", out)
        self.assertEqual(found["out"], out)
        self.assertLess(abs(found["kl_divergence"]), 1e-8)
        self.assertGreater(found["top_1_agreement"], 0.98)  # bytes that no story has share one embedding: rounding chooses among them
        self.assertGreater(found["tokens"], 100)
        for name in "config.json", "model.safetensors", "tokenizer.model":
            self.assertTrue(os.path.exists(os.path.join(out, name)), name)
        template = os.path.join(self.home, "template.json")
        merged = run_json("evaluate", "--model", out, "--base", "f32", "--data", self.data, "--template", template)
        worn = self.evaluate("--adapter", self.adapter)
        self.assertEqual(merged["confusion"], worn["confusion"])
        self.assertEqual({t["dtype"] for t in types(os.path.join(out, "model.safetensors")).values()}, {"F32"})
        gguf = self.path("merged.gguf")
        found = run_json("merge", "--model", STORIES, "--adapter", self.adapter, "--out", gguf)
        self.assertEqual(found["out"], gguf)
        self.assertLess(abs(found["kl_divergence"]), 1e-8)
        said = run_json("evaluate", "--model", gguf, "--base", "f32", "--data", self.data, "--template", template)
        self.assertEqual(said["confusion"], merged["confusion"])
        self.assertIn("--type is Q8_0", self.fails(2, "merge", "--model", STORIES, "--adapter", self.adapter, "--out", self.path("no"), "--type", "q8_0"))
        coarse = run_json("merge", "--model", STORIES, "--adapter", self.adapter, "--out", self.path("coarse"), "--base", "int8", "--text", template)
        self.assertGreater(coarse["kl_divergence"], 10 * abs(found["kl_divergence"]))


    def merge(self, base, out, *options, code=0):
        return run("merge", "--model", base, "--adapter", self.adapter, "--out", out, *options, code=code)[1].decode()

    def test_a_merge_never_writes_over_what_it_reads(self):
        base = self.path("base")
        os.mkdir(base)
        shutil.copy(STORIES, base)
        gguf = os.path.join(base, os.path.basename(STORIES))
        os.symlink(base, self.path("soft"))
        for out in base, base + "/", self.path("soft"), os.path.join(base, "..", "base"):
            last = self.fails(2, "merge", "--model", gguf, "--adapter", self.adapter, "--out", out, "--overwrite")
            self.assertIn("--out is the folder of the base itself", last)
        self.assertEqual(os.listdir(base), [os.path.basename(STORIES)])
        self.assertIn("--out is the base itself", self.fails(2, "merge", "--model", gguf, "--adapter", self.adapter, "--out", gguf, "--overwrite"))
        adapter = shutil.copytree(self.adapter, self.path("twin"))
        last = self.fails(2, "merge", "--model", gguf, "--adapter", self.adapter + "=0.5", "--adapter", adapter, "--out", adapter, "--overwrite")
        self.assertIn("--out is an adapter itself", last)

        folder = self.path("hf")
        self.merge(STORIES, folder)
        sums = {name: sha256(folder, name) for name in os.listdir(folder)}
        os.mkdir(self.path("hard"))
        for name in sums:
            os.link(os.path.join(folder, name), self.path("hard", name))
        os.symlink(folder, self.path("link"))
        for out, said in ((folder, "--out is the base itself"), (self.path("link"), "--out is the base itself"), (self.path("hard"), "is a file of the base")):
            for options in [], ["--overwrite"]:
                self.assertIn(said, self.fails(2, "merge", "--model", folder, "--adapter", self.adapter, "--out", out, *options))
        self.assertEqual({name: sha256(folder, name) for name in os.listdir(folder)}, sums)

    def test_a_merge_writes_into_a_folder_with_something_in_it_only_when_told(self):
        out = self.path("o")
        os.mkdir(out)
        os.mkdir(os.path.join(out, ".git"))
        self.merge(STORIES, out)  # into a folder that is as good as empty
        before = sha256(out, "model.safetensors")
        last = self.fails(2, "merge", "--model", STORIES, "--adapter", self.adapter + "=0.5", "--out", out)
        self.assertIn("there is something in " + out + " already (config.json): give --overwrite, or another --out", last)
        self.assertEqual(sha256(out, "model.safetensors"), before)
        run("merge", "--model", STORIES, "--adapter", self.adapter + "=0.5", "--out", out, "--overwrite")
        self.assertNotEqual(sha256(out, "model.safetensors"), before)

    def test_a_merge_keeps_the_bases_types(self):
        half = self.path("half")
        size = os.path.getsize(STORIES)
        self.assertRegex(self.merge(STORIES, half, "--type", "bf16"), r"tfm: writing 0\.5 MB of weights in BF16 to .*model\.safetensors\n")
        kinds = {t["dtype"] for t in types(os.path.join(half, "model.safetensors")).values()}
        self.assertEqual(kinds, {"BF16"})
        self.assertLess(os.path.getsize(os.path.join(half, "model.safetensors")), 0.6 * size)
        # The adapter knows the base by its weights' hash; without it, any will do.
        adapter = shutil.copytree(self.adapter, self.path("anybody's"))
        os.remove(os.path.join(adapter, "tfm_adapter.json"))
        for name, said, wanted in (("kept", "writing 0.5 MB of weights in BF16", {"BF16"}), ("wide", "writing 1 MB of weights in F32", {"F32"})):
            err = run("merge", "--model", half, "--adapter", adapter, "--out", self.path(name), *(["--type", "f32"] if name == "wide" else []))[1].decode()
            self.assertIn(said, err)
            self.assertEqual({t["dtype"] for t in types(self.path(name, "model.safetensors")).values()}, wanted)
        config = json.loads(contents(self.path("kept/config.json")))
        self.assertEqual(config.get("torch_dtype", config.get("dtype")), "bfloat16")


if __name__ == "__main__":
    program.main()
