# SPDX-License-Identifier: MIT
"""Machines with an IOMMU: what devices reach is held by hardware (docs/security/dma.md)."""
import re
import struct

from programs import compile_program, grants
from test_boot import check_end, check_machine, check_shell

EDU = ("-device", "edu,dma_mask=0xffffffffffffffff")
FAULT = r"device (\S+) (wrote|read) where nothing is pinned for it \((0x[0-9a-f]+), reason \d+\): "


def test_bios(ctx):
    """BIOS, two CPUs, the shipped image: page, shell, and what the log says."""
    check_machine(ctx, smp=2, iommu="intel")


def test_uefi(ctx):
    check_machine(ctx, uefi=True, iommu="intel")


def attack(ctx, how, **machine):
    guest = ctx.boot(add=[compile_program(ctx, "edu.c")], entries=[grants(ctx, "give /bin/edu control")], shell=True,
                     extra=EDU, **machine)
    output = guest.command(f"edu {how}", timeout=60)
    ctx.check("not ok" not in output and "all is held" in output, output)
    return guest, output


def check_held(ctx, **machine):
    guest, output = attack(ctx, "held", iommu="intel", **machine)
    ctx.equal(output.count("ok - "), 12, f"points\n{output}")
    log = guest.command("log | grep -v GET")
    ctx.check(re.search(r"iommu: VT-d at 0xfed90000", log) and "interrupts are remapped" in log,
              f"the log does not say that there is an IOMMU:\n{log}")
    for driver in ("write", "read", "stale"):
        ctx.check(re.search(FAULT + f"blocked; ended is its driver {driver}", log),
                  f"the end of {driver} is not told:\n{log}")
    ctx.check(re.search(FAULT + "blocked; it has no driver", log),
              f"what the device did for a driver that is gone is not told:\n{log}")
    errors = guest.machine.errors()
    ctx.check("detected translation failure" in errors, f"QEMU has seen no attempt: {errors!r}")
    ctx.check("non-present IRTE (index=190" in errors, f"no forged interrupt: {errors!r}")
    ctx.check(re.search(r"quarantined +0 KiB", guest.command("free")), "pages in quarantine")
    check_shell(ctx, guest)
    check_end(ctx, guest)


def check_blocked(ctx, **machine):
    """QEMU's AMD-Vi reports no faults: what it stops is seen, but no driver ends by it."""
    guest, output = attack(ctx, "blocked", iommu="amd", **machine)
    ctx.equal(output.count("ok - "), 12, f"points\n{output}")
    log = guest.command("log | grep -v GET")
    ctx.check("iommu: AMD-Vi at 0xfed80000" in log and "interrupts are remapped" in log,
              f"the log does not say that there is an IOMMU:\n{log}")
    ctx.check("failed to remap interrupt" in guest.machine.errors(), "no forged interrupt")
    ctx.check(re.search(r"quarantined +0 KiB", guest.command("free")), "pages in quarantine")
    check_shell(ctx, guest)
    check_end(ctx, guest)


def test_rule_d11_a_device_reaches_what_is_pinned(ctx):
    """A device that reaches for others' memory, in every way that a driver has."""
    check_held(ctx, smp=2)


def test_rule_d11_debug(ctx):
    check_held(ctx, smp=1, debug=True)


def test_rule_d11_amd(ctx):
    check_blocked(ctx, smp=2)


def test_rule_d11_amd_debug(ctx):
    check_blocked(ctx, smp=1, debug=True)


def test_not_held(ctx):
    """Without an IOMMU the same attempt succeeds; the log says that nothing holds DMA."""
    guest, output = attack(ctx, "free")
    ctx.check("iommu: no VT-d" in guest.command("log | grep iommu"), "the log does not say so")


