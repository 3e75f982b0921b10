# SPDX-License-Identifier: MIT
"""GDB commands for Tessera, for the kernel and the programs on it.

    ./tessera run --debug -- -s          (in one terminal)
    gdb -x tools/gdb/tessera.py          (in another, at the root of the tree)

loads the debug kernel's symbols and attaches to QEMU. Then:

    tessera processes         all processes: id, name, state, threads, pages
    tessera threads [NAME]    their threads: state, CPU, priority, where in user mode they stand
    tessera process NAME|ID   symbols of that program at the addresses where it lies, for
                              breakpoints (use `hbreak`: its pages may not be there yet)
    tessera log [LINES]       the end of the kernel's log

TESSERA_BUILD=build/release and TESSERA_GDB=HOST:PORT say otherwise.
"""
import os
import pathlib

import gdb

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TESSERA_BUILD") or ROOT / "build" / "debug")
TARGET = os.environ.get("TESSERA_GDB") or "127.0.0.1:1234"
MAP_EXECUTE = 4
STATES = ("runs", "ends", "has ended")
THREAD_STATES = ("new", "ready", "running", "blocked", "dead")


def entries(head, type_name, member):
    """The structures of an intrusive list (kernel/base/list.h)."""
    kind = gdb.lookup_type(type_name)
    offset = next(field.bitpos // 8 for field in kind.fields() if field.name == member)
    node = head["next"]
    while node != head.address:
        yield (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(kind.pointer())
        node = node["next"]


def processes():
    """(struct process *, id), oldest first."""
    kind = gdb.lookup_type("struct process").pointer()
    for member in entries(gdb.parse_and_eval("'job.c'::processes"), "struct job_member", "link"):
        yield member["object"].cast(kind), int(member["id"])


def name_of(process):
    return process["name"].string(errors="replace")


def find(word):
    for process, number in processes():
        if word in (str(number), name_of(process)):
            return process, number
    raise gdb.GdbError(f"no process {word}: see `tessera processes`")


def frame_of(thread):
    """The user registers of a thread, below the top of its kernel stack."""
    kind = gdb.lookup_type("struct arch_frame").pointer()
    return gdb.Value(int(thread["machine"]["stack_top"])).cast(kind) - 1


def regions(tree_node):
    """struct region of a space, by address (kernel/mm/range_tree.h)."""
    if int(tree_node) == 0:
        return
    yield from regions(tree_node["left"])
    yield tree_node.cast(gdb.lookup_type("struct region").pointer())
    yield from regions(tree_node["right"])


def text_base(process):
    """Where the first executable mapping of a process starts."""
    if int(process["space"]) == 0:
        raise gdb.GdbError("it has ended")
    for region in regions(process["space"]["regions"]["root"]):
        if int(region["protection"]) & MAP_EXECUTE:
            return int(region["range"]["start"])
    raise gdb.GdbError("nothing executable is mapped in it")


def debug_file(name):
    """The program's file with debug information; the shell's is called sh."""
    for candidate in (name, {"shell": "sh"}.get(name)):
        for file in sorted(BUILD.glob(f"programs/*/{candidate}.debug")) if candidate else ():
            return file
    raise gdb.GdbError(f"no {name}.debug below {BUILD}/programs; `file` and `-o` do it by hand")


def text_address(file):
    """The page of the file's section .text, as it was linked."""
    import subprocess
    listing = subprocess.run(["llvm-readelf-14", "-lW", file], capture_output=True, text=True,
                             check=True).stdout
    for line in listing.splitlines():
        words = line.split()
        if words[:1] == ["LOAD"] and "E" in "".join(words[6:-1]):
            return int(words[2], 16) & ~0xFFF
    raise gdb.GdbError(f"{file} has no executable segment")


class Tessera(gdb.Command):
    """Commands for Tessera: processes, threads, process, log."""

    def __init__(self):
        super().__init__("tessera", gdb.COMMAND_USER, prefix=True)


class Processes(gdb.Command):
    """Lists all processes."""

    def __init__(self):
        super().__init__("tessera processes", gdb.COMMAND_STATUS)

    def invoke(self, argument, _):
        print(f"{'ID':>5} {'STATE':10} {'THREADS':>7} {'PAGES':>7} NAME")
        for process, number in processes():
            account = process["account"]
            pages = int(account["used"]) if int(account) else 0
            print(f"{number:>5} {STATES[int(process['state'])]:10} "
                  f"{int(process['thread_count']):>7} {pages:>7} {name_of(process)}")


class Threads(gdb.Command):
    """Lists the threads of all processes, or of one."""

    def __init__(self):
        super().__init__("tessera threads", gdb.COMMAND_STATUS)

    def invoke(self, argument, _):
        chosen = [find(argument)] if argument else list(processes())
        print(f"{'PROCESS':16} {'STATE':8} {'CPU':>3} {'PRIORITY':>8} {'USER PC':>18} WAITS IN")
        for process, _number in chosen:
            for thread in entries(process["threads"], "struct thread", "member"):
                state = THREAD_STATES[int(thread["state"])]
                waits = ""
                if state == "blocked":
                    waits = gdb.block_for_pc(int(thread["machine"]["continuation"]))
                    waits = waits.function.name if waits and waits.function else "?"
                print(f"{name_of(process):16} {state:8} {int(thread['cpu']):>3} "
                      f"{int(thread['priority']):>8} {int(frame_of(thread)['rip']):>#18x} {waits}")


class Process(gdb.Command):
    """Loads the symbols of a process's program where it lies."""

    def __init__(self):
        super().__init__("tessera process", gdb.COMMAND_FILES)

    def invoke(self, argument, _):
        if not argument:
            raise gdb.GdbError("tessera process NAME|ID")
        process, number = find(argument)
        file = debug_file(name_of(process))
        bias = text_base(process) - text_address(file)
        gdb.execute(f"add-symbol-file {file} -o {bias:#x}", to_string=True)
        print(f"{name_of(process)} ({number}): {file.name} at {bias:#x}")


class Log(gdb.Command):
    """Prints the end of the kernel's log."""

    def __init__(self):
        super().__init__("tessera log", gdb.COMMAND_STATUS)

    def invoke(self, argument, _):
        ring = gdb.parse_and_eval("'log.c'::ring")
        end, size = int(gdb.parse_and_eval("'log.c'::end")), ring.type.sizeof
        data = bytes(gdb.selected_inferior().read_memory(int(ring.address), size))
        text = data[:end] if end <= size else data[end % size:] + data[:end % size]
        lines = text.decode("ascii", "replace").splitlines()
        print("\n".join(lines[-int(argument or 30):]))


for command in (Tessera, Processes, Threads, Process, Log):
    command()
gdb.execute(f"file {BUILD / 'kernel.elf'}")
gdb.execute("set pagination off")
# Sources are named relative to the tree, as if that were the build folder (-ffile-prefix-map).
gdb.execute(f"set substitute-path {os.path.relpath(BUILD, ROOT)} {ROOT}")
gdb.execute(f"target remote {TARGET}")
