"""What the structure tests share: the rooms, the headers, and C++ text without its comments and strings."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = os.path.join(ROOT, "include")

# Whom each room may include, itself apart.
ROOMS = {
    "core": [],
    "numeric": ["core"],
    "kernels": ["core", "numeric"],
    "layers": ["core", "numeric", "kernels"],
    "models": ["core", "numeric", "kernels", "layers"],
    "text": ["core"],
    "formats": ["core", "numeric"],
    "generate": ["core", "numeric", "kernels", "layers", "models", "text"],
    "train": ["core", "numeric", "kernels", "layers", "models", "text", "formats", "generate"],
    "checkpoint": ["core", "numeric", "kernels", "layers", "models", "text", "formats", "generate", "train"],
}
UMBRELLAS = ["transformer.hpp", "llama.hpp", "lora.hpp", "train.hpp", "tfm.hpp", "eigen.hpp", "fwd.hpp"]


def headers(*rooms, bodies=False):
    """Paths below include/ ("tfm/core/view.hpp") of all headers, or of some rooms'; `bodies` adds the .inl files."""
    endings = (".hpp", ".inl") if bodies else (".hpp",)
    found = []
    for folder, _, files in os.walk(os.path.join(INCLUDE, "tfm")):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), INCLUDE)
            if name.endswith(endings) and (not rooms or room_of(path) in rooms):
                found.append(path)
    return sorted(found)


def everything(*rooms, reverse=False):
    """A source that includes all headers, or some rooms'. Umbrellas add nothing, and stay out."""
    rooms = rooms or tuple(ROOMS)
    return "".join(f'#include "{path}"\n' for path in sorted(headers(*rooms), reverse=reverse))


def compile(command, source, output=None):
    """Compiles a source, given as text. The compiler's messages, "" if it was content."""
    run = subprocess.run(command + (["-c", "-o", output] if output else ["-fsyntax-only"]) + ["-x", "c++", "-"],
                         input=source, capture_output=True, text=True, check=False)
    return (run.stderr or f"exit status {run.returncode}") if run.returncode else ""


def compiler_from(arguments):
    """The command after "--"."""
    return arguments[arguments.index("--") + 1:]


def linker(command):
    """The compiler without the flags that only compiling needs."""
    keep = [word for place, word in enumerate(command) if "-isystem" not in (word, command[place - 1])]
    return [word for word in keep if not word.startswith(("-I", "-W", "-std=")) and os.path.basename(word) != "ccache"]


def room_of(path):
    """"core" of "tfm/core/view.hpp"; "" of an umbrella."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def read(path):
    with open(os.path.join(INCLUDE, path), encoding="utf-8") as file:
        return file.read()


def includes(text):
    """(line number, name) of each include; comments do not count. A line of the list of formats includes the format's traits."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:[<"]([^>"]+)[>"]|TFM_FORMAT_FILE\((\w+)\))', re.M)
    text = blank(text, strings=False)
    return [(text.count("\n", 0, m.start()) + 1, m.group(1) or f"tfm/numeric/formats/{m.group(2)}.hpp") for m in pattern.finditer(text)]


TOKENS = re.compile(
    r'(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<string>R"(?P<mark>[^()\\ ]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*")'
    r"|(?P<char>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')",
    re.S,
)


def blank(text, strings=True):
    """The text with comments (and what is inside strings) blanked; places and lines stay."""

    def empty(match):
        whole = match.group()
        if match.group("comment"):
            return re.sub(r"[^\n]", " ", whole)
        return re.sub(r"[^\n\"']", " ", whole) if strings else whole

    return TOKENS.sub(empty, text)


def reach(path, seen=None):
    """All headers of the project that `path` includes, directly or not, itself too."""
    seen = set() if seen is None else seen
    if path not in seen and os.path.exists(os.path.join(INCLUDE, path)):
        seen.add(path)
        for _, name in includes(read(path)):
            if name.startswith("tfm/"):
                reach(name, seen)
    return seen


def finish(faults, what):
    """Ends the test: prints the faults, or what was looked at."""
    for fault in faults:
        print(fault)
    print(f"{what}: {len(faults)} faults" if faults else f"{what}: none at fault")
    sys.exit(1 if faults else 0)


def check(condition, what):
    """For self-tests."""
    if not condition:
        print(f"the checker itself is wrong: {what}")
        sys.exit(1)