def check_restart(ctx, kind, nic="virtio"):
    driver = "virtio-net:0" if nic == "virtio" else "e1000:0"
    guest = ctx.boot(add=[compile_program(ctx, "harm.c")], shell=True, smp=2, iommu=kind, nic=nic,
                     entries=[grants(ctx, "give /bin/harm system")])
    ctx.equal(guest.wait_for_page()[0], 200, "status")
    for manner in ("kill", "write"):
        ctx.check("found" in guest.command(f"harm {manner} {driver}"), "no driver to end")
        ctx.equal(guest.wait_for_page()[0], 200, f"status after {manner}")
    ctx.check(re.search(r"quarantined +0 KiB", guest.command("free")), "pages in quarantine")
    check_end(ctx, guest)


def test_driver_restart(ctx):
    """The network's driver dies with everything under way; the next one has the device for itself."""
    check_restart(ctx, "intel")


def test_amd_bios(ctx):
    """The same with AMD's IOMMU."""
    check_machine(ctx, smp=2, iommu="amd")


def test_amd_uefi(ctx):
    check_machine(ctx, uefi=True, iommu="amd")


def test_amd_driver_restart(ctx):
    check_restart(ctx, "amd")


def check_keep(ctx, **machine):
    entry = grants(ctx, "give /bin/keep control", "give /bin/keep system")
    guest = ctx.boot(add=[compile_program(ctx, "keep.c")], entries=[entry],
                     shell=True, smp=2, **machine)
    output = guest.command("keep", timeout=60)
    ctx.check("busy while it is mapped\nfree when it is not" in output and "not busy" not in output,
              output)


def test_rule_d14_the_next_server_finds_it_busy(ctx):
    """The PCI server dies, and a driver lives on with registers of its device."""
    check_keep(ctx)


def test_rule_d14_held(ctx):
    """The same where an IOMMU holds the device."""
    check_keep(ctx, iommu="intel")


def check_tables(ctx, signature, tables):
    """Firmware that names IOMMUs which are none: a line in the log, and the rest as without one."""
    for name, (structures, said) in tables.items():
        table = ctx.folder / name
        table.write_bytes(structures)
        guest = ctx.boot(extra=("-acpitable", f"sig={signature},data={table}"), shell=True)
        log = guest.command("log | grep iommu")
        ctx.check(re.search(said, log), f"{name}: {said!r} is not in the log:\n{log}")
        ctx.equal(guest.command("echo here"), "here\n", "the shell")
        guest.stop()


def unit(registers, length=16):
    """A unit that has all devices, in the table of IOMMUs."""
    return bytes([38, 1]) + bytes(10) + struct.pack("<HHBBHQ", 0, length, 1, 0, 0, registers)


def test_damaged_tables(ctx):
    check_tables(ctx, "DMAR", {
        "short": (unit(0xfed90000)[:-7], "table of IOMMUs is damaged"),
        "endless": (unit(0xfed90000, 0), "table of IOMMUs is damaged"),
        "memory": (unit(0x400000), "unit at 0x400000 is memory of ours"),
        "nothing": (unit(0xfed90000), "unit at 0xfed90000 .* is not of a kind that is known"),
        "beyond": (unit(1 << 50), "table of IOMMUs is damaged"),
    })


def amd_unit(registers, length=28, entry=b"\1\0\0\0"):
    """The same in AMD's; `entry`: which devices it has."""
    return bytes(12) + struct.pack("<BBHHHQHHI", 0x10, 0, length, 8, 0x40, registers, 0, 0, 0) + entry


def test_amd_damaged_tables(ctx):
    check_tables(ctx, "IVRS", {
        "short": (amd_unit(0xfed80000)[:-7], "table of IOMMUs is damaged"),
        "endless": (amd_unit(0xfed80000, 0), "table of IOMMUs is damaged"),
        "half": (amd_unit(0xfed80000, entry=b"\3\0\0\0"), "table of IOMMUs is damaged"),
        "memory": (amd_unit(0x400000), "unit at 0x400000 is memory of ours"),
        "nothing": (amd_unit(0xfed80000), "unit at 0xfed80000 .* is not of a kind that is known"),
        "beyond": (amd_unit(1 << 50), "table of IOMMUs is damaged"),
    })
