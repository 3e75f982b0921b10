# SPDX-License-Identifier: MIT
"""What nobody uses goes: functions and objects that no other file refers to, fields that nobody
reads or writes, patterns of CMake that match nothing."""
import collections
import os
import re

from checks import objects, syntax, tree

# What others call by these names: the compiler, and programs written for POSIX.
FOREIGN = re.compile(r"__|_?main$|(?:_?setjmp|_?longjmp)$")
INTERFACES = ("compat/",)
# Whose structures are for whoever wants a field of them: the ABI, protocols, POSIX.
CONTRACTS = ("ipc/abi/", "ipc/proto/", "compat/newlib/")
# Layouts that hardware, firmware and file formats define: all of their fields stand there, used or not.
LAYOUTS = ("arch/x86_64/boot/multiboot.h", "arch/x86_64/cpu/descriptors.c", "arch/x86_64/irq/acpi.c",
           "drivers/lib/virtio/queue.h", "drivers/net/virtio/net.h", "ipc/format/elf.c",
           "ipc/lib/image.c", "kernel/base/symbol.c")
# A test stands in for what it does not test, in full.
STAND_INS = ("tests/",)
SPARE = re.compile("reserved|unused|padding|$")
# Made by the preprocessor of a table's line, so that no file has the whole name.
PASTED = ("syscall_", "ts_sys_")


def words_of(names):
    """{word: files that have it}."""
    found = collections.defaultdict(set)
    for name in names:
        for word in set(re.findall(r"\w+", tree.text(name))):
            found[word].add(name)
    return found


def unused_symbols(found, wanted):
    """Global names that no object uses, third-party ones included, and no other file but a header
    mentions. (Linker scripts, assembly and tests on the host mention what nm does not see.)"""
    sources = collections.defaultdict(set)
    for one in found:
        for name in one.defines:
            sources[name].add(one.source)
    mentioned = words_of(tree.tracked(".c", ".S", ".ld", ".cmake"))
    for name, files in sorted(sources.items()):
        if name in wanted or FOREIGN.match(name) or name.startswith(PASTED):
            continue
        if all(file.startswith(INTERFACES) for file in files) or mentioned[name] - files:
            continue
        yield f"{min(files)}: {name}: no other file uses it; it is static, or goes"


class Uses(syntax.Visitor):
    """found: (what, file, line, column, name) of each field and static function of a header, and of each
    use of one, which names its declaration."""

    def keep(self, what, cursor):
        place = cursor.location
        if place.file and syntax.ours(place.file.name):
            file = os.path.relpath(os.path.realpath(place.file.name), tree.ROOT)
            self.found.add((what, file, place.line, place.column, cursor.spelling))

    def visit(self, cursor, children):
        kind = cursor.kind.name
        if kind == "FIELD_DECL":
            self.keep("field", cursor)
        elif kind in ("MEMBER_REF_EXPR", "MEMBER_REF"):
            self.keep("used", cursor.referenced)
        elif kind == "FUNCTION_DECL" and cursor.is_definition() and is_inline(cursor):
            self.keep("function", cursor)
        elif kind == "DECL_REF_EXPR" and cursor.type.kind.name.startswith("FUNCTION"):
            if (function := cursor.referenced) and is_inline(function):
                self.keep("used", function.get_definition() or function)


def is_inline(function):
    """A static function of a header, of which the compiler says nothing when it is not used."""
    return (function.storage_class.name == "STATIC" and function.location.file is not None and
            function.location.file.name.endswith(".h"))


def unused_parts(found):
    """Fields, and static functions of headers, to which nothing refers."""
    used = {(file, line, column) for what, file, line, column, _ in found if what == "used"}
    for what, file, line, column, name in sorted(found):
        if what == "used" or (file, line, column) in used:
            continue
        if file in LAYOUTS or file.startswith((*CONTRACTS, *STAND_INS)) or SPARE.match(name):
            continue
        yield f"{file}:{line}: {name}: no one " + ("calls it" if what == "function" else "reads or writes it")


def patterns(name):
    """(pattern, folder it is relative to, whether it goes down) of each file(GLOB…)."""
    text = re.sub(r"#[^\n]*", "", tree.text(name))
    top = "tests/host" if name.startswith("tests/host/") else "."
    # A pattern of a function in cmake/ is for the folder of whoever calls it, or for the top.
    here = top if name.startswith("cmake/") else os.path.dirname(name)
    for recurse, words in re.findall(r"file\(GLOB(_RECURSE)?\s+(.*?)\)", text, re.S):
        for word in words.split():
            path = word.replace("${CMAKE_SOURCE_DIR}", top).replace("${TESSERA_ROOT}", ".")
            path = path.replace("${TESSERA_ARCH}", "*")
            if ("*" in path or recurse) and "/" in path and "$" not in path:
                yield word, here if path == word else ".", path, bool(recurse)


def empty_patterns():
    """Patterns of CMake that match no file of the tree."""
    for name in tree.tracked("CMakeLists.txt", ".cmake"):
        for word, here, path, recurse in patterns(name):
            folder, last = os.path.split(path)
            start = tree.ROOT / here
            down = os.path.join(folder, "**", last) if recurse else path
            found = start.glob(os.path.normpath(down))
            if not any(True for _ in found):
                yield f"{name}: {word} matches nothing"


def check_dead():
    found = objects.read(lambda source: True)
    files = [str(path) for ending in ("o", "obj") for path in objects.build_folder().rglob(f"*.{ending}")]
    wanted = set().union(*(names[1] for names in objects.names(files).values()))
    yield from unused_symbols(found, wanted)
    wrong, uses = syntax.read_all(Uses)
    yield from sorted(wrong)
    yield from unused_parts(uses)
    yield from empty_patterns()
