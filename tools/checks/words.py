# SPDX-License-Identifier: MIT
"""Words that each file must have or must not have, and scripts that parse."""
import ast
import re
import subprocess

from checks import tree


def check_spdx():
    exempt = (".md", ".json", ".txt", ".html", ".css", ".png", ".ico", ".svg", ".patch")
    for name in tree.tracked():
        if name in ("LICENSE", ".gitignore", ".editorconfig") or name.endswith(exempt):
            continue
        head = "\n".join((tree.ROOT / name).read_bytes()[:400].decode(errors="replace").splitlines()[:3])
        if "SPDX-License-Identifier: MIT" not in head:
            yield f"{name}: no SPDX-License-Identifier in its first three lines"


# In pieces, so that this file does not name them.
FOREIGN = re.compile("|".join((r"\bdeb\.deb" r"ian\.org", r"\bsecurity\.deb" r"ian\.org",
                               r"\bregistry\.np" r"mjs\.org", r"\.\./sha" r"red\b",
                               r"/work/sha" r"red\b", r"/work/\.lib" r"rary\b")))


def check_hosts():
    for name in tree.tracked():
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            if match := FOREIGN.search(line):
                yield f"{name}:{number}: {match.group(0)} is not to be named"


# A thread, request, client or program is 'it', and a sentence names its subject (docs/style.md).
PERSON = re.compile(r"\b(?:he|his|him|himself|whoever|whomever)\b", re.I)


def check_prose():
    """No comment and no document speaks of a thing as of a person."""
    for name in tree.tracked(".c", ".h", ".S", ".def", ".md"):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            prose = line if name.endswith(".md") else line.partition("//")[2]
            if match := PERSON.search(prose):
                yield f"{name}:{number}: '{match.group(0)}': a thing is 'it', or has a name"


def check_scripts():
    for name in tree.tracked():
        head = (tree.ROOT / name).read_bytes()[:64].decode(errors="replace").split("\n")[0]
        if name.endswith(".py") or (head.startswith("#!") and "python" in head):
            try:
                ast.parse(tree.text(name), name)
            except SyntaxError as error:
                yield f"{name}:{error.lineno}: {error.msg}"
        elif head.startswith("#!/bin/sh"):
            result = subprocess.run(["sh", "-n", tree.ROOT / name], capture_output=True, text=True)
            if result.returncode:
                yield f"{name}: {result.stderr.strip()}"
