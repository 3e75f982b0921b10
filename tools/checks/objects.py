# SPDX-License-Identifier: MIT
"""What the objects of the debug build define and use, as nm shows it."""
import json
import os
import pathlib
import shlex
import subprocess
from typing import NamedTuple

from checks import tree


class Object(NamedTuple):
    source: str          # relative to the tree
    program: str         # the target that it is a part of
    file: str
    defines: frozenset   # names that other objects can use
    uses: frozenset      # names that it does not define
    weak: frozenset      # of those it defines: another object may define them too


class Unbuilt(Exception):
    """An object is missing, or older than its source."""


def build_folder():
    return pathlib.Path(os.environ.get("TESSERA_BUILD", tree.ROOT / "build" / "debug"))


def compiled(base):
    """[(source, program, object file)] of the sources of the tree that the build compiles."""
    for entry in json.loads((base / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        name = words[words.index("-o") + 1]
        source = os.path.relpath(entry["file"], tree.ROOT)
        if not source.startswith(("..", "build/")):
            program = name.partition("CMakeFiles/")[2].partition(".dir/")[0]
            yield source, program, os.path.join(entry["directory"], name)


def require_fresh(source, file):
    if not os.path.exists(file) or os.stat(file).st_mtime < os.stat(tree.ROOT / source).st_mtime:
        raise Unbuilt(f"{source} is newer than its object: `./tessera test check` builds it first")


def names(files):
    """{object file: (names it defines, names it uses, names it defines weakly)}"""
    found = {file: (set(), set(), set()) for file in files}
    listing = subprocess.run(["llvm-nm-14", "--print-file-name", "--extern-only",
                              "--format=posix", *files], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        file, _, rest = line.partition(": ")
        name, kind = rest.split()[:2]
        found[file][kind in ("U", "w")].add(name)
        if kind in ("W", "V"):
            found[file][2].add(name)
    return found


def read(wanted):
    """The objects of the sources for whose name `wanted` is true. Unbuilt: the debug build is not
    up to date."""
    base = build_folder()
    if not (base / "compile_commands.json").is_file():
        raise Unbuilt("there is no debug build: `./tessera test check` makes it first")
    chosen = [entry for entry in compiled(base) if wanted(entry[0])]
    for source, _, file in chosen:
        require_fresh(source, file)
    found = names([file for _, _, file in chosen]) if chosen else {}
    return [Object(*entry, *map(frozenset, found[entry[2]])) for entry in chosen]
