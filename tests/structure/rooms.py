#!/usr/bin/env python3
"""Includes follow the rooms, umbrellas hold all they promise and nothing else, and no file outgrows one subject."""
import re

import house

# What an umbrella reaches: whole rooms, or single headers where a room is shared. tfm.hpp reaches everything but headers
# that bring a library of their own.
LLAMA_ROOMS = ["core", "numeric", "text", "generate"]
TRANSLATION = ["tfm/text/word_vocab.hpp", "tfm/generate/beam_search.hpp", "tfm/generate/translate.hpp"]  # in those rooms, and no part of a chat
OWN_LIBRARY = ["tfm/formats/torch_zip.hpp", "tfm/train/data/csv.hpp", "tfm/train/data/tweets.hpp",
               "tfm/core/eigen.hpp"]
REFERENCE = [path for path in house.headers("kernels") if "/plain" in path]  # the loops that tests hold kernels against
LONGEST = 400
# Headers of the operating system, and the files that may include them: what core/system.hpp declares, and what asks the CPU.
SYSTEM = re.compile(r"(sys/.*|unistd|fcntl|dirent|pthread|sched|signal|poll|termios|dlfcn|spawn|windows|mach/.*)\.h")
ASK_THE_SYSTEM = ["tfm/core/system_posix.inl", "tfm/core/isa.hpp"]


def faults_of_includes(path, names):
    """`names`: (line, included name) of the header `path`."""
    faults = []
    room = house.room_of(path)
    for line, name in names:
        where = f"include/{path}:{line}"
        if SYSTEM.fullmatch(name) and path not in ASK_THE_SYSTEM:
            faults.append(f"{where}: includes the system's {name}; core/system.hpp asks the system")
        if not name.startswith("tfm/"):
            continue
        if name.endswith(".hpp") and house.room_of(name) == "":
            if room != "":
                faults.append(f"{where}: includes the umbrella {name}; only users do")
            continue
        if room and house.room_of(name) != room and house.room_of(name) not in house.ROOMS[room]:
            faults.append(f"{where}: {room}/ may not include {house.room_of(name)}/ ({name})")
    return faults


def faults_of_umbrella(path, text):
    code = re.sub(r"^[ \t]*#[ \t]*(include|pragma)[^\n]*", "", house.blank(text), flags=re.M)
    return [f"include/{path}: an umbrella holds includes only, found: {code.split()[0]}"] if code.strip() else []


def missing(umbrella, wanted, reached):
    return [f"include/tfm/{umbrella}: does not reach {path}" for path in wanted if path not in reached]


def self_test():
    bad = faults_of_includes("tfm/layers/linear.hpp", [(3, "tfm/models/llama.hpp"), (4, "tfm/llama.hpp"), (5, "vector")])
    house.check(len(bad) == 2, "a layer that includes a model and an umbrella")
    house.check(not faults_of_includes("tfm/layers/linear.hpp", [(3, "tfm/core/view.hpp")]), "a layer that includes core")
    house.check(len(faults_of_includes("tfm/formats/gguf.hpp", [(1, "sys/mman.h"), (2, "fcntl.h"), (3, "cstdio")])) == 2, "a format that includes the system")
    house.check(faults_of_umbrella("tfm/tfm.hpp", "#pragma once\n// x\n#include <a>\nint f();\n"), "code in an umbrella")
    house.check(not faults_of_umbrella("tfm/tfm.hpp", "#pragma once\n// x\n#include <a>\n"), "a clean umbrella")
    house.check(missing("tfm.hpp", ["a", "b"], {"a"}), "a header that is missing")


def main():
    self_test()
    faults = []
    paths = house.headers(bodies=True)
    for path in paths:
        text, room = house.read(path), house.room_of(path)
        if room and room not in house.ROOMS:
            faults.append(f"include/{path}: there is no room {room}/")
            continue
        if not room and path[4:] not in house.UMBRELLAS:
            faults.append(f"include/{path}: not one of the umbrellas; headers stand in a room")
        faults += faults_of_includes(path, house.includes(text))
        lines = text.count("\n")
        if lines > LONGEST:
            faults.append(f"include/{path}: {lines} lines; more than {LONGEST} is more than one subject")

    present = {path[4:]: house.reach(path) for path in paths if not house.room_of(path)}
    for umbrella in present:
        if umbrella != "fwd.hpp":
            faults += faults_of_umbrella("tfm/" + umbrella, house.read("tfm/" + umbrella))
    if "llama.hpp" in present:
        faults += missing("llama.hpp", [p for p in house.headers(*LLAMA_ROOMS) if p not in TRANSLATION + OWN_LIBRARY], present["llama.hpp"])
    if "transformer.hpp" in present:
        faults += missing("transformer.hpp", TRANSLATION, present["transformer.hpp"])
    if "train.hpp" in present:
        faults += missing("train.hpp", [p for p in house.headers("train") if p not in OWN_LIBRARY], present["train.hpp"])
    if "tfm.hpp" in present:
        wanted = [p for p in house.headers(*house.ROOMS) if p not in OWN_LIBRARY + REFERENCE]
        wanted += ["tfm/" + u for u in present if u not in ("tfm.hpp", "eigen.hpp", "fwd.hpp")]
        faults += missing("tfm.hpp", wanted, present["tfm.hpp"])
    house.finish(faults, f"{len(paths)} headers and bodies, {len(present)} umbrellas")


main()
