#!/usr/bin/env python3
"""No Eigen type is a member, a parameter or a result: Eigen stays inside function bodies, as maps that own nothing.

Eigen's alignment and its kernels follow the compiler flags of the file that includes it; a type that crosses a signature
would carry them into files with other flags.
"""
import re

import house

HOME = "tfm/core/eigen.hpp"  # where the maps are made
OWNERS = re.compile(r"\bEigen::(?:Matrix|Array|Vector|RowVector|SparseMatrix|Tensor)\w*|\.eval\(\)")
RETURNED = re.compile(r"\breturn\s+(?:tfm::)?eigen\(")
CLASS = re.compile(r"^\s*(?:\[\[[^\]]*\]\]\s*|(?:inline|constexpr|static|const|typedef|friend|alignas\([^)]*\))\s+)*(?:class|struct|union|enum)\b")


def without_template_heads(head):
    """Takes `template <...>` away, whose `class` means something else."""
    while (start := re.search(r"\btemplate\s*<", head)) is not None:
        depth, end = 1, start.end()
        while depth and end < len(head):
            depth += {"<": 1, ">": -1}.get(head[end], 0)
            end += 1
        head = head[:start.start()] + head[end:]
    return head


def in_bodies(text):
    """For each character of blanked text, whether a function's body (or an initialiser) holds it."""
    stack, inside, begin = [], [], 0
    for place, character in enumerate(text):
        if character == "{":
            head = without_template_heads(re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text[begin:place], flags=re.M))
            # A trailing `requires (...)` belongs to the head, and so does a base list; a result type does too, before ( ).
            outer = re.search(r"\b(?:namespace|extern)\b", head) or (CLASS.match(head) and not head.rstrip().endswith(")"))
            stack.append("outer" if outer else "body")
        elif character == "}" and stack:
            stack.pop()
        if character in "{};":
            begin = place + 1
        inside.append("body" in stack)
    return inside


def faults_of(path, text):
    text = house.blank(text)
    inside = in_bodies(text)
    faults = []

    def fault(match, what):
        line = text.count("\n", 0, match.start()) + 1
        faults.append(f"include/{path}:{line}: {what}: {text.splitlines()[line - 1].strip()}")

    for match in re.finditer(r"\bEigen::", text):
        if not inside[match.start()]:
            fault(match, "an Eigen type outside a function body")
    for match in OWNERS.finditer(text):
        fault(match, "an Eigen object that owns memory")
    for match in RETURNED.finditer(text):
        fault(match, "an Eigen map is returned")
    return faults


def self_test():
    def wrong(code):
        return faults_of("x", "namespace tfm::inline v {\n" + code + "\n}\n")

    house.check(not wrong("struct A { View x;\n void f() const { Eigen::Map<const M> m(x.data, 1, 1); } };"), "a map in a member's body")
    house.check(not wrong("template <class T> requires(sizeof(T) > 1)\nvoid f(T t) noexcept { using E = Eigen::Index; }"), "a template's body")
    house.check(not wrong("// Eigen::MatrixXf is no member\nint f() { return 1; }"), "a comment")
    for code in ["void f(Eigen::Ref<const M> x) { }", "struct A { Eigen::Map<M> m; };", "template <class T> struct B : C<T> { Eigen::Index n; };",
                 "using M = Eigen::Stride<1, 1>;", "inline Eigen::Map<M> f(View v) { return g(v); }", "auto f(View v) { return eigen(v); }",
                 "void f() { Eigen::MatrixXf copy = g(); }", "enum class E { a };\nEigen::Index i;"]:
        house.check(wrong(code), code)


def main():
    self_test()
    paths = [path for path in house.headers(bodies=True) if path != HOME]
    house.finish([fault for path in paths for fault in faults_of(path, house.read(path))], f"{len(paths)} headers and bodies")


main()
