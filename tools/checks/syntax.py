# SPDX-License-Identifier: MIT
"""The sources as clang reads them: each is parsed with the flags that it is built with, and walked."""
import concurrent.futures
import ctypes
import functools
import os

from checks import tree

# What clang reads; its Python side is a package of its own (tools/tessera_cmd/packages.py).
RESOURCES = "/usr/lib/llvm-14/lib/clang/14.0.6"


class Visitor:
    """Looks at every cursor of a source and of what it includes of the tree, and keeps in `found` what
    can be sent between processes."""

    def __init__(self):
        self.texts = {}
        self.found = set()

    def text(self, name):
        if name not in self.texts:
            with open(name, "rb") as file:
                self.texts[name] = file.read()
        return self.texts[name]

    def declare(self, cursor):
        """At each declaration that is in no other one."""

    def visit(self, cursor, children):
        """At each cursor, before its children."""

    def walk(self, cursor):
        children = list(cursor.get_children())
        self.visit(cursor, children)
        for child in children:
            self.walk(child)


def value_of(cursor):
    """The expression without parentheses and conversions."""
    while cursor.kind.name in ("PAREN_EXPR", "UNEXPOSED_EXPR"):
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


@functools.cache
def file_location():
    from clang import cindex

    function = cindex.conf.lib.clang_getFileLocation
    function.argtypes = [cindex.SourceLocation, *4 * [ctypes.c_void_p]]
    function.restype = None
    return function


def written_at(cursor):
    """(file, line, offset) where it is written, also in a macro's arguments; of what a macro has of its
    own, where the macro is named."""
    from clang import cindex

    file, line, offset = cindex.c_object_p(), ctypes.c_uint(), ctypes.c_uint()
    file_location()(cursor.extent.start, ctypes.byref(file), ctypes.byref(line), None,
                    ctypes.byref(offset))
    return cindex.File(file).name if file else None, line.value, offset.value


def argument_types(function):
    """Of a function's type, however it is written: the types of its parameters."""
    from clang import cindex

    library = cindex.conf.lib
    return [library.clang_getArgType(function, i) for i in range(library.clang_getNumArgTypes(function))]


def ours(name):
    path = os.path.realpath(name)
    return path.startswith(f"{tree.ROOT}/") and not path.startswith(f"{tree.ROOT}/build/")


def place(name, line):
    return f"{os.path.relpath(os.path.realpath(name), tree.ROOT)}:{line}"


def options(words):
    """What libclang is given of a command: no output, no list of what was read."""
    kept, skip = [], True  # the compiler itself
    for word in words:
        if not skip and word not in ("-c", "-MD", "-MT", "-MF", "-Werror"):
            kept.append(word)
        skip = word in ("-MT", "-MF")
    return [*kept, "-resource-dir", RESOURCES]


def read(kinds, command):
    """({errors of clang}, what each kind of visitor found)."""
    from clang import cindex

    source, words = command
    unit = cindex.Index.create().parse(str(tree.ROOT / source), args=options(words))
    wrong = {f"{source}: {said.spelling}" for said in unit.diagnostics if said.severity >= 3}
    visitors = [kind() for kind in kinds]
    for cursor in unit.cursor.get_children():
        if cursor.location.file and ours(cursor.location.file.name):
            for visitor in visitors:
                visitor.declare(cursor)
                visitor.walk(cursor)
    return wrong, *(visitor.found for visitor in visitors)


def read_all(*kinds):
    """The same for all that is built, together."""
    commands = dict(tree.compile_commands("host", "tests/host"))
    commands.update(tree.compile_commands())
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(functools.partial(read, kinds), commands.items(), chunksize=8))
    return tuple(set().union(*sets) for sets in zip(*results))
