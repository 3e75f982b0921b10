# SPDX-License-Identifier: MIT
"""Rights of pages: all page tables of a running system, read from outside."""
import re
import struct

PAGE, TABLE = 4096, 512
PRESENT, WRITE, USER, ACCESSED, LARGE, NO_EXECUTE = 1, 2, 4, 0x20, 0x80, 1 << 63
ADDRESS = 0x000ffffffffff000
MEMORY = 96  # MiB


def monitor(guest, line):
    return guest.qmp("human-monitor-command", **{"command-line": line})


class Memory:
    """The guest's RAM while it stands still, and the page tables in it."""

    def __init__(self, ctx, guest):
        file = ctx.folder / "memory"
        guest.qmp("pmemsave", val=0, size=MEMORY << 20, filename=str(file))
        self.bytes = file.read_bytes()
        file.unlink()

    def table(self, address):
        return struct.unpack_from(f"<{TABLE}Q", self.bytes, address)

    def leaves(self, root, first=0, end=TABLE):
        """(address, frame, bytes, writable, executable, user) of each page mapped by a root."""
        def below(table, level, base, rights):
            shift = 12 + 9 * (level - 1)
            for index, entry in enumerate(self.table(table)):
                if not entry & PRESENT or (level == 4 and not first <= index < end):
                    continue
                address = base + (index << shift)
                here = rights & entry & (WRITE | USER) | (rights | entry) & NO_EXECUTE
                if level > 1 and not entry & LARGE:
                    yield from below(entry & ADDRESS, level - 1, address, here)
                    continue
                if address >> 47:
                    address |= 0xffff << 48
                yield (address, entry & ADDRESS & -(1 << shift), 1 << shift, bool(here & WRITE),
                       not here & NO_EXECUTE, bool(here & USER))
        yield from below(root, 4, 0, WRITE | USER)

    def roots(self, kernel_half):
        """Every page that is the root of an address space: its kernel half is everyone's."""
        used = [index for index, entry in enumerate(kernel_half) if entry]
        for page in range(0, len(self.bytes), PAGE):
            half = struct.unpack_from(f"<{TABLE // 2}Q", self.bytes, page + PAGE // 2)
            if all(half[index] & ~ACCESSED == kernel_half[index] & ~ACCESSED for index in used):
                yield page


def current_root(guest):
    return int(re.search(r"CR3=([0-9a-f]+)", monitor(guest, "info registers")).group(1), 16)


def emulators_view(guest):
    """{address: (writable, executable, user)} of `info tlb`, by the leaves' own bits."""
    found = {}
    for line in monitor(guest, "info tlb").splitlines():
        match = re.match(r"([0-9a-f]{16}): [0-9a-f]{16} ([-X])\S{6}([-U])([-W])", line)
        if match:
            address, no_execute, user, write = match.groups()
            found[int(address, 16)] = write == "W", no_execute == "-", user == "U"
    return found


def check_leaves(ctx, leaves, user):
    for address, _, _, writable, executable, of_user in leaves:
        ctx.check(not (writable and executable), f"{address:#x} is writable and executable")
        ctx.equal(of_user, user, f"whether programs may use {address:#x}")


def check_kernel_text(ctx, kernel):
    """What the kernel executes is not writable at any other address."""
    text = [(frame, frame + size) for _, frame, size, _, executable, _ in kernel if executable]
    ctx.check(text, "no kernel text is mapped")
    for address, frame, size, writable, _, _ in kernel:
        for first, end in text:
            ctx.check(not writable or frame >= end or frame + size <= first,
                      f"{address:#x} is a writable alias of kernel text")


def test_no_page_is_writable_and_executable(ctx):
    """In every address space, by a walk of all page tables, and QEMU sees the same."""
    guest = ctx.boot(debug=True, shell=True, smp=2, memory=MEMORY)
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    processes = len(guest.command("ps").splitlines()) - 1
    guest.qmp("stop")
    memory, root = Memory(ctx, guest), current_root(guest)
    kernel_half = memory.table(root)[TABLE // 2:]
    kernel = list(memory.leaves(root, TABLE // 2))
    check_leaves(ctx, kernel, user=False)
    check_kernel_text(ctx, kernel)
    roots = list(memory.roots(kernel_half))
    ctx.check(root in roots and len(roots) >= processes,
              f"{len(roots)} address spaces of {processes} processes")
    pages = 0
    for other in roots:
        leaves = list(memory.leaves(other, 0, TABLE // 2))
        pages += len(leaves)
        check_leaves(ctx, leaves, user=True)
    ours = {leaf[0]: leaf[3:] for leaf in memory.leaves(root)}
    ctx.equal(emulators_view(guest), ours, "what QEMU says of this address space")
    ctx.note(f"{len(roots)} address spaces, {len(kernel)} pages of the kernel, {pages} of programs")
