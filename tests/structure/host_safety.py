#!/usr/bin/env python3
"""The library never ends, prints, or looks around in the program that hosts it.

Two object files of all headers (train/ apart, which prints through headers of its own) are read:
 - one that uses them (uses.cpp), as a user compiles it, must need no symbol of these families at all
 - one that keeps every inline function: none of ours may refer to one

  host_safety.py -- COMPILER FLAGS...
"""
import os
import re
import subprocess
import sys
import tempfile

import house

HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = [room for room in house.ROOMS if room != "train"]
# std::terminate is allowed: it is how a noexcept function ends.
FAMILIES = {
    "ends the program": "abort exit _exit _Exit quick_exit at_quick_exit __assert_fail __assert_perror_fail __chk_fail raise kill "
                        "_ZSt21__glibcxx_assert_failPKciS0_S0_",
    "prints": "printf fprintf vprintf vfprintf dprintf puts putchar putc fputs fputc perror __printf_chk __fprintf_chk __vfprintf_chk "
              "stdout stderr _ZSt4cout _ZSt4cerr _ZSt4clog _ZNSt3__14coutE _ZNSt3__14cerrE _ZNSt3__14clogE",
    "reads the environment": "getenv secure_getenv setenv putenv unsetenv environ",
    "reads a clock": "clock clock_gettime gettimeofday time times ftime localtime gmtime localtime_r gmtime_r "
                     "_ZNSt6chrono3_V212steady_clock3nowEv _ZNSt6chrono3_V212system_clock3nowEv "
                     "_ZNSt3__16chrono12steady_clock3nowEv _ZNSt3__16chrono12system_clock3nowEv",
    "speaks to others": "socket connect bind listen accept send sendto sendmsg recv recvfrom recvmsg getaddrinfo gethostbyname",
    "starts programs": "system popen fork vfork execve execv execvp posix_spawn posix_spawnp dlopen",
    "takes signals": "signal sigaction",
}
FORBIDDEN = {name: family for family, names in FAMILIES.items() for name in names.split()}
# raise and time are common words, but as C symbols they have no other meaning: ours are mangled.


def needed(object_file):
    run = subprocess.run(["nm", "-u", "-f", "posix", object_file], capture_output=True, text=True, check=True)
    return {line.split(" ")[0].split("@")[0] for line in run.stdout.splitlines() if line}


def referred(object_file):
    """(function, symbol) of every reference out of a function of ours."""
    run = subprocess.run(["readelf", "-rW", object_file], capture_output=True, text=True, check=True)
    function, found = "", set()
    for line in run.stdout.splitlines():
        if line.startswith("Relocation section"):
            match = re.search(r"'\.rela?\.text\.(\S+)'", line)
            function = match.group(1) if match and "3tfm" in match.group(1) else ""
        elif function and len(fields := line.split()) > 4 and re.fullmatch(r"[0-9a-f]+", fields[0]):
            found.add((function, fields[4].split("@")[0]))
    return found


def demangled(name):
    return subprocess.run(["c++filt", name], capture_output=True, text=True, check=True).stdout.strip()


def faults_of(command, folder, all_code, kept_code):
    def build(name, source, *flags):
        output = os.path.join(folder, name)
        if (errors := house.compile(command + ["-DNDEBUG", *flags], source, output)):
            house.finish([f"{name} does not compile:\n{errors}"], "host safety")
        return output

    symbols = needed(build("uses.o", all_code, "-O2"))
    faults = [f"{FORBIDDEN[s]}: {demangled(s)}, needed by the object file" for s in sorted(symbols) if s in FORBIDDEN]
    references = set()
    if "clang" not in " ".join(command[:2]):
        references = referred(build("kept.o", kept_code, "-O0", "-fkeep-inline-functions", "-ffunction-sections"))
        faults += [f"{FORBIDDEN[s]}: {demangled(s)}, needed by {demangled(f)}" for f, s in sorted(references) if s in FORBIDDEN]
    return faults, len(symbols), len(references)


def self_test(command, folder):
    headers = "#include <chrono>\n#include <cstdio>\n#include <cstdlib>\n#include <iostream>\n#include <sys/socket.h>\n"
    wrong = ["std::abort();", "std::exit(1);", "std::puts(\"text\");", "std::cerr << 1;", "std::getenv(\"HOME\");",
             "std::chrono::steady_clock::now();", "::socket(1, 2, 3);"]
    functions = "".join(f"void f{i}() {{ {code} }}\n" for i, code in enumerate(wrong))
    found, _, _ = faults_of(command, folder, headers + functions, headers + "namespace tfm {\n" + functions.replace("void", "inline void") + "}\n")
    for code in ["abort", "exit", "puts", "cerr", "getenv", "steady_clock::now", "socket"]:
        house.check(any(code in fault and "object file" in fault for fault in found), code)
        house.check("clang" in " ".join(command[:2]) or any(code in fault and "tfm::f" in fault for fault in found), "kept inline: " + code)
    harmless = "#include <vector>\nnamespace tfm { inline std::vector<int> f() { return {1}; } }\nstd::vector<int> g() { return tfm::f(); }\n"
    house.check(not faults_of(command, folder, harmless, harmless)[0], "a harmless program")


def main():
    command = house.compiler_from(sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        self_test(command, folder)
        includes = house.everything(*ROOMS)
        with open(os.path.join(HERE, "uses.cpp"), encoding="utf-8") as file:
            uses = file.read()
        faults, symbols, references = faults_of(command, folder, includes + uses, includes)
    if "-stdlib=libc++" in command:  # its std::atomic::wait, in which idle threads sleep, measures a backoff of its own, in the header
        faults = [fault for fault in faults if "steady_clock::now" not in fault]
    house.finish(faults, f"{symbols} symbols needed, {references} references from our functions")


main()
