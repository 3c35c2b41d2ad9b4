#!/usr/bin/env python3
"""What a number format is stands in its own files: nothing else compares formats by name, or knows how long a block is."""
import re

import house

OWN = re.compile(r"tfm/(numeric|kernels/cpu)/formats/")  # a format's own files
KNOWS = ("tfm/numeric/format_list.inl", "tfm/numeric/format.hpp")  # where the number gets its names
NAME = r"(?:tfm::)?(?:Format|DataType)::\w+"
COMPARED = re.compile(rf"(?:[=!<>]=|\s[<>])\s*{NAME}|{NAME}\s+(?:[=!<>]=|[<>]\s)|\bcase\s+(?:tfm::)?(?:Format|DataType)::(?!format\b)")
BLOCK = re.compile(r"(?<![\w.])32(?![\w.])")
ROOMS_OF_BLOCKS = ("numeric", "kernels")
WITHOUT_BLOCKS = re.compile(r"/(lanes_\w+\.inl|target\.hpp)$")  # registers and compilers have a 32 of their own


def faults_of(path, text):
    if OWN.match(path):
        return []
    faults = []
    for number, (line, whole) in enumerate(zip(house.blank(text).split("\n"), text.split("\n")), 1):
        if COMPARED.search(line):
            faults.append(f"include/{path}:{number}: compares formats by name; ask the table (numeric/format_table.hpp) what they are")
        if house.room_of(path) in ROOMS_OF_BLOCKS and path not in KNOWS and not WITHOUT_BLOCKS.search(path) and BLOCK.search(line) and "// no block" not in whole:
            faults.append(f"include/{path}:{number}: 32 is a block's length only in a format's own file; elsewhere it has a name, or the line says // no block")
    return faults


def self_test():
    bad = ["if (f == Format::q8_0)", "f >= Format::q8_0", "Format::f32 != f", "case DataType::i8: break;", "a < Format::int8)", "k / 32", "x[32]"]
    for line in bad:
        house.check(len(faults_of("tfm/kernels/x.hpp", line)) == 1, line)
    good = ["FormatTraits<Format::q8_0>::block", "struct A : B<Format::q8_0> { int a; };", "case Format::format: return 1;", "Format f = Format::f16;", "std::uint32_t x; // 32", "f(Format::f32, 3)"]
    for line in good:
        house.check(not faults_of("tfm/kernels/x.hpp", line), line)
    house.check(not faults_of("tfm/numeric/formats/q8_0.hpp", "b == Format::q8_0 && 32"), "a format's own file")
    house.check(not faults_of("tfm/core/x.hpp", "k / 32"), "another room's 32")


def main():
    self_test()
    faults = []
    paths = house.headers(bodies=True)
    for path in paths:
        faults += faults_of(path, house.read(path))
    house.finish(faults, f"{len(paths)} headers and bodies")


main()
