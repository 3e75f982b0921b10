# SPDX-License-Identifier: MIT
"""The tree that is checked: its files, their text, their flags."""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folders whose files are user code, and those where tests may look behind every border.
USER = ("ipc/lib", "ipc/ring", "ipc/proto", "compat", "drivers", "apps", "bench", "tests/user")
FREE = ("tests/host", "tests/machine", "tools")


def tracked(*suffixes):
    """Files of the tree, as git has them and will have them, relative to its root."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    names = sorted(set(listing.stdout.decode().split("\0")))
    return [name for name in names
            if name and (not suffixes or name.endswith(suffixes)) and (ROOT / name).is_file()]


def text(name):
    return (ROOT / name).read_text(errors="replace")


def below(name, folders):
    return any(name.startswith(folder + "/") for folder in folders)


def in_user_code(name):
    """Whether a file is user code: of each machine's folder, `user` is."""
    return below(name, USER) or re.match(r"arch/\w+/user/", name) is not None


def compile_commands(build="debug", source="."):
    """[(source relative to the tree, arguments)] of a build, which is configured if it is not."""
    base = ROOT / "build" / build
    if not (base / "compile_commands.json").is_file():
        subprocess.run(["cmake", "-S", ROOT / source, "-B", base, "-G", "Ninja",
                        "-DCMAKE_BUILD_TYPE=Debug"], check=True, stdout=sys.stderr)
    commands = []
    for entry in json.loads((base / "compile_commands.json").read_text()):
        name = os.path.relpath(entry["file"], ROOT)
        if name.endswith(".c") and not name.startswith(("..", "build/")) and (ROOT / name).is_file():
            words = shlex.split(entry["command"])
            words = words[:words.index("-o")]
            commands.append((name, [*words, f"-working-directory={entry['directory']}"]))
    return commands
