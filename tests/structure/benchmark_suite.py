#!/usr/bin/env python3
"""The parts of benchmarks/suite.py that compute and draw: exponents, comparisons, tables of several CPUs, pictures."""
import json
import os
import sys
import types
import unittest
import xml.etree.ElementTree as ElementTree

import house

sys.path.insert(0, os.path.join(house.ROOT, "benchmarks"))
sys.dont_write_bytecode = True
from suite import curves, kernels, machine, models, pictures, running, table  # noqa: E402

LIMITS = {"isa": "avx512_vnni", "threads": 2, "compiler": "g++ 12.2.0", "lanes": 16, "clock": 4e9, "float32": 5e11, "int8": 2e12, "bf16": 0,
          "reading": 5e10}
CPU = {"name": "Some CPU", "vendor": "AuthenticAMD", "family": "26", "model": "2", "mhz": 2600.0}


def rows():
    return [running.row("F32 <forward> & more", "kernels", 250, "G/s", part=0.5, limit="float32", peers={"Eigen": 50}, roof=(200, 2.5e11)),
            running.row("Q8_0 forward", "kernels", 1000, "G/s", part=0.5, limit="int8", roof=(300, 1e12)),
            running.row("decode", "models", 400, "tokens/s", part=0.9, limit="reading", peers={"llama.cpp": 200}, roof=(4, 9e10)),
            running.row("step", "transformer", 10, "ms", "less", 0.2, "float32", {"PyTorch": 25}),
            running.row("no limit", "lora", 10, "tokens/s")]


def results(**changed):
    return {"schema": 1, "date": "2026-01-02", "quick": False, "groups": ["kernels", "models", "transformer"], "machine": dict(CPU),
            "limits": dict(LIMITS), "rows": rows(), "curves": [], **changed}


class Numbers(unittest.TestCase):
    def test_exponent(self):
        self.assertAlmostEqual(curves.exponent([(x, 3 * x ** 1.5) for x in (1, 2, 8, 64)]), 1.5)
        self.assertAlmostEqual(curves.exponent([(0, 7), (2, 5), (4, 5)]), 0)  # what has no logarithm is left out
        self.assertAlmostEqual(curves.exponent([(1, 1), (10, 10), (100, 10)]), 0.5)  # of least squares
        self.assertIsNone(curves.exponent([(3, 1), (3, 2)]))

    def test_curve_takes_medians(self):
        times = iter([5, 50, 1, 10, 3, 30])
        one = curves.curve("name", "x", "y", {"tfm": lambda n: (n, next(times))}, [1, 10], 3)
        self.assertEqual(one["lines"][0]["points"], [[1, 3], [10, 30]])
        self.assertAlmostEqual(one["lines"][0]["exponent"], 1)
        self.assertIn("y ~ x^1.00", curves.text([one]))

    def test_part_of_the_limit(self):
        part, limit = running.part_of(LIMITS, {"int8": 2e12, "float32": 5e11, "bf16": 0}, 8)
        self.assertAlmostEqual(part, 0.25)
        self.assertEqual(limit, "int8 and float32")
        part, limit = running.part_of({**LIMITS, "int8": 1e11}, {"int8": 2e12, "float32": 5e11}, 10)  # float32 is the faster one
        self.assertAlmostEqual(part, 0.5)
        self.assertEqual(limit, "float32")
        figures = {"layer_parameters": 100, "quantised_parameters": 60, "weight_bytes_per_token": 70, "cache_bytes_per_token": 2}
        self.assertEqual(models.prefill_amounts(figures, 10), {"int8": 1200, "float32": 800})
        self.assertEqual(models.decode_amounts(figures, 10), {"reading": 90})

    def test_ratio(self):
        self.assertAlmostEqual(table.ratio(rows()[0], 50), 5)
        self.assertAlmostEqual(table.ratio(rows()[3], 25), 2.5)  # milliseconds: less is better

    def test_machine(self):
        cpu = machine.cpu_of("processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: Some CPU\n"
                             "cpu MHz\t\t: 2600.0\n")
        self.assertEqual(cpu, CPU)
        self.assertEqual(machine.title_of(cpu), "Some CPU (family 26, model 2)")
        self.assertIsNone(machine.cpu_of("")["mhz"])
        self.assertEqual(machine.theory("float32", CPU, LIMITS)[0], 4e9 * 16 * 2 * 2 * 2)
        self.assertEqual(machine.theory("float32", {**CPU, "family": "25"}, LIMITS)[0], 4e9 * 8 * 2 * 2 * 2)
        self.assertEqual(machine.theory("int8", CPU, LIMITS)[0], 4 * machine.theory("float32", CPU, LIMITS)[0])
        self.assertIsNone(machine.theory("reading", CPU, LIMITS)[0])


