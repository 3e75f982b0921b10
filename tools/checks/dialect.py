# SPDX-License-Identifier: MIT
"""One way of saying it: pointers and statuses are compared by name, sizeof has parentheses,
atomics are C11's, a status that is returned is looked at, a number does not stand for a name
(docs/style.md)."""
import re

from checks import numbers, syntax, tree

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


def must_be_used(cursor):
    return any(child.kind.name == "WARN_UNUSED_RESULT_ATTR" for child in cursor.get_children())


class Truths(syntax.Visitor):
    """found: (file, line, what is wrong) where a value is used as a truth, or a status may be thrown away."""

    def declare(self, cursor):
        place = cursor.location
        if (cursor.kind.name == "FUNCTION_DECL" and not must_be_used(cursor) and
                cursor.result_type.spelling == "ts_status_t" and place.file.name.endswith(".h")):
            self.found.add((place.file.name, place.line, f"{cursor.spelling} is not TS_MUST_USE"))

    def written(self, first, last):
        """What is written from one place to another of one file; empty if a macro has them."""
        if first.file is None or last.file is None or first.file.name != last.file.name:
            return b""
        return self.text(first.file.name)[first.offset:last.offset]

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

    def visit(self, cursor, children):
        for child in self.truths(cursor, children):
            value = bare(child)
            if not self.negates(value) and (kind := value_kind(value)):
                place = value.location
                self.found.add((place.file.name, place.line, f"is compared with {kind}"))


def read(command):
    """What one source says in another way than ours, and what clang could not read, with file and line."""
    return errors(*syntax.read(KINDS, command))


def errors(wrong, *found):
    return wrong.union(f"{syntax.place(file, line)}: {what}"
                       for one in found for file, line, what in one)


KINDS = (Truths, numbers.Numbers)


def spelled(name):
    """What a line of a file spells in another way than ours."""
    return [f"{name}:{number}: {why}" for number, line in enumerate(tree.text(name).splitlines(), 1)
            for pattern, why in WORDS if pattern.search(line)]


def check_dialect():
    for name in tree.tracked(".c", ".h"):
        yield from spelled(name)
    yield from sorted(errors(*syntax.read_all(*KINDS)))
