#!/usr/bin/env python3
"""What examples/tfm tells of models, keeps of them, measures and proves: tfm info, --packed, tfm bench, tfm prove.

  models.py PROGRAM [TEST...]
"""
import json
import os
import platform
import time
import unittest

import program
from program import need, run, run_json, SHARED, SMOLLM2, STORIES

EXACT = ["--temperature", 0, "--arithmetic", "exact"]
STORY = "Once upon a time"
DATA = os.path.join(SHARED, "data")


class Info(unittest.TestCase):
    def test_json(self):
        info = run_json("info", "--model", STORIES, "--context", 256, "--cache", "f32")
        shape = info["shape"]
        keys = "vocab", "dim", "layers", "heads", "kv_heads", "ffn", "context", "tied"
        self.assertEqual([shape[key] for key in keys], [512, 64, 5, 8, 4, 172, 512, True])
        self.assertEqual(info["parameters"], 260032)
        self.assertEqual(info["weights"], [{"type": "F32", "tensors": 47, "values": 260032, "bytes": 1040128,
                                            "supported": True}])
        self.assertEqual(info["tokenizer"], {"size": 512, "bos": 1, "eos": 2, "unknown": 0, "pad": None,
                                             "add_bos": True})
        self.assertEqual(info["chat_template"], "plain")
        memory = info["memory"]
        self.assertEqual(memory["total"], memory["weights"] + memory["cache"] + memory["scratch"] + memory["logits"])
        self.assertGreaterEqual(memory["weights"], 1040128)
        self.assertGreaterEqual(memory["cache"], 2 * 5 * 256 * 4 * 8 * 4)  # of 5 layers, 4 heads of 8 floats
        halves = run_json("info", "--model", STORIES, "--context", 256, "--cache", "f16")["memory"]
        self.assertEqual(2 * halves["cache"], memory["cache"])
        bytes_ = run_json("info", "--model", STORIES, "--context", 256, "--cache", "q8_0")["memory"]
        # of sixteen positions' keys in a head: 8 bytes each and 64 for the scales; values have rows of 16
        self.assertEqual(bytes_["cache"], 5 * 4 * 256 // 16 * (16 * 8 + 64 + 16 * 16 + 64))

    def test_text(self):
        text = run("info", "--model", STORIES)[0].decode()
        for part in "5 layers", "width 64", "F32: 47 tensors", "context of 512", "512 pieces", "plain":
            self.assertIn(part, text)


class Packed(program.Case):
    def test_same_answer(self):
        packed = self.path("stories.packed")
        complete = ["complete", "--model", STORIES, "--prompt", STORY, "--max-tokens", 20, *EXACT, "--json"]
        expected = run(*complete)
        for _ in range(2):
            self.assertEqual(run(*complete, "--packed", packed), expected)
            self.assertGreaterEqual(os.path.getsize(packed), 1040128)
        with open(packed, "r+b") as file:
            file.truncate(100_000)
        out, err = run(*complete, "--packed", packed)
        found = json.loads(out)
        self.assertRegex(err.decode(), r"tfm: note: the packed file .* has been made anew: it has 100000 bytes, expected \d+\n")
        self.assertEqual([f"tfm: note: {note}" for note in found["notes"]], err.decode().splitlines())
        self.assertEqual(found | {"notes": [program.NO_TEMPLATE]}, json.loads(expected[0]))
        self.assertEqual(run(*complete, "--packed", packed), expected)

    def test_every_command_that_loads(self):
        for arguments in (["chat", "--prompt", "x", "--max-tokens", 1], ["perplexity", "--file", self.write("text", "Once upon a time.")],
                          ["bench", "--prompt", 4, "--generate", 1, "--repetitions", 1]):
            packed = self.path(arguments[0] + ".packed")
            run(*arguments, "--model", STORIES, "--packed", packed)
            self.assertTrue(os.path.exists(packed), arguments)
            err = run(*arguments, "--model", STORIES, "--packed", STORIES + "/none")[1].decode()
            self.assertIn("tfm: note: the packed file " + STORIES + "/none is not made: ", err)

    def test_not_the_model_itself(self):
        before = program.contents(STORIES)
        err = run("complete", "--model", STORIES, "--packed", STORIES, "--prompt", "x", code=2)[1].decode()
        self.assertIn("is a file of the checkpoint itself", err)
        self.assertEqual(program.contents(STORIES), before)


class Bench(unittest.TestCase):
    def test_figures(self):
        bench = ["bench", "--model", STORIES, "--threads", 2, "--prompt", 32, "--generate", 8, "--repetitions", 3]
        figures = run_json(*bench)
        self.assertEqual(list(figures), ["prefill_tokens_per_second", "decode_tokens_per_second", "load_seconds",
                                         "peak_memory_bytes", "layer_parameters", "quantised_parameters",
                                         "output_parameters", "weight_bytes_per_token", "cache_bytes_per_token", "notes"])
        self.assertEqual(figures.pop("notes"), [program.NO_TEMPLATE])
        self.assertEqual(figures.pop("quantised_parameters"), 0)  # a model of floats
        self.assertTrue(all(value > 0 for value in figures.values()), figures)
        shape = run_json("info", "--model", STORIES)["shape"]
        dim, ffn, kv = shape["dim"], shape["ffn"], shape["kv_heads"] * shape["head_dim"]
        block = 2 * dim * dim + 2 * kv * dim + 3 * ffn * dim
        self.assertEqual(figures["layer_parameters"], shape["layers"] * block)
        self.assertEqual(figures["output_parameters"], shape["vocab"] * dim)
        self.assertEqual(figures["cache_bytes_per_token"], shape["layers"] * shape["kv_heads"] * (8 + 16) * 2)  # rows of 8 keys, 16 values
        weights = 4 * (shape["layers"] * block + shape["vocab"] * dim)
        self.assertGreaterEqual(figures["weight_bytes_per_token"], weights)
        self.assertLess(figures["weight_bytes_per_token"], 1.1 * weights)  # panels are padded
        self.assertGreater(figures["peak_memory_bytes"], os.path.getsize(STORIES))
        table = run(*bench)[0].decode()
        for row in "prefill", "decode", "load", "memory", "reading":
            self.assertIn(row, table)


class Prove(program.Case):
    HASH = "9a53c595ad5f6eea5355a0a342b9bcd3dcf84813106b41f47baf674369e1b38f"

    def test_hash(self):
        proof = run_json("prove", "--model", STORIES)
        self.assertEqual(list(proof), ["sha256", "script", "instruction_sets", "ways", "tokens", "notes"])
        self.assertEqual((proof["sha256"], proof["script"], proof["tokens"]), (self.HASH, 1, 1 + 40 + 270 + 3 * 16))
        self.assertGreater(proof["ways"], 10)
        text = run("prove", "--model", STORIES, "--expect", self.HASH)[0].decode()
        for part in [self.HASH, *proof["instruction_sets"]]:
            self.assertIn(part, text)

    def test_each_instruction_set_gives_it(self):
        for isa in run_json("prove", "--model", STORIES)["instruction_sets"]:
            proof = run_json("prove", "--model", STORIES, "--isa", isa)
            self.assertEqual((proof["sha256"], proof["instruction_sets"]), (self.HASH, [isa]))

    def test_what_is_hashed(self):
        """Another file of the same weights has the hash, and other weights have another."""
        self.assertEqual(run_json("prove", "--model", need(os.path.join(DATA, "stories260K/hf")))["sha256"], self.HASH)
        changed = bytearray(program.contents(STORIES))
        changed[-6] ^= 1  # a bit of the last tensor
        other = self.write("other.gguf", bytes(changed))
        found = run_json("prove", "--model", other)["sha256"]
        self.assertNotEqual(found, self.HASH)
        out, err = run("prove", "--model", other, "--expect", self.HASH, code=1)
        self.assertEqual(out, b"")
        self.assertIn(f"other.gguf: the SHA-256 is {found}, expected {self.HASH}", err.decode())

    @unittest.skipUnless(platform.machine() == "x86_64", "the baseline of others fuses")
    def test_nothing_is_proved_without_a_fused_multiply_add(self):
        out, err = run("prove", "--model", STORIES, "--isa", "baseline", code=1)
        self.assertEqual(out, b"")
        self.assertIn(b"nothing can be proved by baseline instructions: they have no fused multiply-add", err)

    def test_usage(self):
        for wrong in ["--expect", "12"], ["--isa", "mmx"], ["--threads", 2]:
            self.assertEqual(run("prove", "--model", STORIES, *wrong, code=2)[0], b"")
        other = "avx512" if platform.machine() == "aarch64" else "neon"
        out, err = run("prove", "--model", STORIES, "--isa", other, code=2)
        self.assertEqual((out, err), (b"", f"tfm: --isa is {other}, which this CPU does not have\n".encode()))


class Readme(unittest.TestCase):
    """The questions of README and docs have clear answers: the likeliest token leads the next by 0.96 and 0.54 at least, where fast arithmetic, or F16 or Q8_0
    instead of the file's Q4_1, moves a lead by 0.2 at most."""

    def test_questions(self):
        model = need(SMOLLM2)
        readme = program.contents(program.ROOT, "README.md").decode()
        for question, answer in ("What is the capital of Japan?", "The capital of Japan is Tokyo."), ("How many days are in a week?", "A week is approximately 7 days."):
            self.assertIn(question, readme)
            for arithmetic in "exact", "fast":
                out = run("chat", "--model", model, "--prompt", question, "--temperature", 0, "--arithmetic", arithmetic)[0]
                self.assertEqual(out.decode(), answer + "\n", arithmetic)


if __name__ == "__main__":
    program.main()
