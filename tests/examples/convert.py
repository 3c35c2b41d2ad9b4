#!/usr/bin/env python3
"""tfm convert and what tfm info tells, from outside, with the small model that the repository ships."""
import json
import os
import shutil
import struct

import program
from program import NO_TEMPLATE, STORIES, contents, others, run, run_json

STORY = ["--prompt", "Once upon a time", "--temperature", 0, "--max-tokens", 30, "--arithmetic", "exact", "--json"]


class Convert(program.Case):
    def fails(self, code, *arguments):
        out, err = run(*arguments, code=code)
        return err.decode()

    def test_there_and_back(self):
        story = json.loads(run("complete", STORIES, *STORY)[0])["ids"]
        folder, back = self.path("hf"), self.path("back.gguf")
        self.assertEqual(run("convert", STORIES, "--out", folder), (f"wrote {folder}\n".encode(), b""))
        self.assertEqual(run("convert", folder, "--out", back)[1], b"")
        for model in folder, back:
            self.assertEqual(json.loads(run("complete", model, *STORY)[0])["ids"], story)
        with open(os.path.join(folder, "generation_config.json")) as file:
            self.assertEqual(json.load(file), {"bos_token_id": 1, "eos_token_id": [2], "pad_token_id": None})
        shards = self.path("shards")
        self.assertEqual(run_json("convert", folder, "--out", shards, "--shard-size", "300K"), {"out": shards, "notes": []})
        self.assertIn("model.safetensors.index.json", os.listdir(shards))
        self.assertEqual(json.loads(run("complete", shards, *STORY)[0])["ids"], story)
        half = self.path("half.gguf")
        run("convert", back, "--out", half, "--type", "BF16")
        self.assertEqual({each["type"] for each in run_json("info", half)["weights"]}, {"F32", "BF16"})

    def test_nothing_is_written_over(self):
        model = shutil.copy(STORIES, self.path("m.gguf"))
        before = contents(model)
        self.assertIn("--out is the model itself", self.fails(2, "convert", model, "--out", model, "--overwrite"))
        self.assertIn("is there already", self.fails(2, "convert", STORIES, "--out", model))
        self.assertIn("--out is the folder of the model itself", self.fails(2, "convert", model, "--out", self.folder, "--overwrite"))
        self.assertEqual(contents(model), before)
        run("convert", STORIES, "--out", model, "--type", "F16", "--overwrite")
        self.assertNotEqual(contents(model), before)

    def test_usage(self):
        self.assertIn("--type is Q8_0", self.fails(2, "convert", STORIES, "--out", self.path("o"), "--type", "Q8_0"))
        self.assertIn("--shard-size is of a folder", self.fails(2, "convert", STORIES, "--out", self.path("o.gguf"), "--shard-size", "1G"))
        self.assertIn("expected a size as 500M", self.fails(2, "convert", STORIES, "--out", self.path("o"), "--shard-size", "much"))
        self.assertIn("--out", self.fails(2, "convert", STORIES))
        self.assertIn("that is tfm convert here", self.fails(2, "quantize", STORIES))
        self.assertEqual(os.listdir(self.folder), [])
        out = run("convert", "--help")[0].decode()
        self.assertIn("Examples:\n  ", out)
        self.assertLessEqual(max(map(len, out.splitlines())), 120)


def gguf(keys):
    """The bytes of a GGUF file without tensors; values are texts."""
    text = lambda s: struct.pack("<Q", len(s)) + s.encode()
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(keys)) + b"".join(text(k) + struct.pack("<I", 8) + text(v) for k, v in keys.items())


class Outline(program.Case):
    def test_types(self):
        info = run_json("info", STORIES, "--context", 256)
        self.assertEqual(info["files"], 1)
        self.assertGreater(info["bandwidth"], 1e8)
        types = {each["type"]: each for each in info["types"]}
        self.assertEqual(types["F32"]["bytes"], 1040128)
        self.assertEqual(types["F32"]["memory"], info["memory"]["total"])
        self.assertLess(types["Q8_0"]["bytes"], types["F16"]["bytes"])
        self.assertGreater(types["F16"]["most_tokens_per_second"], types["F32"]["most_tokens_per_second"])
        self.assertEqual([note for note in others(info["notes"])], [])
        written = self.path("o.gguf")
        run("convert", STORIES, "--out", written, "--type", "Q8_0")
        self.assertEqual(sum(each["bytes"] for each in run_json("info", written)["weights"]), types["Q8_0"]["bytes"])
        self.assertIn(NO_TEMPLATE, info["notes"])

    def test_what_is_not_opened(self):
        path = self.write("m.gguf", gguf({"general.architecture": "mamba", "general.name": "Some Mamba"}))
        out, err = run("info", path, code=1)
        for part in path, "not opened", "the string 'mamba'", "Some Mamba":
            self.assertIn(part, out.decode())
        self.assertIn("tfm opens: llama", err.decode())
        told = json.loads(run("info", path, "--json", code=1)[0])
        self.assertFalse(told["supported"])
        self.assertEqual(told["says"]["general.name"], "the string 'Some Mamba'")
        self.assertIn("mamba", told["why"])
        self.write("config.json", '{"model_type": "bert", "num_hidden_layers": 6}')
        out = run("info", self.folder, code=1)[0].decode()
        self.assertIn("'bert'", out)
        self.assertEqual(run("info", self.write("x.gguf", b"GGUF"), code=1)[0], b"")  # it does not say what it is


if __name__ == "__main__":
    program.main()
