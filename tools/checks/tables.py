# SPDX-License-Identifier: MIT
"""ipc/abi has the tables, and nobody else has them again."""
import re

from checks import tree

# A table by hand: an initialiser that names an operation or a system call as its place.
BY_HAND = re.compile(r"\[\s*TS_(?:OP|SYS)_(?!COUNT\b)[A-Za-z]\w*\s*\]\s*=")
# Where words of the ABI come by; ipc/abi/word.h has their packers.
PACKERS = ("kernel/syscall", "ipc/lib", "ipc/ring", "compat", "drivers", "apps/cmd", "apps/shell",
           "tests/user")
OTHER_WORDS = ("ipc/lib/canary.c", "ipc/lib/crc32c.c", "tests/user/fuzz/value.c",
               "tests/user/fuzz/method.c", "drivers/screen/framebuffer/canvas.c")  # pixels
SHIFT = re.compile(r"(?<!_C\(1\) )(?:<<|>>)=? ?32\b")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
OPERATION = re.compile(r"^TS_OPERATION\(\w+, (\w+), (\d+), ([^,]+),", re.M)
SYSCALL = re.compile(r"^TS_SYSCALL\((\w+), (\d+),", re.M)


def code(name):
    """The text without comments, line for line."""
    return COMMENT.sub(lambda match: "\n" * match.group().count("\n"), tree.text(name))


def arguments(text, start):
    """What stands between the parenthesis at `start` and its partner."""
    depth = 0
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start + 1:at]
    return ""


def errors_of_source(name):
    text = code(name)
    places = [(match.start(), "a table over operations or system calls: make it from their .def")
              for match in BY_HAND.finditer(text)]
    if tree.below(name, PACKERS) and name not in OTHER_WORDS:
        places += [(match.start(), "a word is packed by hand: ipc/abi/word.h has packers")
                   for match in SHIFT.finditer(text)]
    for match in re.finditer(r"\bts_sys_\w+\(", text):
        if "<<" in arguments(text, match.end() - 1):
            places.append((match.start(), "an argument is packed by hand: ipc/abi/word.h"))
    for start, why in places:
        yield f"{name}:{text.count(chr(10), 0, start) + 1}: {why}"


def rights_of(column):
    return set(re.findall(r"R_\((\w+)\)", column))


def errors_of_page(name, number, column):
    """A page's synopsis says `operation N`, with the rights where there are some."""
    page = f"docs/abi/{name}.md"
    text = tree.text(page) if (tree.ROOT / page).is_file() else ""
    match = re.search(rf"\boperation {number}\b(.*(?:\n.*){{0,3}})", text)
    if not match:
        yield f"{page}: does not say `operation {number}`"
        return
    for right in rights_of(column):
        if not re.search(rf"\b{right}\b", match.group(1)):
            yield f"{page}: does not name the right {right}"


def check_table():
    for name in tree.tracked(".c", ".h"):
        if not name.startswith("ipc/abi/"):
            yield from errors_of_source(name)
    for name, number, column in OPERATION.findall(tree.text("ipc/abi/operation.def")):
        yield from errors_of_page(name, number, column)
    for name, number in SYSCALL.findall(tree.text("ipc/abi/syscall.def")):
        page = f"docs/abi/{name}.md"
        if not (tree.ROOT / page).is_file() or \
                not re.search(rf"\bnumber {number}\b", tree.text(page)):
            yield f"{page}: does not say `number {number}`"
