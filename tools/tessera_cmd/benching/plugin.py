# SPDX-License-Identifier: MIT
"""QEMU's plugins in bench/plugin, built for the machine that runs QEMU."""
import mmap
import pathlib
import struct
import subprocess
from typing import NamedTuple

from .. import build


# What a copied byte counts depends on the instruction that copies: the same for Tessera and Linux.
CPU = "max,-erms"


def compiled(name, folder):
    """bench/plugin/NAME.c as a library in a folder."""
    library = pathlib.Path(folder) / f"{name}.so"
    source = build.ROOT / "bench" / "plugin" / f"{name}.c"
    subprocess.run(["clang-14", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", source, "-o",
                    library], check=True)
    return library


class Instructions(NamedTuple):
    user: int
    kernel: int

    @property
    def total(self):
        return self.user + self.kernel

    def __sub__(self, other):
        return Instructions(self.user - other.user, self.kernel - other.kernel)


class Plugin:
    """bench/plugin/NAME.c: `words` for QEMU, and the file that it writes."""

    def __init__(self, name, folder):
        self.file = pathlib.Path(folder) / f"{name}.out"
        self.words = ("-plugin", f"{compiled(name, folder)},out={self.file}")


class Counter(Plugin):
    """Instructions that a guest has executed: read() at any time."""

    def __init__(self, folder):
        super().__init__("count", folder)

    def read(self):
        with open(self.file, "rb") as file, \
                mmap.mmap(file.fileno(), 16, access=mmap.ACCESS_READ) as data:
            return Instructions(*struct.unpack("<QQ", data[:16]))
