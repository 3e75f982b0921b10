# SPDX-License-Identifier: MIT
"""The kernel's rooms lie above each other: what an object uses is defined in its own room or a
lower one, or is a hook."""
import collections
import re

from checks import objects, tree

ROOMS = {  # from the lowest up; a file belongs to the longest name that fits
    "base": ("kernel/base", "ipc/format", "arch/*/base"),
    "arch": ("arch", "kernel/debug"),
    "core": ("kernel/core",),
    "mm": ("kernel/mm",),
    "sched": ("kernel/sched",),
    "object": ("kernel/object",),
    "syscall": ("kernel/syscall",),
    "init": ("kernel/init",),
}
ORDER = list(ROOMS)
PLACES = ("kernel/", "arch/", "ipc/format/")  # of the kernel's sources
# What a lower room calls in a higher one is declared here, and defined in a file *_hooks.c.
HOOKS = ("arch/include/arch/hooks.h", "kernel/core/hooks.h")
# Calls that no source makes: the compiler puts them in, and kernel/debug answers them.
COMPILER = re.compile(r"__stack_chk_fail|__ubsan_handle_\w+")


def room_of(name):
    fits = [(folder.count("/"), room) for room, folders in ROOMS.items() for folder in folders
            if re.match(folder.replace("*", "[^/]+") + "/", name)]
    return max(fits)[1] if fits else None


def hooks():
    """Names of the functions that the headers of hooks declare."""
    names = set()
    for header in HOOKS:
        text = re.sub(r"//.*|^\s*#.*$", "", tree.text(header), flags=re.M)
        names |= set(re.findall(r"\b(\w+)\([^(){}]*\)\s*;", text))
    return names


def kernel():
    """The objects of the kernel's image."""
    return [one for one in objects.read(lambda source: source.startswith(PLACES) and "/user/" not in source)
            if one.program == "kernel-objects"]


def room_errors(files, names, homes):
    for one in files:
        room = room_of(one.source)
        if room is None:
            yield f"{one.source}: is in no room (tools/checks/rooms.py)"
            continue
        for name in sorted(one.uses - names):
            above = [home for home in homes[name] if room_of(home) in ORDER[ORDER.index(room) + 1:]]
            if above and not COMPILER.fullmatch(name):
                yield f"{one.source}: {room} lies below {room_of(above[0])}, where {name} is ({above[0]})"
        for name in sorted(one.weak):
            yield f"{one.source}: {name} is weak: what is missing is for the linker to say"


def hook_errors(files, names, homes):
    used = frozenset().union(*(one.uses for one in files))
    for name in sorted(names):
        if len(homes[name]) != 1:
            yield f"{name}: a hook is defined once, not {len(homes[name])} times"
        elif not homes[name][0].endswith("_hooks.c"):
            yield f"{homes[name][0]}: {name} is a hook, and belongs in a file *_hooks.c"
        if name not in used:
            yield f"{name}: a hook that no other file calls"


def check_rooms():
    try:
        files, names = kernel(), hooks()
    except objects.Unbuilt as error:
        yield str(error)
        return
    homes = collections.defaultdict(list)
    for one in files:
        for name in one.defines:
            homes[name].append(one.source)
    yield from room_errors(files, names, homes)
    yield from hook_errors(files, names, homes)
