# SPDX-License-Identifier: MIT
"""`./tessera bench --profile ROW`: which functions a row's instructions are spent in.

A plugin of QEMU counts instructions by blocks of code. Kernel code lies where it was linked; a
program's lies at a random address, and is recognised by its bytes: the page of a program which has
the same ones at the same place.
"""
import bisect
import collections
import pathlib
import struct
import subprocess

from .. import build
from .plugin import Plugin

RECORD = struct.Struct("<QQII40s")
PAGE = 4096
KERNEL = 1 << 63
SHOWN = 45


class Symbols:
    """The functions of an ELF file by address, and the bytes of its code."""

    def __init__(self, file, name):
        self.name = name
        listing = subprocess.run(["llvm-nm-14", "--defined-only", "-n", file], capture_output=True,
                                 text=True, check=True).stdout.splitlines()
        symbols = [(int(address, 16), symbol) for address, kind, symbol in
                   (line.split(maxsplit=2) for line in listing) if kind in "tTwW"]
        self.addresses = [address for address, _ in symbols]
        self.names = [symbol for _, symbol in symbols]
        self.pages = {}  # page of the program: its bytes
        for address, data in code_segments(pathlib.Path(file).read_bytes()):
            for page in range(address // PAGE, (address + len(data) - 1) // PAGE + 1):
                start = max(page * PAGE - address, 0)
                lead = max(address - page * PAGE, 0)
                self.pages[page] = bytes(lead) + data[start:page * PAGE + PAGE - address]

    def function(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.names[index] if index >= 0 else hex(address)


def code_segments(elf):
    """(address, bytes) of a 64-bit ELF file's executable segments."""
    offset, = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    for at in range(offset, offset + size * count, size):
        kind, flags, start, address, _, length = struct.unpack_from("<IIQQQQ", elf, at)
        if kind == 1 and flags & 1:
            yield address, elf[start:start + length]


def programs():
    base = build.folder("release") / "programs"
    return [Symbols(file, str(file.relative_to(base))[:-len(".debug")])
            for file in sorted(base.glob("**/*.debug"))]


class Profile(Plugin):
    """snapshot() before and after, report() of the difference."""

    def __init__(self, folder):
        super().__init__("profile", folder)

    def snapshot(self):
        """{(address, code): instructions}, blocks that were translated again put together."""
        found = collections.Counter()
        with open(self.file, "rb") as file:
            blocks, = struct.unpack("<Q", file.read(RECORD.size)[:8])
            for address, instructions, length, _, code in RECORD.iter_unpack(
                    file.read(blocks * RECORD.size)):
                if instructions:
                    found[address, code[:length]] += instructions
        return found


def pages_of(blocks):
    """{page: [(offset, code)]} of user blocks, each cut at the page's end."""
    pages = collections.defaultdict(list)
    for address, code in blocks:
        if address < KERNEL:
            offset = address % PAGE
            pages[address // PAGE].append((offset, code[:PAGE - offset]))
    return pages


def candidates(parts, libraries):
    """(program, page of it) where all parts are found."""
    for library in libraries:
        for page, data in library.pages.items():
            if all(data[offset:offset + len(code)] == code for offset, code in parts):
                yield library, page


def owners(blocks, libraries):
    """{page: (program, distance of its load address)}: of several that fit, the one that fits at
    the same distance for most pages."""
    found = {page: list(candidates(parts, libraries)) for page, parts in pages_of(blocks).items()}
    votes = collections.Counter((library.name, page - own) for page, fits in found.items()
                                for library, own in fits)
    chosen = {}
    for page, fits in found.items():
        if fits:
            library, own = max(fits, key=lambda fit: votes[fit[0].name, page - fit[1]])
            chosen[page] = (library, page - own)
    return chosen


def by_function(blocks):
    """{(program or "kernel", function): instructions}."""
    kernel = Symbols(build.folder("release") / "kernel.elf", "kernel")
    owner = owners(blocks, programs())
    found = collections.Counter()
    for (address, _), instructions in blocks.items():
        if address >= KERNEL:
            found["kernel", kernel.function(address)] += instructions
        elif address // PAGE in owner:
            library, distance = owner[address // PAGE]
            found[library.name, library.function(address - distance * PAGE)] += instructions
        else:
            found["?", hex(address // PAGE * PAGE)] += instructions
    return found


def report(before, after, runs):
    """Prints where the instructions between two snapshots went, for each of `runs` runs."""
    spent = collections.Counter({block: count - before[block] for block, count in after.items()
                                 if count > before[block]})
    functions = by_function(spent)
    total = sum(functions.values())
    parts = collections.Counter()
    for (part, _), count in functions.items():
        parts[part] += count
    print(f"{total / runs:,.1f} instructions a run: " + ", ".join(
        f"{part} {count / runs:,.1f}" for part, count in parts.most_common(8)))
    for (part, function), count in functions.most_common(SHOWN):
        print(f"{100 * count / total:5.1f} % {count / runs:12,.1f}  {part:16} {function}")
