#!/usr/bin/env python3
"""What README and docs/ name is there: files behind links, headings behind anchors, paths in backticks; and the chart of speed is drawn from the table that
benchmarks/README.md has now.

  documents.py
"""
import glob
import os
import re
import subprocess
import sys
import tempfile

import house

FOLDERS = "benchmarks", "cmake", "docs", "examples", "include", "tests"
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)


def read(path):
    with open(os.path.join(house.ROOT, path), encoding="utf-8") as file:
        return file.read()


def anchors(text):
    """As GitHub makes them of headings."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def faults(path):
    text = read(path)
    prose = FENCE.sub("", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(os.path.join(house.ROOT, there)):
            yield f"{path}: there is no {target}"
        elif anchor and anchor not in anchors(read(there)):
            yield f"{path}: {there} has no heading {anchor}"
    for name in re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]+)`", prose):
        if not glob.glob(os.path.join(house.ROOT, name)):
            yield f"{path}: there is no {name}"


def refuse(unless, what):
    if not unless:
        print(what)
        sys.exit(1)


def main():
    files = [os.path.relpath(path, house.ROOT) for path in glob.glob(os.path.join(house.ROOT, "README*.md")) + glob.glob(os.path.join(house.ROOT, "docs/**/*.md"), recursive=True)]
    refuse("README.md" in files and "README.zh.md" in files, "a README is missing")
    found = [fault for path in sorted([*files, "benchmarks/README.md"]) for fault in faults(path)]
    refuse(not found, "\n".join(found))
    programs = [re.search(r"^```cpp\n(.*?)^```$", read(path), re.M | re.S)[1] for path in ("README.md", "README.zh.md")]
    refuse(re.sub("//.*", "", programs[0]) == re.sub("//.*", "", programs[1]), "the first programs of the two READMEs are not one")
    with tempfile.TemporaryDirectory() as folder:
        drawn = os.path.join(folder, "speed.svg")
        subprocess.run([sys.executable, os.path.join(house.ROOT, "docs/pictures/speed.py"), drawn], check=True)
        with open(drawn, encoding="utf-8") as file:
            refuse(file.read() == read("docs/speed.svg"), "docs/speed.svg is of another table: docs/pictures/speed.py docs/speed.svg draws it anew")
    print(f"{len(files) + 1} documents: none at fault")


main()
