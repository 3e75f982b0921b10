# SPDX-License-Identifier: MIT
"""One way of saying it: pointers and statuses are compared by name, sizeof has parentheses,
atomics are C11's, a status that is returned is looked at (docs/style.md)."""
import concurrent.futures
import os
import re

from checks import tree

# What clang reads; its Python side is a package of its own (tools/tessera_cmd/packages.py).
RESOURCES = "/usr/lib/llvm-14/lib/clang/14.0.6"
CONDITIONS = ("IF_STMT", "WHILE_STMT", "CONDITIONAL_OPERATOR")
WORDS = (
    (re.compile(r"\bsizeof (?!\()"), "sizeof has parentheses"),
    (re.compile(r"\b__(?:atomic|sync)_\w+"), "atomics are those of <stdatomic.h>"),
    (re.compile(r"\(void\)!"), "(void) alone says that a result is not used"),
    (re.compile(r"^\s*//.*-{4,}$"), "a section begins with: // ---- Title"),
)


def value_kind(cursor):
    """What the value is compared with: NULL, TS_OK, or None for a number or a bool."""
    if cursor.type.spelling in ("ts_status_t", "const ts_status_t"):
        return "TS_OK"
    if cursor.type.get_canonical().kind.name == "POINTER":
        return "NULL"
    return None


def bare(cursor):
    """The expression without parentheses and conversions that keep it what it is."""
    while cursor.kind.name == "PAREN_EXPR" or (
            cursor.kind.name == "UNEXPOSED_EXPR" and cursor.type.kind.name != "BOOL"):
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


class Reader:
    """Reads one source and what it includes, and remembers where a value is used as a truth."""

    def __init__(self):
        self.texts = {}
        self.found = set()

    def text(self, cursor_file):
        if cursor_file.name not in self.texts:
            with open(cursor_file.name, "rb") as file:
                self.texts[cursor_file.name] = file.read()
        return self.texts[cursor_file.name]

    def written(self, first, last):
        """What is written from one place to another of one file; empty if a macro has them."""
        if first.file is None or last.file is None or first.file.name != last.file.name:
            return b""
        return self.text(first.file)[first.offset:last.offset]

    def negates(self, cursor):
        return cursor.kind.name == "UNARY_OPERATOR" and next(
            (token.spelling for token in cursor.get_tokens()), None) == "!"

    def truths(self, cursor, children):
        """The children that are only asked whether they are zero."""
        kind = cursor.kind.name
        if kind in CONDITIONS or self.negates(cursor):
            return children[:1]
        if kind == "DO_STMT":
            return children[1:]
        if kind == "FOR_STMT":
            return [child for child in children[:-1] if self.written(
                cursor.extent.start, child.extent.start).count(b";") == 1][:1]
        if kind == "BINARY_OPERATOR" and len(children) == 2:
            operator = self.written(children[0].extent.end, children[1].extent.start)
            return children if b"&&" in operator or b"||" in operator else []
        if kind == "UNEXPOSED_EXPR" and cursor.type.kind.name == "BOOL" and len(children) == 1:
            return children
        return []

    def walk(self, cursor):
        children = list(cursor.get_children())
        for child in self.truths(cursor, children):
            value = bare(child)
            if not self.negates(value) and (kind := value_kind(value)):
                place = value.location
                self.found.add((place.file.name, place.line, kind))
        for child in children:
            self.walk(child)


def ours(name):
    path = os.path.realpath(name)
    return path.startswith(f"{tree.ROOT}/") and not path.startswith(f"{tree.ROOT}/build/")


def must_be_used(cursor):
    return any(child.kind.name == "WARN_UNUSED_RESULT_ATTR" for child in cursor.get_children())


def options(words):
    """What libclang is given of a command: no output, no list of what was read."""
    kept, skip = [], True  # the compiler itself
    for word in words:
        if not skip and word not in ("-c", "-MD", "-MT", "-MF", "-Werror"):
            kept.append(word)
        skip = word in ("-MT", "-MF")
    return [*kept, "-resource-dir", RESOURCES]


def read(command):
    """(what is said in another way than ours, what clang could not read), with file and line."""
    from clang import cindex

    source, words = command
    unit = cindex.Index.create().parse(str(tree.ROOT / source), args=options(words))
    wrong = {f"{source}: {said.spelling}" for said in unit.diagnostics if said.severity >= 3}
    reader, ignored = Reader(), set()
    for cursor in unit.cursor.get_children():
        if cursor.location.file and ours(cursor.location.file.name):
            reader.walk(cursor)
            if (cursor.kind.name == "FUNCTION_DECL" and not must_be_used(cursor) and
                    cursor.result_type.spelling == "ts_status_t" and
                    cursor.location.file.name.endswith(".h")):
                ignored.add((cursor.location.file.name, cursor.location.line,
                             f"{cursor.spelling} is not TS_MUST_USE"))
    found = ignored | {(file, line, f"is compared with {kind}") for file, line, kind in reader.found}
    return wrong | {f"{os.path.relpath(os.path.realpath(file), tree.ROOT)}:{line}: {what}"
                    for file, line, what in found}


def spelled(name):
    """What a line of a file spells in another way than ours."""
    return [f"{name}:{number}: {why}" for number, line in enumerate(tree.text(name).splitlines(), 1)
            for pattern, why in WORDS if pattern.search(line)]


def check_dialect():
    for name in tree.tracked(".c", ".h"):
        yield from spelled(name)
    commands = dict(tree.compile_commands("host", "tests/host"))
    commands.update(tree.compile_commands())
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        found = set().union(*pool.map(read, commands.items(), chunksize=8))
    yield from sorted(found)
