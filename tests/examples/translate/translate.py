#!/usr/bin/env python3
"""The program examples/translate, from outside, in small sizes: what it prints and writes, and what bad input does to it.

  translate.py PROGRAM [TEST...]
"""
import json
import os
import shutil
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import program
from program import SHARED, Case, contents, need, run, run_json

DATA = os.path.join(SHARED, "data/translation/fra.txt")
FILES = ["attention-decoder-cross.svg", "attention-decoder-self.svg", "attention-encoder.svg", "checkpoints", "config.json", "log", "loss.svg",
         "model.safetensors", "source_vocab.json", "target_vocab.json", "translation.json"]
SENTENCES = ["go .", "i lost .", "he's calm .", "i'm home ."]


def train(folder, *options, preset="article", data=None, json_wanted=True, **more):
    return run("train", "--preset", preset, "--data", data or need(DATA), "--out", folder, *(["--json"] if json_wanted else []), *options, **more)


class Train(Case):
    def test_article(self):
        out, err = train(self.path("a"), "--pairs", 80, "--epochs", 4, "--seed", 3)
        figures = json.loads(out)
        self.assertEqual((figures["preset"], figures["seed"], figures["pairs"], figures["held_out"], figures["steps"]), ("article", 3, 80, 0, 8))
        self.assertGreater(figures["loss_per_token"], 1)
        self.assertAlmostEqual(figures["d2l_loss"], figures["loss_per_token"] / 10, places=9)
        self.assertEqual([t["source"] for t in figures["translations"]], SENTENCES)
        self.assertTrue(all(len(t["bleu"]) == 4 for t in figures["translations"]))
        self.assertEqual(sorted(os.listdir(self.path("a"))), FILES)
        for name in FILES:
            if name.endswith(".svg"):
                self.assertTrue(xml.etree.ElementTree.parse(self.path("a", name)).getroot().tag.endswith("}svg"), name)
        self.assertIn(b"step 8/8", err)
        log = contents(self.path("a/log/steps.csv")).decode().splitlines()
        self.assertEqual(len(log), 9)
        self.assertTrue(any(name.startswith("events.out.tfevents") for name in os.listdir(self.path("a/log"))))

    def test_words_for_a_person(self):
        out = train(self.path("a"), "--pairs", 60, "--epochs", 1, json_wanted=False)[0].decode()
        for words in ("layer 1, head 1 to head", "layer 2, head", "\u2588", "\u2800", "d2l's", "i'm home . => ", "BLEU-1 to 4"):
            self.assertIn(words, out)
        self.assertNotIn("\x1b", out)

    def test_same_seed_same_bits(self):
        def weights(name, *options):
            train(self.path(name), "--pairs", 70, "--epochs", 2, *options)
            return contents(self.path(name), "model.safetensors")

        first = weights("a", "--threads", 1)
        self.assertEqual(weights("b", "--threads", 3), first)
        self.assertNotEqual(weights("c", "--seed", 1), first)

    def test_subwords_and_held_out_pairs(self):
        options = ["--pairs", 400, "--pieces", 150, "--epochs", 1, "--held-out", 40]
        figures = json.loads(train(self.path("a"), *options, preset="large")[0])
        held_out = contents(self.path("a/held_out.txt")).decode().splitlines()
        self.assertGreaterEqual(figures["held_out"], 40)
        self.assertEqual((len(held_out), figures["pairs"]), (figures["held_out"], 400 - figures["held_out"]))
        self.assertIn("held_out_bleu", figures)
        self.assertTrue(os.path.exists(self.path("a/vocab.model")))
        with open(DATA, encoding="utf-8") as file:
            pairs = [run_normalised(line) for line in file.read().split("\n")[:400]]
        unseen = {line.split("\t")[0] for line in held_out}
        self.assertEqual([pair for pair in pairs if pair.split("\t")[0] in unseen], held_out)
        # Another seed holds out the same pairs, so that its BLEU can be compared.
        train(self.path("b"), *options, "--seed", 5, preset="large")
        self.assertEqual(contents(self.path("b/held_out.txt")).decode().splitlines(), held_out)
        self.assertEqual(contents(self.path("b/vocab.model")), contents(self.path("a/vocab.model")))
        self.assertEqual(run_json("bleu", "--model", self.path("a"), "--file", self.path("a/held_out.txt"))["bleu"], figures["held_out_bleu"])

    def test_bad_lines_are_counted(self):
        good = "".join(f"Go {w}.\tVa {w} !\n" for w in "abcdefgh")
        data = self.write("data", good + "\n\nno tab\n\tempty\nHi.\tSalut.\tAttribution\n")
        _, err = train(self.path("a"), "--epochs", 1, data=data)
        self.assertIn(b"lines skipped: 4 (3 empty, 1 without a tab)", err)
        self.assertEqual(json.loads(contents(self.path("a/source_vocab.json")))["words"], [".", "go"])

    def test_other_encodings(self):
        """Refused by name, with the line and the command that helps; a mark before UTF-8 is no part of a sentence."""
        text = "Go.\tVa\u202f!\nHi.\tSalut\u202f!\nWow!\t\u00c7a alors\u00a0!\n" * 4
        wide = text.encode("utf-16-le")
        latin = text.replace("\u202f", " ")
        for data, said in ((b"\xff\xfe" + wide, "line 1: found text in UTF-16, expected UTF-8; iconv -f UTF-16 -t UTF-8 "),
                           (wide, "line 1: found text in UTF-16LE"), (text.encode("utf-32-be"), "line 1: found text in UTF-32BE"),
                           (latin.encode("latin-1"), "line 3: found '\\xc7' at byte 6, which is not UTF-8; if the file is in ISO-8859-1, iconv -f ISO-8859-1 -t UTF-8 "),
                           (latin.replace("'", "\u2019").replace("\u00c7a", "\u2019").encode("cp1252"), "iconv -f WINDOWS-1252 -t UTF-8 ")):
            err = train(self.path("a"), "--epochs", 1, data=self.write("data", data), code=1)[1].decode()
            self.assertIn(self.path("data: ") + said if said.startswith("line") else said, err)
            self.assertNotIn("lines skipped", err)
        self.assertFalse(os.path.exists(self.path("a")))
        vocabularies = []
        for folder, before in ("plain", b""), ("marked", b"\xef\xbb\xbf"):
            train(self.path(folder), "--epochs", 1, data=self.write("data", before + text.encode()))
            vocabularies.append([contents(self.path(folder, name)) for name in ("source_vocab.json", "model.safetensors")])
        self.assertEqual(*vocabularies)

    def test_what_is_there_already(self):
        """Another model's folder stays as it is, unless that is asked for."""
        theirs = self.path("theirs")
        os.mkdir(theirs)
        for name in "config.json", "model.safetensors":
            self.write("theirs/" + name, "theirs")
        for options in [], ["--resume"]:
            err = train(theirs, "--pairs", 30, "--epochs", 1, *options, code=2)[1].decode()
            self.assertIn("there is something in " + theirs + " already (config.json): give --overwrite", err)
        self.assertEqual([contents(theirs, name) for name in sorted(os.listdir(theirs))], [b"theirs", b"theirs"])
        train(theirs, "--pairs", 30, "--epochs", 1, "--overwrite")
        self.assertGreater(len(contents(theirs, "model.safetensors")), 1000)
        # What a run leaves that is killed before it has translation.json: --resume begins it again.
        os.mkdir(self.path("begun"))
        self.write("begun/source_vocab.json", "half")
        train(self.path("begun"), "--pairs", 30, "--epochs", 1, code=2)
        train(self.path("begun"), "--pairs", 30, "--epochs", 1, "--resume")
        self.assertEqual(contents(self.path("begun/model.safetensors")), contents(theirs, "model.safetensors"))

    def test_what_cannot_be(self):
        def fails(code, *words, **options):
            err = train(self.path("a"), "--epochs", 1, *words, code=code, **options)[1].decode()
            self.assertTrue(err.startswith("tfm: "), err)
            return err

        self.assertIn("No such file", fails(1, data="/nowhere/fra.txt"))
        self.assertIn("it is empty", fails(1, data=self.write("nothing", "")))
        self.assertIn("0 pairs", fails(1, data=self.write("none", "no tab\n")))
        self.assertIn("5 that are held out", fails(1, "--held-out", 5, data=self.write("two", "a\tb\nc\td\n")))
        self.assertIn("so many characters", fails(2, "--pieces", 10, "--pairs", 50))
        self.assertFalse(os.path.exists(self.path("a/translation.json")))
        train(self.path("a"), "--pairs", 50, "--epochs", 1)
        before = contents(self.path("a/model.safetensors"))
        self.assertIn("give --resume, or another --out", fails(2, "--pairs", 50))
        self.assertIn("of other pairs", fails(2, "--pairs", 60, "--resume"))
        self.assertIn("its seed is 0, this one's 1", fails(2, "--pairs", 50, "--resume", "--seed", 1))
        self.assertEqual(contents(self.path("a/model.safetensors")), before)
        train(self.path("a"), "--pairs", 60, "--epochs", 1, "--overwrite")
        train(self.path("b"), "--pairs", 60, "--epochs", 1)
        self.assertNotEqual(contents(self.path("a/model.safetensors")), before)
        self.assertEqual(contents(self.path("a/model.safetensors")), contents(self.path("b/model.safetensors")))
        self.assertEqual(sorted(os.listdir(self.path("a/checkpoints"))), sorted(os.listdir(self.path("b/checkpoints"))))
        os.mkdir(self.path("mine"))
        for name in "model.safetensors", "source_vocab.json", "loss.svg":
            self.write("mine/" + name, "mine")
            err = train(self.path("mine"), "--pairs", 50, "--epochs", 1, code=2)[1].decode()
            self.assertIn(f"there is something in {self.path('mine')} already ({name}): give --overwrite, or another --out", err)
            self.assertEqual(os.listdir(self.path("mine")), [name])
            os.remove(self.path("mine", name))
        self.write("mine/source_vocab.json", "what a run left that was killed while it wrote this")
        train(self.path("mine"), "--pairs", 50, "--epochs", 1, "--resume")
        run("train", "--preset", "article", "--data", DATA, "--out", self.path("b"), "--resume", "--overwrite", code=2)
        for words in (["train"], ["fly"], ["train", "--preset", "huge", "--data", "x", "--out", "y"], []):
            run(*words, code=2)
        for words in (["--help"], ["--version"], ["train", "--help"], ["run", "--help"], ["bleu", "--help"]):
            run(*words)