def benchmark_json(rates, **limits):
    """What Google Benchmark writes of {name: (label, rates of operations, bytes of an operation)}."""
    ones = [{"run_name": f"{name}/real_time", "family_index": list(rates).index(name), "run_type": "iteration", "items_per_second": rate,
             "bytes_per_second": rate * each, **({"label": label} if label else {})}  # an empty one is left out
            for name, (label, all_rates, each) in rates.items() for rate in all_rates]
    mean = {"family_index": 0, "run_name": "products/Q8_0 fast 512 x 4 x 4/real_time", "run_type": "aggregate", "items_per_second": 1, "bytes_per_second": 1}
    return {"context": {name: str(limits.get(name, LIMITS[name])) for name in machine.LIMITS}, "benchmarks": [mean, *reversed(ones)]}


class Kernels(unittest.TestCase):
    OURS = {"products/Q8_0 fast 512 x 4 x 4": ("int8", [3e11, 1e11], 0.5), "products/F32 dx 512 x 4 x 4": ("float32", [2e11], 0.5),
            "products/Eigen float 512 x 4 x 4": ("float32", [5e10], 0.5), "adapter/Int8 512 x 4 x 4, worn by 0": ("int8", [1e12], 1),
            "adapter/Int8 512 x 4 x 4, worn by 4": ("int8", [9e11], 1), "one token/Q8_0 1 x 4 x 4": ("reading", [1e10], 4),
            "rows/softmax 4 x 4": ("", [1e9], 8)}

    def rows(self, native=(), libraries=()):
        again = {**self.OURS, "products/Q8_0 fast 512 x 4 x 4": ("int8", [5e11], 0.5)}
        rounds = [kernels.repetitions_of(benchmark_json(one)) for one in (self.OURS, again)]
        found = kernels.rows_of(LIMITS, kernels.medians(rounds), kernels.medians(native), dict(libraries))
        return {row["work"]: row for row in found}

    def test_medians_of_all_repetitions(self):
        rows = self.rows()
        self.assertEqual(list(rows), ["Q8_0 fast 512 x 4 x 4", "F32 dx 512 x 4 x 4", "adapter: Int8 512 x 4 x 4, worn by 4", "one token: Q8_0 1 x 4 x 4",
                                      "rows: softmax 4 x 4"])
        product = rows["Q8_0 fast 512 x 4 x 4"]
        self.assertEqual((product["ours"], product["unit"], product["part"], product["limit"]), (300, "G/s", 0.15, "int8"))
        self.assertEqual((product["operations_per_byte"], product["operations_per_second"]), (2, 3e11))

    def test_what_is_counted_by_bytes(self):
        rows = self.rows()
        token, softmax = rows["one token: Q8_0 1 x 4 x 4"], rows["rows: softmax 4 x 4"]
        self.assertEqual((token["ours"], token["unit"], token["part"], token["limit"]), (40, "GB/s", 0.8, "reading"))
        self.assertEqual((softmax["ours"], softmax["part"], softmax["limit"]), (8, None, None))

    def test_peers_of_the_same_arithmetic(self):
        faster = {name: (label, [2 * rate for rate in rates], each) for name, (label, rates, each) in self.OURS.items()}
        libraries = {"PyTorch fp32": {"512 x 4 x 4": ("float32", 3e10)}, "PyTorch int8": {"512 x 4 x 4": ("int8", 4e10), "512 x 8 x 8": ("int8", 1)},
                     "PyTorch bf16": {"512 x 4 x 4": ("bf16", 6e10)}}
        rows = self.rows([kernels.repetitions_of(benchmark_json(faster))], libraries)
        self.assertEqual(rows["F32 dx 512 x 4 x 4"]["peers"], {kernels.NATIVE: 400, "Eigen": 50, "Eigen, -march=native": 100, "PyTorch fp32": 30})
        self.assertEqual(rows["Q8_0 fast 512 x 4 x 4"]["peers"], {kernels.NATIVE: 400, "PyTorch int8": 40})
        self.assertEqual(rows["one token: Q8_0 1 x 4 x 4"]["peers"], {kernels.NATIVE: 80})
        self.assertEqual(rows["adapter: Int8 512 x 4 x 4, worn by 4"]["peers"], {"without adapter": 1000})


