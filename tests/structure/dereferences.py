#!/usr/bin/env python3
"""Layers and models touch no memory of views themselves: what fills, copies, looks up or computes is a kernel, so that the memory may be a
device's. Pointers may be handed on, not followed; what layers keep for themselves (row numbers, keys of dropout) is no view.

  dereferences.py
"""
import re

import house

ROOMS = "layers", "models"
RULES = [
    ("copies memory", re.compile(r"\b(?:std::)?mem(?:cpy|move|set|cmp)\b|\bstd::(?:copy|copy_n|fill|fill_n|transform)\b")),
    ("fills, copies or reads rows without a kernel", re.compile(r"(?<![\w.>:])(?:::)?(?:tfm::)?(?:fill|copy|row|column)\(")),
    ("looks into a view", re.compile(r"(?:\bdata|\bview\(\)|\bvalues\(\)|\brow\((?:[^()]|\([^()]*\))*\))\s*\[|\*\s*\w[\w.()\[\]>-]*(?:\.|->)data\b(?!\s*\()"
                                    r"|\*\s*\w[\w.()\[\]>-]*(?:\.|->)row\(")),
]
# Floats that a pointer declared in this file leads to: not float* const*, whose elements are pointers.
POINTER = re.compile(r"\bfloat\s*(?:const\s*)?\*\s*(?:const\b\s*)?(?!const\b)(\w+)")


def faults(text):
    """(line, what) of each."""
    text = house.blank(text)
    found = [(text.count("\n", 0, match.start()) + 1, what) for what, rule in RULES for match in rule.finditer(text)]
    for name in set(POINTER.findall(text)):
        follows = re.compile(rf"(?<![\w.>]){name}\s*\[|(?:[(,=;{{}}!&|?:]|\breturn)\s*\*\s*{name}\b")
        found += [(text.count("\n", 0, match.start()) + 1, f"follows the pointer {name}") for match in follows.finditer(text)]
    return sorted(found)


def self_test():
    wrong = [
        "void f(MutableView y) { y.data[3] = 1; }", "float f(View x) { return x.row(2)[1]; }", "float f(View x) { return *x.data; }",
        "void f(MutableView y) { fill(y, 0); }", "void f(View x, MutableView y) { copy(x, y); }", "void f(View x, MutableView y) { std::copy_n(x.data, 3, y.data); }",
        "void f(View x, MutableView y) { std::memcpy(y.data, x.data, 12); }", "void f(const F32& w, float* out) { row(w, 3, out); }",
        "void f(MutableView y) { float* const p = y.data; for (int i = 0; i < 3; ++i) p[i] = 0; }", "void f(Buffer& y) { y.view().data[0] = 1; }",
        "float f(View x) { const float* p = x.row(0); return *p; }", "float f(View x, Index t) { return *x.row(batch.first(t)); }",
    ]
    for text in wrong:
        house.check(len(faults(text)) > 0, f"not found: {text}")
    right = [
        "void f(Context& c, MutableView y) { kernels::fill(c, y, 0); }", "void f(Context& c, View x, MutableView y) { kernels::copy(c, x, y); }",
        "void f(float* const* weights, Index s) { g(weights[s]); }", "void f(View x, Index at) { g(x.data + at, x.row(3)); }",
        "Index f() { auto* const rows = arena.take<Index>(3); rows[0] = 1; return rows[0]; }", "// y.data[3] is a comment\n", "View f(Span s) { return s.data()[1]; }",
        "float* const xa = home.take<float>(3);\nView v{xa + 2, 1, 1};", "for (const MutableView d : {a, b}) kernels::fill(context, d, 0);",
        "saved.inputs[l] = context.kept.matrix(tokens, dim);", "const float* w = v.data; return 3 * weight;",
    ]
    for text in right:
        house.check(not faults(text), f"found where nothing is: {text}: {faults(text)}")


def main():
    self_test()
    paths = house.headers(*ROOMS)
    found = [f"include/{path}:{line}: {what}" for path in paths for line, what in faults(house.read(path))]
    house.finish(found, f"{len(paths)} headers")


main()