def run_normalised(line):
    """One line as d2l.ai normalises it."""
    def side(text):
        text = text.replace("\u202f", " ").replace("\xa0", " ").lower()
        return "".join(" " + c if c in ",.!?" and i > 0 and text[i - 1] != " " else c for i, c in enumerate(text))
    return "\t".join(side(text) for text in line.split("\t"))


class Translating(Case):
    """run and bleu, with a model that knows 40 pairs almost by heart."""

    @classmethod
    def setUpClass(cls):
        cls.model = tempfile.mkdtemp(prefix="tfm-test-")
        cls.addClassCleanup(shutil.rmtree, cls.model)
        train(cls.model, "--pairs", 40, "--epochs", 60)

    def lines(self, text, *options, model=None):
        return run("run", "--model", model or self.model, *options, text=text)[0].decode().split("\n")

    def test_lines(self):
        found = self.lines("Go.\n\n  \nGo .\r\nHi.")
        self.assertEqual(found, [found[0], "", "", found[0], found[4], ""])
        self.assertIn(found[0], ("va !", "va <unk> !"))
        out, err = run("run", "--model", self.model, text=b"Go.\nbad \xff\nGo.\n")
        self.assertEqual(out.decode().split("\n"), [found[0], "", found[0], ""])
        self.assertIn(b"not UTF-8, and became empty ones: 1 (the first is line 2)", err)
        for mark in b"\xef\xbb\xbf", b"":
            self.assertEqual(run("run", "--model", self.model, text=mark + b"Go.\nGo.\n")[0].decode().split("\n"), [found[0], found[0], ""])
        self.assertEqual(run("run", "--model", self.model, text=b"\xef\xbb\xbf")[0], b"")
        for encoding, name in ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16BE"), ("utf-32", "UTF-32"):
            out, err = run("run", "--model", self.model, text="Go.\nHi.\n".encode(encoding), code=1)
            self.assertEqual((out, err), (b"", f"tfm: standard input: found text in {name}, expected UTF-8; iconv -f {name} -t UTF-8 makes it so\n".encode()))
        _, err = run("run", "--model", self.model, text="go " * 30)
        self.assertIn(b"whose end was cut off: 1", err)
        self.assertEqual(self.lines(""), [""])

    def test_same_however_it_is_run(self):
        text = "Go.\nHi.\nRun!\nWow!\nI see.\nHelp!\n" * 5
        expected = self.lines(text)
        for options in (["--batch", 1], ["--batch", 7], ["--threads", 1], ["--threads", 3], ["--beam", 1, "--length-penalty", 0]):
            self.assertEqual(self.lines(text, *options), expected, options)

    def test_n_best(self):
        text = "Go.\nHi.\n"
        found = [json.loads(line) for line in self.lines(text, "--json", "--beam", 4, "--n-best", 4)[:-1]]
        self.assertEqual([each["source"] for each in found], ["go .", "hi ."])
        for each in found:
            scores = [t["score"] for t in each["translations"]]
            self.assertEqual(len(scores), 4)
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertTrue(all(t["log_probability"] < 0 for t in each["translations"]))
        lines = self.lines(text, "--beam", 4, "--n-best", 4)[:-1]
        self.assertEqual([line.split("\t")[0] for line in lines], ["1"] * 4 + ["2"] * 4)
        self.assertEqual([line.split("\t")[2] for line in lines], [t["text"] for each in found for t in each["translations"]])
        self.assertEqual(self.lines(text, "--beam", 4)[:-1], [each["translations"][0]["text"] for each in found])
        run("run", "--model", self.model, "--n-best", 2, text=text, code=2)

    def test_bleu(self):
        pairs = self.write("pairs", "Go.\tVa !\nHi.\tSalut !\n\nno tab\n" + "I see .\tUne phrase toute diff\u00e9rente .\n")
        out, err = run("bleu", "--model", self.model, "--file", pairs, "--json")
        found = json.loads(out)
        self.assertIn("2 (1 empty, 1 without a tab)", found["notes"][0])
        self.assertEqual(list(found), ["bleu", "precisions", "brevity_penalty", "ratio", "hyp_len", "ref_len", "pairs", "notes"])
        self.assertEqual(found["pairs"], 3)
        self.assertIn(b"lines skipped: 2 (1 empty, 1 without a tab)", err)
        said = self.lines("go .\nhi .\ni see .\n")[:-1]
        self.assertAlmostEqual(found["bleu"], corpus_bleu(said, ["va !", "salut !", "une phrase toute diff\u00e9rente ."]), places=9)
        words = [sum(len(line.split()) for line in lines) for lines in (said, ["va !", "salut !", "une phrase toute diff\u00e9rente ."])]
        self.assertEqual([found["hyp_len"], found["ref_len"], found["ratio"]], [*words, words[0] / words[1]])
        line = run("bleu", "--model", self.model, "--file", pairs)[0].decode()
        self.assertEqual(line, f"BLEU = {found['bleu']:.2f} {'/'.join(f'{p:.1f}' for p in found['precisions'])} (BP = {found['brevity_penalty']:.3f} "
                               f"ratio = {found['ratio']:.3f} hyp_len = {found['hyp_len']} ref_len = {found['ref_len']})\n")
        marked = self.write("marked", b"\xef\xbb\xbf" + contents(pairs))
        self.assertEqual(run("bleu", "--model", self.model, "--file", marked)[0].decode(), line)
        itself = self.write("itself", "".join(f"{s}\t{t}\n" for s, t in zip(["go .", "hi .", "i see ."], said)) + "go .\t" + said[0] + "\n")
        self.assertGreater(run_json("bleu", "--model", self.model, "--file", itself)["bleu"], -1)
        run("bleu", "--model", self.model, "--file", self.write("none", "no tab\n"), code=1)

    def test_eight_bits(self):
        text = "Go.\nHi.\nRun!\nWow!\n"
        plain, packed = self.lines(text), self.lines(text, "--weights", "int8")
        self.assertEqual(len(packed), len(plain))
        self.assertGreaterEqual(sum(a == b for a, b in zip(plain, packed)), 4)

    def test_a_folder_that_does_not_fit_together(self):
        other = self.path("other")
        train(other, "--pairs", 30, "--epochs", 1)

        def fails(name, change):
            broken = self.path("broken-" + name)
            shutil.copytree(self.model, broken)
            change(broken)
            err = run("run", "--model", broken, text="Go.\n", code=1)[1].decode()
            self.assertTrue(err.startswith("tfm: "), err)
            return err

        def take(file):
            return lambda broken: shutil.copy(os.path.join(other, file), os.path.join(broken, file))

        self.assertIn("is the vocabulary of another model", fails("vocabulary", take("target_vocab.json")))
        self.assertIn("found F32", fails("weights", take("model.safetensors")))
        self.assertIn("found", fails("shape", take("config.json")))
        self.assertIn("No such file", fails("missing", lambda broken: os.remove(os.path.join(broken, "config.json"))))

        def both_vocabularies(broken):
            for file in "source_vocab.json", "target_vocab.json", "translation.json":
                take(file)(broken)
        self.assertIn("tokens, the model expects", fails("all of it", both_vocabularies))

        def cut(broken):
            os.truncate(os.path.join(broken, "model.safetensors"), 5000)
        fails("cut", cut)
        run("run", "--model", "/nowhere", text="Go.\n", code=1)


def corpus_bleu(said, meant):
    """sacrebleu's default score with tokenize='none': its own words where it is installed, and the formula otherwise."""
    try:
        import sacrebleu
        return sacrebleu.corpus_bleu(said, [meant], tokenize="none").score
    except ImportError:
        pass
    import collections
    import math
    log, smooth = 0.0, 1.0
    lengths = sum(len(s.split()) for s in said), sum(len(m.split()) for m in meant)
    for n in range(1, 5):
        match = total = 0
        for s, m in zip(said, meant):
            s, m = s.split(), m.split()
            a, b = (collections.Counter(tuple(w[i:i + n]) for i in range(len(w) - n + 1)) for w in (s, m))
            match, total = match + (a & b).total(), total + max(0, len(s) - n + 1)
        if total == 0 or (n == 1 and match == 0):
            return 0.0
        smooth *= 1 if match else 2
        log += math.log(100 * (match or 1 / smooth) / total) / 4
    return math.exp(log) * (math.exp(1 - lengths[1] / lengths[0]) if lengths[0] < lengths[1] else 1)


if __name__ == "__main__":
    program.main()
