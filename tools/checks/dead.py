# SPDX-License-Identifier: MIT
"""What nobody uses goes: functions and objects that no other file refers to, fields that nobody
reads or writes, patterns of CMake that match nothing."""
import collections
import os
import re

from checks import objects, tree

# What others call by these names: the compiler, and programs written for POSIX.
FOREIGN = re.compile(r"__|_?main$|(?:_?setjmp|_?longjmp)$")
INTERFACES = ("compat/",)
# Layouts that hardware and firmware define: all of their fields stand there, used or not.
LAYOUTS = ("arch/x86_64/boot/multiboot.h", "drivers/net/virtio/net.h")
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


def fields(text):
    """Names of the fields of structures in a header."""
    text = re.sub(r"//[^\n]*", "", text)
    for body in re.findall(r"^struct [^;{}()]*\{(.*?)^\}", text, re.M | re.S):
        for declaration in re.findall(r"([^;{}]+);", body):
            declaration = re.sub(r"__attribute__\(\(.*?\)\)+", "", declaration)
            if "(" in declaration and "(*" not in declaration:
                continue
            if match := re.search(r"\(\*(\w+)\)", declaration):
                yield match.group(1)
                continue
            for part in declaration.split(","):
                if match := re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?::\s*\w+)?$", part.strip()):
                    yield match.group(1)


def unused_fields():
    counts = collections.Counter()
    for name in tree.tracked(".c", ".h", ".S", ".def", ".py"):
        counts.update(re.findall(r"\w+", re.sub(r"//[^\n]*", "", tree.text(name))))
    for name in tree.tracked(".h"):
        if name not in LAYOUTS and name.startswith(("kernel/", "arch/", "ipc/lib/", "ipc/ring/", "ipc/format/", "apps/",
                            "drivers/", "compat/posix/")):
            for field in fields(tree.text(name)):
                if counts[field] == 1 and not field.startswith(("reserved", "unused", "padding")):
                    yield f"{name}: {field}: no one reads or writes it"


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
    yield from unused_fields()
    yield from empty_patterns()
