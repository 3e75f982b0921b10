# SPDX-License-Identifier: MIT
"""What a machine lacks is said in words, before anything breaks."""
import re

from test_bad_input import log_until, states

INK_LEAST = 200     # pixels of a line of text
TEXT_ROW = 16       # pixels high
LAST_ROW = 2        # what is said so early is the third line


def ink_of_row(ctx, guest, row):
    """Pixels of a row of text on the screen that are not as its first one."""
    file = ctx.folder / "screen.ppm"
    guest.qmp("screendump", filename=str(file))
    kind, width, _, _, pixels = file.read_bytes().split(maxsplit=4)
    ctx.equal(kind, b"P6", "kind of picture")
    stride = int(width) * 3
    band = pixels[row * TEXT_ROW * stride:(row + 1) * TEXT_ROW * stride]
    return sum(band[at:at + 3] != band[:3] for at in range(0, len(band), 3))


def check_cannot_run(ctx, line, **machine):
    """The kernel's last line, on the serial line and on the screen; no panic."""
    guest = ctx.boot(memory=64, **machine)
    guest.wait_for(rf"error: tessera: {line}; it cannot run here\n", 60)
    guest.drain(1)
    ctx.check(guest.log.endswith("it cannot run here\n"), f"more is said: {guest.log[-300:]!r}")
    ctx.check(ink_of_row(ctx, guest, LAST_ROW) > INK_LEAST, "it is not on the screen")
    guest.stop()


def test_processor(ctx):
    """Features of the processor: all that it lacks, by name."""
    check_cannot_run(ctx, "this processor lacks: apic", cpu="max,-apic")
    check_cannot_run(ctx, "this processor lacks: syscall", cpu="max,-syscall")
    check_cannot_run(ctx, "this processor lacks: mce, fxsr, sse2", cpu="max,-mce,-fxsr,-sse2")


def test_memory(ctx):
    """Less memory than serves a page: how much is needed is said, and there is a shell."""
    for memory in (18, 20):
        guest = ctx.boot(memory=memory, shell=True)
        words = r"init: too little memory: 1\d MiB are free, and the services need 15: "
        ctx.check(re.search(words, guest.log), f"{memory} MiB: not said: {guest.log[-1500:]}")
        ctx.equal(guest.command("jobs"), "", "the shell's answer")
        guest.stop()


def test_no_memory(ctx):
    """So little that the boot loader cannot load the archive."""
    guest = ctx.boot(memory=5)
    guest.wait_for(r"error: tessera: the boot loader gave no boot archive, for which \d MiB may be too "
                   r"little; it cannot run here\n", 60)


def test_no_card(ctx):
    """Without a network card: who looked says so, once, and everything else runs."""
    guest = ctx.boot(memory=64, network=(), shell=True)
    words = "netd: this machine has no network card that is known: loopback only"
    log = log_until(ctx, guest, words)
    ctx.equal(log.count(words), 1, "times that the log says so")
    found = states(guest)
    for name in ("netd", "httpd", "wwwfs"):
        ctx.equal(found[name], "runs", f"state of {name}")