class FlashAttention(unittest.TestCase):
    def runs(self, speeds):
        """What llama_bench gives of {flash: (prefill, decode)}, twice, and with which flags it ran llama.cpp."""
        flags, real = [], running.output_of

        def output_of(command):
            flags.append(command[command.index("-fa") + 1])
            prefill, decode = speeds[flags[-1]]
            return json.dumps([dict(n_prompt=9 if prefill else 0, n_gen=0, avg_ts=prefill or decode), dict(n_prompt=0, n_gen=1, avg_ts=decode)])

        running.output_of = output_of
        self.addCleanup(setattr, running, "output_of", real)
        options = types.SimpleNamespace(llama_bench="llama-bench", threads=2, flash={}, quick=True)
        best = [models.llama_bench(options, "file", 9, 1) for _ in range(2)]
        self.assertEqual(*best)
        return best[0], flags

    def test_the_better_is_kept(self):
        self.assertEqual(self.runs({"0": (10, 5), "1": (20, 6)}), ([20, 6], ["0", "1", "1"]))
        self.assertEqual(self.runs({"0": (0, 5), "1": (0, 4)}), ([0, 5], ["0", "1", "0"]))

    def test_each_is_the_better_of_one(self):
        self.assertEqual(self.runs({"0": (10, 7), "1": (20, 6)}), ([20, 7], ["0", "1"] * 2))


class Turns(unittest.TestCase):
    def test_works_take_turns(self):
        order = []
        running.in_turn(2, {"tfm": lambda: order.append("tfm"), "peer": lambda: order.append("peer")})
        self.assertEqual(order, ["tfm", "peer"] * 2)

    def test_what_takes_long_has_fewer_turns(self):
        for rounds, turns in ((1, 1), (2, 2), (3, 2), (5, 3), (8, 4)):
            now = [0]

            def passes(seconds, now=now):
                now[0] += seconds

            works = {"tfm": 1, "peer": running.LONG + 1, "slow": running.LONGER + 1}
            found = running.in_turn(rounds, {name: lambda seconds=seconds: passes(seconds) for name, seconds in works.items()}, lambda now=now: now[0])
            self.assertEqual([len(found[name]) for name in works], [rounds, turns, 1])

    def test_a_peer_that_fails_is_left_out(self):
        heard, say = [], running.say
        running.say = heard.append
        self.addCleanup(setattr, running, "say", say)
        self.assertEqual(running.in_turn(2, {"tfm": lambda: 1, "peer": lambda: running.output_of(["false"])}), {"tfm": [1, 1]})
        self.assertEqual(len(heard), 1)
        self.assertIn("left out: peer", heard[0])
        for name in "tfm", ("tfm", 16):
            with self.assertRaises(RuntimeError):
                running.in_turn(1, {name: lambda: running.output_of(["false"])})


