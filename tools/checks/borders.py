# SPDX-License-Identifier: MIT
"""Includes keep to the borders between kernel, ABI, user libraries and programs."""
import os
import re

from checks import tree

STANDARD = frozenset("""assert.h ctype.h errno.h fcntl.h float.h inttypes.h limits.h locale.h math.h
    setjmp.h signal.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h
    stdnoreturn.h string.h time.h unistd.h""".split())


def includes(name):
    for number, line in enumerate(tree.text(name).splitlines(), 1):
        if match := re.match(r'\s*#\s*include(?:_next)?\s+([<"])([^>"]+)[>"]', line):
            yield number, match.group(1) == '"', match.group(2)


def beside(name, header):
    """The file that a quoted include names relative to its own, if there is one."""
    path = os.path.normpath(os.path.join(os.path.dirname(name), header))
    return path if (tree.ROOT / path).is_file() else None


def in_kernel(header):
    """The kernel's or machine's own header of this name, if there is one."""
    if header in STANDARD:
        return None
    machines = sorted(folder.relative_to(tree.ROOT) for folder in tree.ROOT.glob("arch/*/include"))
    for root in ("kernel/include", "kernel", "arch/include", *machines):
        if (tree.ROOT / root / header).is_file():
            return f"{root}/{header}"
    return None


def in_user_space(name, header):
    """Whether user code finds this header among its own."""
    part = "/".join(name.split("/")[:2])
    return header.startswith(("tessera/", "drivers/")) or any(
        (tree.ROOT / root / header).is_file()
        for root in ("compat/newlib/include", part, "/".join(name.split("/")[:3])))


def border_error(name, quoted, header):
    """Why this include crosses a border, or None."""
    own = beside(name, header) if quoted else None
    foreign = own or (in_kernel(header) if tree.in_user_code(name) else None)
    if name.startswith("ipc/abi/"):
        if "/" in header and not header.startswith(("tessera/abi/", "tessera/machine/")):
            return "the ABI includes the ABI alone"
    elif name.startswith("ipc/format/"):
        if "/" in header and not header.startswith(("tessera/abi/", "tessera/machine/",
                                                    "tessera/format/")):
            return "what both sides compile includes the ABI alone"
    elif tree.in_user_code(name):
        if foreign and tree.below(foreign, ("kernel", "arch")) and not tree.in_user_code(
                foreign) and (own or not in_user_space(name, header)):
            return "user code includes neither kernel nor arch"
        if name.startswith(("ipc/", "arch/")) and header.startswith("drivers/"):
            return "the libraries of ipc know no drivers"
    elif tree.below(name, ("kernel", "arch")):
        if re.match(r"tessera/(?!abi/|machine/|format/)", header) or header.startswith("drivers/") or (
                own and not tree.below(own, ("kernel", "arch"))):
            return "the kernel includes nothing of user space but tessera/{abi,machine,format}"
        if name.startswith("kernel/") and (header.startswith("machine/") or (
                own and own.startswith("arch/"))):
            return "the generic kernel sees machines through arch/include alone"
    return None


def check_borders():
    for name in tree.tracked(".c", ".h", ".S"):
        if tree.below(name, tree.FREE):
            continue
        for number, quoted, header in includes(name):
            if why := border_error(name, quoted, header):
                yield f"{name}:{number}: {header}: {why}"
