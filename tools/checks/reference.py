# SPDX-License-Identifier: MIT
"""Pages that repeat what the source says: limits, locks and drawings."""
import re

import mkdrawings
from checks import tree

# Sizes as docs/limits.md writes them: 4,096, 64 KiB, 2^20.
UNITS = {"KiB": 10, "MiB": 20, "GiB": 30}
LIMITS, LOCKS = "docs/limits.md", "docs/locks.md"


def size_of(words):
    """The number that a cell of docs/limits.md says, or None."""
    if match := re.fullmatch(r"2\^(\d+)", words):
        return 1 << int(match[1])
    if match := re.fullmatch(r"([\d,]+)(?: (KiB|MiB|GiB))?", words):
        return int(match[1].replace(",", "")) << UNITS.get(match[2], 0)
    return None


def definitions(files):
    """{name: [(file, value)]} of all #define lines that have a value."""
    found = {}
    for file in files:
        for name, value in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+(.+)$",
                                      tree.text(file), re.M):
            found.setdefault(name, []).append((file, value.split("//")[0].strip()))
    return found


def constant(words, found, depth=0):
    """The value of a constant expression of C, with names in it replaced; None if it is none."""
    words = re.sub(r"U?INT(?:32|64)_C\((\w+)\)", r"\1", words)
    words = re.sub(r"\(size_t\)", "", words)
    words = re.sub(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]*\b", r"\1", words)
    for name in set(re.findall(r"\b[A-Za-z_]\w*", words)):
        values = {value for _, value in found.get(name, ())}
        inner = constant(values.pop(), found, depth + 1) if depth < 4 and len(values) == 1 else None
        if inner is None:
            return None
        words = re.sub(rf"\b{name}\b", str(inner), words)
    if not re.fullmatch(r"[\dxa-fA-F\s+*/()<>-]+", words):
        return None
    return eval(words.replace("/", "//"), {"__builtins__": {}})  # digits and operators alone


def check_limits():
    """Rows `| bound | value | `NAME` in `file.h` | effect |`; the file only where it is needed."""
    found = definitions(tree.tracked(".c", ".h"))
    rows = re.findall(r"^\| [^|]* \| ([^|]*) \| `(\w+)`(?: in `([^`]+)`)? \|", tree.text(LIMITS),
                      re.M)
    if not rows:
        yield f"{LIMITS}: no limits in it"
    for cell, name, place in rows:
        places = [(file, value) for file, value in found.get(name, ())
                  if not file.startswith("tests/") and (not place or file.endswith(place))]
        values = {constant(value, found) for _, value in places}
        if not places:
            yield f"{LIMITS}: {name} is not defined{' in ' + place if place else ''}"
        elif len(values) > 1:
            yield f"{LIMITS}: {name} has several values: name the file"
        elif size_of(cell) is None or {size_of(cell)} != values:
            yield f"{LIMITS}: {name} is {values.pop()}, not {cell}"


def check_locks():
    """Each lock of kernel and arch has a row in docs/locks.md, and each row a lock."""
    named = {}
    for name in tree.tracked(".c", ".h"):
        if tree.below(name, ("kernel", "arch")):
            code = re.sub(r"^//.*$", "", tree.text(name), flags=re.M)
            for lock in re.findall(r'(?:spin_init\([^;]*?, |SPINLOCK_INIT\()"([^"]+)"\)', code):
                named.setdefault(lock, name)
    rows = set(re.findall(r"^\| `([^`]+)` \|", tree.text(LOCKS), re.M))
    for lock in sorted(named.keys() - rows):
        yield f"{named[lock]}: the lock \"{lock}\" is not in {LOCKS}"
    for lock in sorted(rows - named.keys()):
        yield f"{LOCKS}: no lock is named \"{lock}\""


def check_drawings():
    """Each picture is what its text says."""
    for picture in mkdrawings.stale(tree.ROOT / "docs" / "images"):
        yield f"{picture.relative_to(tree.ROOT)}: stale; tools/mkdrawings.py makes it"
