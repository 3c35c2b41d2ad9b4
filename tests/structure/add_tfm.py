#!/usr/bin/env python3
"""A project adds tfm in one of the ways that the README names, and builds the README's first program with it.

  add_tfm.py WAY --compiler C --cmake CMAKE ...
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import house

PROJECT = """
cmake_minimum_required(VERSION 3.22)
project(user LANGUAGES CXX)
{add}
add_executable(hello hello.cpp)
target_link_libraries(hello PRIVATE tfm::tfm)
foreach(option TFM_BUILD_TESTS TFM_BUILD_EXAMPLES TFM_INSTALL)
  if(DEFINED ${{option}} AND ${{option}})
    message(FATAL_ERROR "${{option}} is on in somebody else's project")
  endif()
endforeach()
get_target_property(options tfm::tfm INTERFACE_COMPILE_OPTIONS)
if(options)
  message(FATAL_ERROR "tfm::tfm adds the compiler flags ${{options}}")
endif()
"""
SHIPPED = ["CMakeLists.txt", "CMakePresets.json", "LICENSE", "cmake", "include"]


def run(*command, folder=None, wanted=0, env=None):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=env)
    if (result.returncode == 0) != (wanted == 0):
        print(f"{' '.join(command)}\nends with {result.returncode}:\n{result.stdout}{result.stderr}")
        sys.exit(1)
    return result.stdout + result.stderr


def first_program():
    with open(os.path.join(house.ROOT, "README.md"), encoding="utf-8") as file:
        blocks = re.findall(r"^```cpp\n(.*?)^```$", file.read(), re.M | re.S)
    programs = [block for block in blocks if "int main(" in block]
    house.check(programs, "the README has no program")
    return programs[0]


class User:
    """A folder with a project of its own."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.write("hello.cpp", first_program())

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def configure(self, add, *arguments, wanted=0, build="build"):
        self.write("CMakeLists.txt", PROJECT.format(add=add))
        return run(self.options.cmake, "-S", ".", "-B", build, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={self.options.compiler}",
                   f"-DCMAKE_CXX_FLAGS={self.options.flags}", f"-DCMAKE_CXX_COMPILER_LAUNCHER={self.options.launcher}", *arguments,
                   folder=self.folder, wanted=wanted)

    def build(self, add, *arguments):
        self.configure(add, *arguments)
        run(self.options.cmake, "--build", "build", folder=self.folder)
        house.check(os.access(os.path.join(self.folder, "build", "hello"), os.X_OK), "the program is not there")

    def install_tfm(self):
        """Installs tfm into a prefix, which is then moved: nothing may remember the first place."""
        run(self.options.cmake, "-S", house.ROOT, "-B", "tfm-build", "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={self.options.compiler}",
            "-DTFM_BUILD_TESTS=OFF", "-DTFM_BUILD_EXAMPLES=OFF", f"-DCMAKE_INSTALL_PREFIX={self.folder}/first", folder=self.folder)
        run(self.options.cmake, "--install", "tfm-build", folder=self.folder)
        os.rename(os.path.join(self.folder, "first"), os.path.join(self.folder, "prefix"))
        return os.path.join(self.folder, "prefix")

    def copy_of_tfm(self):
        target = os.path.join(self.folder, "tfm")
        os.makedirs(target)
        for name in SHIPPED:
            source = os.path.join(house.ROOT, name)
            (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(target, name))
        return target


def add_subdirectory(user):
    user.copy_of_tfm()
    user.build("add_subdirectory(tfm)")


def fetch_content(user):
    user.copy_of_tfm()
    run(user.options.cmake, "-E", "tar", "czf", "tfm.tar.gz", "tfm", folder=user.folder)
    shutil.rmtree(os.path.join(user.folder, "tfm"))
    user.build("include(FetchContent)\nFetchContent_Declare(tfm URL ${CMAKE_CURRENT_SOURCE_DIR}/tfm.tar.gz)\nFetchContent_MakeAvailable(tfm)")


def without_installed_headers(user):
    """Where JSON is not installed it comes through FetchContent: here, from a copy that stands for the network."""
    user.copy_of_tfm()
    copies = os.path.join(user.folder, "copies")
    os.makedirs(os.path.join(copies, "json", "include"))
    os.symlink("/usr/include/nlohmann", os.path.join(copies, "json", "include", "nlohmann"))
    user.build(
        "add_subdirectory(tfm)\nget_target_property(folder nlohmann_json::nlohmann_json INTERFACE_INCLUDE_DIRECTORIES)\n"
        "if(NOT folder MATCHES /copies/json)\n  message(FATAL_ERROR \"JSON is from ${folder}\")\nendif()\n",
        "-DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON", f"-DFETCHCONTENT_SOURCE_DIR_TFM_JSON={copies}/json")


