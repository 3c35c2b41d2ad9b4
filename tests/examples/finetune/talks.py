#!/usr/bin/env python3
"""finetune on conversations, from outside, with the small model that the repository ships: what train learns and tells, and what evaluate, predict,
chat and merge do with it.

  talks.py PROGRAM [TEST...]
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from finetune import Case, program
from program import STORIES, contents, run, run_json

BAKERY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../examples/finetune/data/bakery.jsonl")


def talk(*texts):
    return {"messages": [{"role": "assistant" if i % 2 else "user", "content": text} for i, text in enumerate(texts)]}


def shared_gpt(*texts):
    return {"id": "x", "conversations": [{"from": "gpt" if i % 2 else "human", "value": text} for i, text in enumerate(texts)]}


class Talks(Case):
    def words(self, folder, *options, data=BAKERY):
        return ["train", "--model", STORIES, "--data", data, "--out", self.path(folder), "--validation", 6, "--cutoff", 128, "--base", "f32", "--batch", 8,
                "--micro-batch", 4, "--steps", 12, "--eval-every", 4, "--lr", 0.01, "--targets", "all", "--seed", 1, *options]

    def lines(self, *records):
        return self.write("talks.jsonl", "\n".join(json.dumps(record) for record in records))

    def test_learns_and_is_measured(self):
        out, err = run(*self.words("a", "--json"))
        figures = json.loads(out)
        self.assertEqual((figures["steps"], figures["training"], figures["validation"]), (12, 26, 6))
        self.assertEqual(figures["conversations"], {"read": 32, "left_out": 0, "cut": 0})
        # The note of the chat template, as tfm chat tells it: here it is used.
        self.assertIn(f"tfm: note: {program.NO_TEMPLATE}\n".encode(), err)
        self.assertIn(b"26 training and 6 validation samples", err)
        receipt = json.loads(contents(self.path("a/run.json")))
        self.assertEqual(receipt["prompt"], {"chat_template": ""})
        self.assertEqual((receipt["data"]["records"], "labels" in receipt), (32, False))
        held_out = json.loads(contents(self.path("a/validation.json")))
        self.assertEqual(len(held_out), 6)
        everything = contents(BAKERY).decode()
        for record in held_out:
            for message in record["messages"]:
                self.assertIn(json.dumps(message["content"]), everything)

        found = run_json("evaluate", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "--data", self.path("a/validation.json"))
        self.assertLess(found["loss"], found["before"]["loss"])
        self.assertAlmostEqual(found["loss"], figures["best_loss"], places=5)
        self.assertEqual((found["conversations"], found["cut"], found["left_out"]), (6, 0, 0))
        person = run("evaluate", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "--data", self.path("a/validation.json"))[0].decode()
        self.assertRegex(person, r"6 conversations, \d+ tokens of the assistant's\nbefore: [\d.]+ nats per token, perplexity [\d.]+\nafter:  [\d.]+ nats")
        again = run_json("evaluate", "--model", STORIES, "--base", "f32", "--data", BAKERY)
        self.assertEqual((again["conversations"], "before" in again), (32, False))

        # A line is a user's turn; what answers it is the adapter.
        asked = "Who are you?\n\nWhen do you open?\n"
        said = run("predict", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "-n", 12, text=asked)[0].decode().split("\n")
        self.assertEqual((len(said), said[1], said[3]), (4, "", ""))
        self.assertEqual(run("chat", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "-n", 12, text=asked)[0].decode().split("\n"), said)
        self.assertEqual(run("chat", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "-n", 12, "--instruction", "Be brief.", text="Hi.\n")[0].count(b"\n"), 1)
        self.assertIn("conversations", self.fails(2, "predict", "--model", STORIES, "--adapter", self.path("a"), "--labels", "a,b"))

        merged = run_json("merge", "--model", STORIES, "--base", "f32", "--adapter", self.path("a"), "--out", self.path("merged"))
        self.assertEqual(merged["top_1_agreement"], 1)
        self.assertGreater(merged["tokens"], 50)

    def test_resumes_to_the_same_bits_and_by_the_same_template(self):
        whole = json.loads(run(*self.words("whole", "--json"))[0])["adapter_sha256"]
        self.assertEqual(json.loads(run(*self.words("threads", "--threads", 2, "--json"))[0])["adapter_sha256"], whole)
        self.assertIn("chat_template", self.fails(2, *self.words("whole", "--resume", "--chat-template", "chatml")))
        other = json.loads(run(*self.words("chatml", "--chat-template", "chatml", "--json"))[0])["adapter_sha256"]
        self.assertNotEqual(other, whole)
        self.assertEqual(json.loads(contents(self.path("chatml/run.json")))["prompt"], {"chat_template": "chatml"})
        # evaluate takes the training's template out of the folder.
        evaluate = ["evaluate", "--model", STORIES, "--base", "f32", "--adapter", self.path("chatml"), "--data", self.path("chatml/validation.json")]
        self.assertNotEqual(run_json(*evaluate)["loss"], run_json(*evaluate, "--chat-template", "plain")["loss"])
        source = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.role }}]{{ m.content }}</s>{% endfor %}"
        err = run(*self.words("own", "--chat-template", self.write("own.jinja", source), "--json"))[1].decode()
        self.assertIn("6 of 32 conversations are left out, as the chat template does not write them (record 2 is the first: no system)", err)
        self.assertEqual(json.loads(contents(self.path("own/run.json")))["prompt"], {"chat_template": source})

    def test_broken_conversations_are_told(self):
        good = [talk(f"Question {i}", f"Answer {i}") for i in range(8)]
        broken = [talk("Nobody answers"), {"messages": [{"role": "narrator", "content": "x"}, *talk("a", "b")["messages"]]}, shared_gpt("q", "a", "late"), {"messages": []}]
        out, err = run(*self.words("a", "--json", "--validation", 2, data=self.lines(*good, *broken)))
        told = err.decode()
        for said in ("2 of 12 conversations are left out, as the assistant says nothing in them (record 9 is the first)",
                     "1 of 12 conversations are left out, as a turn's role is not known (record 10: 'narrator')",
                     "1 of 12 conversations end with turns that nobody answers: these are left out (record 11)"):
            self.assertIn(f"tfm: {said}\n", told)
        self.assertEqual(json.loads(out)["conversations"], {"read": 12, "left_out": 3, "cut": 0})
        cut = run(*self.words("cut", "--validation", 2, "--cutoff", 12, data=self.lines(*good)))[1].decode()
        self.assertIn("the end is cut off in 8 of 8 samples", cut)
        self.assertIn("found no conversation to learn from", self.fails(1, *self.words("none", data=self.lines(*broken[:2]))))

    def test_data_of_the_wrong_kind(self):
        records = self.write_json("records.json", [{"instruction": "a", "output": "b"}] * 3)
        self.assertIn("--template is for records", self.fails(2, *self.words("a", "--template", self.template)))
        self.assertIn("--response-only is for records", self.fails(2, *self.words("a", "--response-only")))
        self.assertIn("--chat-template is for conversations", self.fails(2, *self.words("a", "--chat-template", "chatml", data=records)))
        self.assertIn("'messages' is missing", self.fails(1, *self.words("a", "--as", "chat", data=records)))
        self.assertIn("'instruction' is missing", self.fails(1, *self.words("a", "--as", "alpaca")))
        evaluate = ["evaluate", "--model", STORIES, "--data"]
        self.assertIn("--labels is for records", self.fails(2, *evaluate, BAKERY, "--labels", "a"))
        self.assertIn("--chat-template is for conversations", self.fails(2, *evaluate, records, "--chat-template", "chatml"))
        self.assertFalse(os.path.exists(self.path("a")))

    def test_the_note_of_the_template_is_told_where_it_is_used_alone(self):
        records = self.write_json("records.json", [{"instruction": f"a {i}", "output": "b"} for i in range(8)])
        err = run(*self.words("a", "--validation", 2, "--json", data=records))[1].decode()
        self.assertNotIn(program.NO_TEMPLATE, err)


if __name__ == "__main__":
    program.main()
