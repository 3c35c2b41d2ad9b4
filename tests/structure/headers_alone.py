#!/usr/bin/env python3
"""Every header compiles alone, twice over, without a warning. What has not changed since it last passed is not compiled again.

  headers_alone.py --cache FILE --jobs N [--together] -- COMPILER FLAGS...     --together leaves out each header alone
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

import house

WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]


TOGETHER, BACKWARDS = "all headers together", "all headers together, the last one first"


def source_of(path):
    if path in (TOGETHER, BACKWARDS):
        return house.everything(reverse=path == BACKWARDS)
    return f'#include "{path}"\n#include "{path}"\n'


def stamp(path):
    try:
        status = os.stat(path)
        return [status.st_mtime_ns, status.st_size]
    except OSError:
        return None


def compile_alone(command, source):
    """Compiles `source`. (errors or "", the files it was made of)"""
    with tempfile.TemporaryDirectory() as folder:
        dependencies = os.path.join(folder, "d")
        run = subprocess.run(
            command + WARNINGS + ["-fsyntax-only", "-MD", "-MF", dependencies, "-MT", "x", "-x", "c++", "-"],
            input=source, capture_output=True, text=True)
        files = []
        if os.path.exists(dependencies):
            with open(dependencies, encoding="utf-8") as file:
                files = re.sub(r"\\\n", " ", file.read())[2:].split()
    return (run.stderr or f"exit status {run.returncode}") if run.returncode else "", files


def self_test(command):
    house.check(compile_alone(command, "#include <vector>\nstd::vector<int> f();\n")[0] == "", "correct code")
    house.check(compile_alone(command, "std::vector<int> f();\n")[0], "a missing include")
    house.check(compile_alone(command, "inline int f(long x) { return x; }\n")[0], "a narrowing without a cast")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", required=True)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    self_test(options.command)

    version = subprocess.run([options.command[0], "--version"], capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256(json.dumps([options.command, WARNINGS, version]).encode()).hexdigest()
    passed = {}
    if os.path.exists(options.cache):
        with open(options.cache, encoding="utf-8") as file:
            saved = json.load(file)
        passed = saved["passed"] if saved["key"] == key else {}

    stamps = {}

    def unchanged(path):
        files = passed.get(path)
        return files and all(stamps.setdefault(f, stamp(f)) == then for f, then in files.items())

    paths = ([] if options.together else house.headers()) + [TOGETHER, BACKWARDS]
    todo = [path for path in paths if not unchanged(path)]
    faults, now = [], {path: passed[path] for path in paths if path not in todo}
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        sources = [source_of(path) for path in todo]
        for path, (errors, files) in zip(todo, pool.map(lambda s: compile_alone(options.command, s), sources)):
            if errors:
                faults.append(f"{path} does not compile{'' if path in (TOGETHER, BACKWARDS) else ' alone'}:\n" + "\n".join(errors.splitlines()[:12]))
            else:
                now[path] = {f: stamp(f) for f in files if f != "-"}
    with open(options.cache, "w", encoding="utf-8") as file:
        json.dump({"key": key, "passed": now}, file)
    house.finish(faults, f"{len(paths)} headers, {len(todo)} compiled")


sys.stdout.reconfigure(line_buffering=True)
main()