def find_package(user):
    prefix = user.install_tfm()
    user.build("find_package(tfm 0.1 REQUIRED COMPONENTS sentencepiece utf8proc libzip libcsv eigen)", f"-DCMAKE_PREFIX_PATH={prefix}")
    said = user.configure("find_package(tfm 99 REQUIRED)", f"-DCMAKE_PREFIX_PATH={prefix}", wanted=1, build="build-99")
    house.check("version" in said, "another version is accepted")
    # A component that is not there is refused in words, and without it the rest still works.
    hide = "set(CMAKE_FIND_LIBRARY_SUFFIXES .hidden)\n"
    where = f"-DCMAKE_PREFIX_PATH={prefix}"
    said = user.configure(hide + "find_package(tfm REQUIRED COMPONENTS sentencepiece)", where, wanted=1, build="build-without")
    house.check("tokenizer.model" in re.sub(r"\s+", " ", said), "a missing sentencepiece is not named:\n" + said)
    user.configure(hide + "find_package(tfm REQUIRED)", where, build="build-core")
    # tfm::compiled is there too, once, for however many folders look for tfm; CMake refuses a source that is not installed.
    user.write("more/CMakeLists.txt", "find_package(tfm REQUIRED)\nadd_executable(more ../hello.cpp)\ntarget_link_libraries(more tfm::compiled)\n")
    user.configure("find_package(tfm REQUIRED)\nadd_library(first OBJECT hello.cpp)\ntarget_link_libraries(first tfm::compiled)\nadd_subdirectory(more)\n",
                   where, build="build-compiled")


def pkg_config(user):
    if not shutil.which("pkg-config"):
        print("[tfm: skipped] there is no pkg-config here")
        sys.exit(0)
    prefix = user.install_tfm()
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.join(prefix, "share", "pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "tfm", env=environment).split()
    house.check("-m" not in [flag[:2] for flag in flags] and not any(flag.startswith("-O") for flag in flags), f"tfm.pc adds flags: {flags}")
    run(*user.options.launcher.split(), user.options.compiler, "-std=c++20", *user.options.flags.split(), "-c", "hello.cpp", "-o", "hello.o", *flags, folder=user.folder)
    run(user.options.compiler, *user.options.flags.split(), "hello.o", "-o", "hello", *flags, folder=user.folder)


def presets(user):
    """Every preset that this compiler serves configures; each names a folder of its own, and has a build and a test preset."""
    with open(os.path.join(house.ROOT, "CMakePresets.json"), encoding="utf-8") as file:
        known = json.load(file)
    names = [preset["name"] for preset in known["configurePresets"]]
    house.check(names == ["release", "full", "debug", "asan", "asan-bytes", "tsan", "clang", "libcxx"], f"the presets are {names}")
    folders = {preset["binaryDir"] for preset in known["configurePresets"]}
    house.check(len(folders) == len(names), "two presets share a folder")
    for kind in ("buildPresets", "testPresets"):
        house.check([preset["configurePreset"] for preset in known[kind]] == names, kind)
    copy = user.copy_of_tfm()
    for name in names[:4]:
        run(user.options.cmake, "--preset", name, "-DTFM_BUILD_TESTS=OFF", "-DTFM_BUILD_EXAMPLES=OFF", folder=copy)


WAYS = {"add_subdirectory": add_subdirectory, "FetchContent": fetch_content, "fetched-headers": without_installed_headers,
        "find_package": find_package, "pkg-config": pkg_config, "presets": presets}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=WAYS)
    for name in ("compiler", "flags", "launcher", "cmake", "sentencepiece"):
        parser.add_argument("--" + name, default="")
    options = parser.parse_args()
    if options.sentencepiece.upper() in ("", "FALSE", "OFF", "0") and options.way != "presets":
        print("[tfm: skipped] this build is without sentencepiece, which the README's program needs")
        return
    with tempfile.TemporaryDirectory() as folder:
        WAYS[options.way](User(folder, options))
    print(f"the README's first program builds by {options.way}")


main()
