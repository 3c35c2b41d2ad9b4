#!/usr/bin/env python3
"""Every layer that has a backward pass has it held against finite differences in tests/.

A struct in include/tfm/layers/ with a function whose name is or ends in `backward` needs a file in tests/ that names the struct and
calls check_gradient, check_gradients or what tests/support/trainable.hpp makes of them.
"""
import os
import re

import house

TESTS = os.path.join(house.ROOT, "tests")
CHECKS = re.compile(r"\b(?:check_gradients?|require_right(?:_weights)?)\s*(?:<[^>]*>)?\(")
STRUCT = re.compile(r"^(?:struct|class)\s+(\w+)[^;{]*\{(.*?)^\};", re.M | re.S)
BACKWARD = re.compile(r"^\s+(?:\[\[\w+\]\]\s*)?(?:inline\s+)?void\s+(?:\w+_)?backward\s*\(", re.M)


def layers_with_backward(text):
    return [name for name, body in STRUCT.findall(house.blank(text)) if BACKWARD.search(body)]


def is_checked(name, tests):
    return any(re.search(rf"\b{name}\b", text) and CHECKS.search(text) for text in tests)


def test_sources():
    for folder, _, files in os.walk(TESTS):
        for name in files:
            if name.endswith(".cpp"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    yield house.blank(file.read())


def self_test():
    header = ("struct A {\n  void backward(int) const;\n};\ntemplate <class W>\nstruct B {\n  // backward\n  void forward();\n};\n"
              "struct C {\n  void after_backward(int) const noexcept {\n  }\n};\n")
    house.check(layers_with_backward(header) == ["A", "C"], "which structs have a backward")
    house.check(is_checked("A", ["A a; check_gradients(context, a);"]), "a checked layer")
    house.check(not is_checked("A", ["A a;", "check_gradient(x, dx, loss);"]), "a layer in one file, a check in another")
    house.check(not is_checked("A", ["AB a; check_gradient(x, dx, loss);"]), "another name")


def main():
    self_test()
    tests = list(test_sources())
    faults, count = [], 0
    for path in house.headers("layers"):
        for name in layers_with_backward(house.read(path)):
            count += 1
            if not is_checked(name, tests):
                faults.append(f"include/{path}: {name} has a backward pass, and no test in tests/ checks its gradients")
    house.check(count > 5, "the layers were not found")
    house.finish(faults, f"{count} layers")


main()
