#!/usr/bin/env python3
"""benchmarks/suite.py as a command, over stubs of the programs that it calls."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import house

# Every program of the suite by its name, as a stub that gives the figures of no machine.
STUB = """#!{python}
import json, os, sys
name, words = os.path.basename(sys.argv[0]), sys.argv[1:]
after = dict(zip(words[name == "tfm":], words[1 + (name == "tfm"):]))
if name not in ("llama-bench", "llama-cli") and words[0] != "info" and after.get("--isa") != os.environ.get("SUITE_IS_HELD_TO"):
    sys.exit(f"{name} is held to {after.get('--isa')}")
if name == "limits":
    print(json.dumps(dict(isa=after.get("--isa", "avx2"), threads=int(after["--threads"]), compiler="g++ 1", lanes=8, clock=2e9, float32=1e11, int8=2e11, bf16=0,
                          reading=1e10)))
elif name in ("kernels", "kernels_native"):
    out = next(word for word in words if word.startswith("--benchmark_out=")).split("=")[1]
    context = dict(float32="1e11", int8="2e11", bf16="0", reading="1e10")
    json.dump(dict(context=context, benchmarks=[dict(
        family_index=0, run_name="products/" + n + " 512 x 1024 x 1024/real_time", run_type="iteration", label="float32", items_per_second=r,
        bytes_per_second=r / 100)
        for n, r in (("F32 dx", 5e10), ("Eigen float", 1e10))]), open(out, "w"))
elif words[0] == "info":
    print(json.dumps(dict(shape=dict(context=200)), indent=2))
elif words[0] == "complete" or name == "llama-cli":
    print("!")
elif name == "tfm":
    print(json.dumps(dict(prefill_tokens_per_second=500, decode_tokens_per_second=40, load_seconds=0.25, layer_parameters=10 ** 8, quantised_parameters=10 ** 8,
                          output_parameters=10 ** 7, weight_bytes_per_token=10 ** 8, cache_bytes_per_token=10 ** 6)))
else:
    print(json.dumps([dict(n_prompt=64, n_gen=0, avg_ts=200 + 50 * int(after["-fa"])), dict(n_prompt=0, n_gen=8, avg_ts=30)]))
