# SPDX-License-Identifier: MIT
"""The shipped image on machines of several kinds: firmware, emulator, number of CPUs."""
import subprocess
import time

from tessera_cmd.machine import free_port

SERVICES = ("pci", "serial", "memfs", "pipes", "netd", "wwwfs", "httpd", "shell")
START_LIMIT = 20  # seconds from the prompt until all run


def check_shell(ctx, guest):
    """The shell answers, and the services that every machine has run."""
    ctx.check("\n/ $ " in guest.log, f"the prompt stands behind half a line:\n{guest.log[-300:]}")
    deadline = time.monotonic() + START_LIMIT
    states = {}
    while not all(states.get(name) == "runs" for name in SERVICES):
        ctx.check(time.monotonic() < deadline, f"not all services run: {states}")
        lines = guest.command("echo ok; ls /; services").splitlines()
        ctx.equal(lines[0], "ok", "echo")
        for name in ("bin/", "etc/", "srv/", "tmp/", "www/"):
            ctx.check(name in lines[1].split(), f"no {name} in {lines[1]!r}")
        states = dict(line.split()[:2] for line in lines[3:])


def check_end(ctx, guest):
    guest.send("poweroff\r")
    ctx.equal(guest.wait_exit(), 0, "status")


def check_machine(ctx, memory=64, **options):
    guest = ctx.boot(memory=memory, **options)
    status, _, body = guest.wait_for_page()
    seconds = time.monotonic() - guest.started
    ctx.equal(status, 200, "status")
    ctx.check(body.rstrip().endswith(b"</html>"), "the page is not whole")
    guest.wait_for_shell()
    check_shell(ctx, guest)
    check_end(ctx, guest)
    ctx.note(f"first page after {seconds:.1f} s")


def test_bios(ctx):
    """BIOS, one CPU, 64 MiB: page and shell."""
    check_machine(ctx)


def test_nobody_reads(ctx):
    """The serial line takes nothing while the system comes up, which waits for it only so long."""
    guest = ctx.boot(memory=64)
    guest.hearing.clear()
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    guest.catch_up()
    ctx.check("$ " not in guest.log, "the line was read")
    guest.hearing.set()
    guest.wait_for_shell()
    lines = guest.command("echo ok").splitlines()
    ctx.equal(lines[0], "ok", "echo")
    check_end(ctx, guest)


def test_small(ctx):
    """24 MiB, of which the image takes a quarter, are enough for all of that."""
    check_machine(ctx, memory=24)


def test_uefi(ctx):
    """UEFI."""
    check_machine(ctx, uefi=True)


def test_cpus_2(ctx):
    check_machine(ctx, smp=2)


def test_cpus_4(ctx):
    check_machine(ctx, smp=4)


def test_uefi_cpus_2(ctx):
    check_machine(ctx, uefi=True, smp=2)


def check_bochs(ctx, cpus):
    guest = ctx.boot(bochs=True, smp=cpus, port=free_port(), shell=True)
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    check_shell(ctx, guest)
    ctx.check("x2APIC" in guest.command("log"), "Bochs is to have what QEMU lacks")
    check_end(ctx, guest)


def test_bochs(ctx):
    """The same in Bochs: another chip's card, x2APIC, TSC deadline."""
    check_bochs(ctx, 1)


def test_bochs_cpus_2(ctx):
    check_bochs(ctx, 2)


def test_bochs_from_a_pipe(ctx):
    """`printf … | ./tessera run --bochs`."""
    result = subprocess.run([ctx.root / "tessera", "run", "--bochs", "--port", str(free_port())],
                            capture_output=True,
                            input=b"echo ok; ls /; services\npoweroff\n", timeout=100)
    ctx.equal(result.returncode, 0, f"status ({result.stderr.decode()[-300:]})")
    text = result.stdout.decode(errors="replace").replace("\r", "")
    ctx.check("\nok\n" in text, f"no answer of echo:\n{text[-1500:]}")
    for word in ("etc/", *SERVICES):
        ctx.check(word in text, f"no {word} in the output:\n{text[-1500:]}")