class Tables(unittest.TestCase):
    def test_text(self):
        lines = table.text(rows()).splitlines()
        self.assertEqual(len(lines), 6)
        self.assertRegex(lines[1], r"250 G/s +50 % of float32 +Eigen 50 +5\.00$")
        self.assertRegex(lines[4], r"10 ms +20 % of float32 +PyTorch 25 +2\.50$")

    def test_compare(self):
        new = results()
        new["rows"][0]["ours"], new["rows"][2]["ours"], new["rows"][3]["ours"] = 260, 300, 5
        said = table.compare(results(), new)
        self.assertRegex(said, r"F32 <forward> & more +250 +260 +\+4\.0 %\n")
        self.assertRegex(said, r"decode +400 +300 +-25\.0 %  WORSE")
        self.assertRegex(said, r"step +10 +5 +\+100\.0 %  better")  # milliseconds
        self.assertRegex(said, r"limit float32 +500 +500 +\+0\.0 %")

    def test_rows_of_one_alone(self):
        old, new = results(), results()
        old["rows"] = old["rows"][1:]
        new["rows"] = [row for row in new["rows"] if row["work"] not in ("decode", "no limit")]
        said = table.compare(old, new)
        self.assertIn("new: F32 <forward> & more", said)
        self.assertIn("gone: decode", said)
        self.assertNotIn("no limit", said)  # of a group that was not run

    def test_another_cpu_is_not_compared(self):
        for other in (results(machine={**CPU, "model": "17"}), results(limits={**LIMITS, "threads": 4}), results(limits={**LIMITS, "isa": "avx2"}),
                      results(schema=0), results(quick=True)):
            said = table.compare(other, results())
            self.assertIn("not compared", said)
            self.assertNotIn("decode", said)

    def test_no_table_of_another_cpu_is_overwritten(self):
        readme = table.with_section("# Benchmarks\n", "A (family 1)", "first of A\n")
        readme = table.with_section(readme, "B (family 1)", "first of B\n")
        readme = table.with_section(readme, "A (family 1)", "second of A \\1\n")
        self.assertNotIn("first of A", readme)
        for part in "# Benchmarks\n", "second of A \\1", "first of B":
            self.assertEqual(readme.count(part), 1)
        self.assertLess(readme.index("second of A"), readme.index("first of B"))
        self.assertEqual(table.markdown(results()).count("\n| "), 6)


class Pictures(unittest.TestCase):
    def well_formed(self, svg):
        return ElementTree.fromstring(svg)

    def texts(self, root):
        return [each for each in root.iter() if each.tag.endswith("}text")]

    def inside(self, root):
        for text in self.texts(root):
            self.assertTrue(0 <= float(text.get("x")) <= float(root.get("width")), text.text)
            self.assertTrue(0 <= float(text.get("y")) <= float(root.get("height")), text.text)

    def test_bars(self):
        root = self.well_formed(pictures.bars("A & B", rows(), table.ratio))
        self.inside(root)
        said = [text.text for text in self.texts(root)]
        self.assertEqual([name for name in said if name in {row["work"] for row in rows()}], [row["work"] for row in rows()[:4]])
        self.assertEqual(self.widths(root), [210, 210, 378, 84])  # parts of 420 pixels

    def test_bars_beyond_the_limit(self):
        beyond = running.row("beyond", "kernels", 4, "G/s", part=2.0, limit="int8")
        root = self.well_formed(pictures.bars("title", [beyond, *rows()], table.ratio))
        self.inside(root)
        self.assertEqual(self.widths(root), [420, 105, 105, 189, 42])

    def widths(self, root):
        return [float(each.get("width")) for each in root.iter() if each.tag.endswith("}rect") and each.get("height") == "14.0"]

    def test_roofline(self):
        many = [running.row(f"work {i}", "kernels", 1, "G/s", part=0.5, limit="float32", roof=(200, 2.5e11 + i)) for i in range(40)]
        root = self.well_formed(pictures.roofline("title", LIMITS, rows() + many))
        self.inside(root)
        places = sorted(float(text.get("y")) for text in self.texts(root) if text.text.startswith("work "))
        self.assertEqual(len(places), 40)
        self.assertGreater(min(b - a for a, b in zip(places, places[1:])), 14.8)  # no label lies on another

    def test_curves(self):
        lines = [{"name": "tfm", "points": [[1, 5], [4, 5]], "exponent": 0.0, "last_exponent": 0.0},
                 {"name": "peer", "points": [[2, 3]], "exponent": None, "last_exponent": None}]
        one = {"name": "a < b", "x": "x", "y": "y", "lines": lines}
        self.inside(self.well_formed(pictures.curves("title", [one] * 3)))

    def test_axis(self):
        for values in ([1, 1], [0.3, 7000], [16, 1024], [99, 101], [5, 5.1], [0]):
            axis = pictures.LogAxis(values, 10, 110)
            for value in values:
                self.assertTrue(value == 0 or 10 - 1e-6 <= axis.at(value) <= 110 + 1e-6, (values, axis.marks))
            self.assertGreater(len(axis.marks), 1)

    def test_spread(self):
        self.assertEqual(pictures.spread([50, 10, 30], 5, 0, 100), [50, 10, 30])
        self.assertEqual(pictures.spread([50, 50], 10, 0, 100), [45, 55])
        self.assertEqual(pictures.spread([0, 0, 0], 10, 0, 100), [0, 10, 20])


if __name__ == "__main__":
    unittest.main()
