# SPDX-License-Identifier: MIT
"""What arch/NAME/machine.cmake says of a machine, for the tools that are not CMake."""
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCH = os.environ.get("TESSERA_ARCH", "x86_64")


def words(name, arch=ARCH):
    """The words of `set(TESSERA_name words…)`."""
    text = (ROOT / "arch" / arch / "machine.cmake").read_text()
    match = re.search(rf"^set\(TESSERA_{name}\b([^)]*)\)", text, re.M)
    if not match:
        raise KeyError(f"arch/{arch}/machine.cmake: no TESSERA_{name}")
    return match.group(1).split()