"""


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        for name in "build/benchmarks/limits", "build/benchmarks/kernels", "build/examples/tfm/tfm", "llama-bench", "llama-cli", "model.gguf":
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STUB.replace("{python}", sys.executable))
            os.chmod(path, 0o755)

    def suite(self, *words, held_to=None):
        script = os.path.join(house.ROOT, "benchmarks", "suite.py")
        command = [sys.executable, "-B", script, "--build", "build", "--threads", "2", "--rounds", "1", *words]
        environment = {**os.environ, **({"SUITE_IS_HELD_TO": held_to} if held_to else {})}
        run = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        return run.returncode, run.stdout, run.stderr

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read()

    def test_instruction_set(self):
        words = ["--only", "kernels,models", "--quick", "--model", "model.gguf", "--isa", "avx_vnni"]
        code, out, err = self.suite(*words, "--out", "first", held_to="avx_vnni")
        self.assertEqual(code, 0, err)
        self.assertIn("avx_vnni, 2 threads, g++ 1", out.splitlines()[0])
        self.assertRegex(self.read("first/suite.md").splitlines()[0], r"^## The suite on .*, held to avx_vnni$")

    def test_table_files_and_comparison(self):
        words = ["--only", "kernels,models", "--quick", "--model", "model.gguf", "--llama-bench", "llama-bench", "--llama-cli", "llama-cli"]
        code, out, err = self.suite(*words, "--out", "first")
        self.assertEqual(code, 0, err)
        self.assertIn("avx2, 2 threads, g++ 1", out.splitlines()[0])
        self.assertRegex(out, r"float32 +100\.0 GFLOPS +128 = 2\.00 GHz x 8 lanes x 2 ports x 2 operations x 2 threads; measured is 78 %")
        self.assertRegex(out, r"bf16 +none")
        self.assertRegex(out, r"F32 dx 512 x 1024 x 1024 +50 G/s +50 % of float32 +Eigen 10 +5\.00")
        self.assertRegex(out, r"prefill model, 64 tokens +500 tokens/s +50 % of int8 +llama\.cpp 250 +2\.00")
        self.assertRegex(out, r"decode model, 8 tokens +40 tokens/s +42 % of reading +llama\.cpp 30 +1\.33")  # 1e8 + 4e6 bytes
        self.assertRegex(out, r"decode model after 128 tokens +40 tokens/s +93 % of reading +llama\.cpp 30 +1\.33")  # 1e8 + 132e6 bytes
        self.assertRegex(out, r"load model, file in memory +250 ms\n")
        self.assertRegex(out, r"first token model +[0-9.]+ ms +llama\.cpp [0-9.]+ +[0-9.]+\n")
        self.assertRegex(out, r"first token model, packed file +[0-9.]+ ms +llama\.cpp [0-9.]+ +[0-9.]+\n")
        self.assertIn("PyTorch and others left out", out)
        found = json.loads(self.read("first/suite.json"))
        self.assertEqual([row["group"] for row in found["rows"]], ["kernels"] + 6 * ["models"])
        for picture in "bars", "roofline":
            ElementTree.fromstring(self.read(f"first/{picture}.svg"))
        found["rows"][1]["ours"] = 400
        with open(os.path.join(self.folder, "old.json"), "w", encoding="utf-8") as file:
            json.dump(found, file)
        code, out, err = self.suite(*words, "--out", "second", "--compare", "old.json")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"prefill model, 64 tokens +400 +500 +\+25\.0 %  better\n")
        self.assertRegex(out, r"decode model, 8 tokens +40 +40 +\+0\.0 %\n")

    def test_a_short_context_has_no_row_after_many_tokens(self):
        code, out, err = self.suite("--only", "models", "--model", "model.gguf")
        self.assertEqual(code, 0, err)
        self.assertIn("left out: decode model after 4,096 tokens: its context is shorter", err)
        self.assertNotIn("after", out)

    def test_models_that_decode_after_many_tokens_may_be_chosen(self):
        shutil.copy(os.path.join(self.folder, "model.gguf"), os.path.join(self.folder, "other.gguf"))
        code, out, err = self.suite("--only", "models", "--quick", "--model", "model.gguf", "other.gguf", "--deep-model", "other.gguf")
        self.assertEqual(code, 0, err)
        self.assertIn("decode other after 128 tokens", out)
        self.assertNotIn("decode model after", out)

    def test_the_same_for_this_cpu_stands_beside(self):
        shutil.copy(os.path.join(self.folder, "build/benchmarks/kernels"), os.path.join(self.folder, "build/benchmarks/kernels_native"))
        code, out, err = self.suite("--only", "kernels", "--quick")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"F32 dx 512 x 1024 x 1024 +50 G/s +50 % of float32 +ours, -march=native 50; Eigen 10; "
                              r"Eigen, -march=native 10 +1\.00; 5\.00; 5\.00\n")

    def test_a_group_that_fails_leaves_the_others(self):
        with open(os.path.join(self.folder, "build/benchmarks/kernels"), "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho broken >&2; exit 3\n")
        code, out, err = self.suite("--only", "kernels,models", "--quick", "--model", "model.gguf")
        self.assertEqual(code, 1)
        self.assertRegex(err, r"failed: kernels: .*exit code 3: broken\n(.|\n)*suite: failed: kernels\n")
        self.assertIn("prefill model", out)
        self.assertEqual(json.loads(self.read("build/suite/suite.json"))["failed"], ["kernels"])

    def test_a_run_that_is_ended_keeps_the_groups_before(self):
        for name, text in ("build/examples/tfm/tfm", "#!/bin/sh\nkill -9 $PPID\n"), ("README.md", "# Benchmarks\n"):
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        code, _, _ = self.suite("--only", "kernels,models", "--quick", "--model", "model.gguf", "--readme", "README.md")
        self.assertEqual(code, -9)
        self.assertEqual([row["group"] for row in json.loads(self.read("build/suite/suite.json"))["rows"]], ["kernels"])
        self.assertIn("F32 dx", self.read("build/suite/suite.md"))
        self.assertEqual(self.read("README.md"), "# Benchmarks\n")

    def test_what_is_missing_is_named(self):
        for words, said in ([["--only", "transformer"], "ninja -C build transformer"],
                            [["--only", "models", "--curve-model", "none.gguf"], "--curve-model: there is no none.gguf"],
                            [["--deep-model", "model.gguf"], "--deep-model names some of --model"],
                            [["--only", "nothing"], "there is no nothing"],
                            [["--only", "kernels", "--compare", "none.json"], "--compare: there is no none.json"]):
            code, _, err = self.suite(*words)
            self.assertNotEqual(code, 0)
            self.assertIn(said, err)
            self.assertNotIn("Traceback", err)


if __name__ == "__main__":
    unittest.main()
