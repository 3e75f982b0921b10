# SPDX-License-Identifier: MIT
"""What the blocks of a how-to mean (docs/howto/README.md)."""
import hashlib
import os
import re
import subprocess
from typing import NamedTuple

FENCE = re.compile(r"^(?:`([^`\n]+)`:\n\n)?(`{3,})(\w+)\n(.*?)^\2$", re.M | re.S)


class Block(NamedTuple):
    kind: str        # the fence's word
    path: str | None # the file that it is
    text: str

    @property
    def session(self):
        """[(command, answer)] of a console."""
        if self.kind != "console":
            return []
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.M)
        return list(zip(parts[1::2], parts[2::2]))

    @property
    def machine(self):
        """QEMU's words, where the guest is to have a device."""
        match = re.match(r"\./tessera run -- (.*)\n", self.text) if self.kind == "text" else None
        return match.group(1).split() if match else []


def blocks(text):
    """The blocks of a page, in order."""
    return [Block(kind, path or None, body) for path, _, kind, body in FENCE.findall(text)]


def promise(text):
    """How many files the page says that it touches."""
    match = re.search(r"^\*\*(?:(\d) files?|(One) new folder)\b", text, re.M)
    if not match:
        return None
    return int(match.group(1) or 1)


def patched(source, hunk):
    """The text with a hunk applied: its lines without `+` stand there in a row, once."""
    lines = hunk.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] in " -")
    new = "".join(line[1:] for line in lines if line[0] in " +")
    if source.count(old) != 1:
        raise AssertionError(f"{source.count(old)} places for\n{old}")
    return source.replace(old, new)


def apply_diff(tree, text):
    """--- PATH, then hunks that are led by @@."""
    first, *hunks = re.split(r"^@@.*\n", text, flags=re.M)
    path = tree / re.fullmatch(r"--- (\S+)\n", first).group(1)
    source = path.read_text()
    for hunk in hunks:
        source = patched(source, hunk)
    path.write_text(source)


def apply(tree, block):
    """Does what the block says to the tree: a file, a change or commands."""
    if block.path:
        (tree / block.path).parent.mkdir(parents=True, exist_ok=True)
        (tree / block.path).write_text(block.text)
    elif block.kind == "diff":
        apply_diff(tree, block.text)
    elif block.kind == "sh":
        subprocess.run(["sh", "-e"], cwd=tree, input=block.text, text=True, check=True)


def contents(tree):
    """{path: digest} of all files."""
    found = {}
    for folder, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__")]
        for file in files:
            path = os.path.join(folder, file)
            with open(path, "rb") as content:
                found[os.path.relpath(path, tree)] = hashlib.sha1(content.read()).digest()
    return found


def touched(before, after):
    """Files that are not as they were, and new folders in place of what is in them."""
    folders = {parent for path in before for parent in parents(path)}
    names = set()
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path):
            new = [parent for parent in parents(path) if parent not in folders]
            names.add(new[0] if new else path)
    return sorted(names)


def parents(path):
    """Folders of a path, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def targets(tree, names):
    """CMake's targets of the programs among what was touched."""
    found = []
    for name in names:
        if match := re.fullmatch(r"(apps/cmd|tests/user)/(\w+)\.c", name):
            found.append("cmd-commands" if match.group(1) == "apps/cmd" else
                         f"test-{match.group(2)}")
        for lists in (tree / name).rglob("CMakeLists.txt") if (tree / name).is_dir() else ():
            program = re.search(r"tessera_program\((\S+) KIND driver", lists.read_text())
            found += [f"drv-{program.group(1)}"] if program else []
    return found


def answers(pattern, found):
    """Whether each line of the pattern comes, in this order; … stands for anything in a line."""
    at = 0
    lines = found.splitlines()
    for line in pattern.splitlines():
        wanted = re.compile(".*".join(re.escape(part) for part in line.split("…")))
        while at < len(lines) and not wanted.fullmatch(lines[at].rstrip()):
            at += 1
        if at == len(lines):
            return False
        at += 1
    return True
