# SPDX-License-Identifier: MIT
"""The kernel's fuzzer, tests/user/fuzz: for longer, with devices, and repeated exactly.

Every run's seed is in the notes; `fuzz SEED` at the shell of the debug kernel repeats a run as far as
threads on several CPUs can be repeated, and what `replay` ran is repeated to the instruction.
"""
import re
import time

from programs import config_for_shell

PROGRAM = "/test/fuzz"
PIECE = 18     # seconds of one run of the program; then the next seed
ROUNDS = 8     # of the run that is repeated
STEPS = 4000   # of each
FINDS_IN = 60  # seconds that a planted fault may take
# What is not the guest's own: time of day, and packets that come when the host sends them.
CLOCK = ("-rtc", "base=2026-01-01,clock=vm")
# Two functions that nobody drives, and resources in which nothing lies: tests/user/fuzz/devices.h.
FUNCTIONS = ("-device", "pci-testdev,membar=1M",
             "-chardev", "null,id=void", "-device", "pci-serial,chardev=void")
RESOURCES = """
    handle fuzz-physical  = resource physical 0x60000000 0x100000
    handle fuzz-interrupt = resource interrupt 5 3
    handle fuzz-message   = resource interrupt 0x10000 1
    handle fuzz-io        = resource io 0x5000 64
    handle fuzz-domain    = resource domain 0xf000 4
"""


def boot(ctx, extra=(), append="", **machine):
    """The debug kernel, with a shell that has what drivers have. Nothing else starts or grows while
    objects are counted: there are no shells on the screen, and no packets come."""
    config = ctx.folder / "init.conf"
    config.write_text(config_for_shell(ctx, RESOURCES))
    return ctx.boot(debug=True, test=True, entries=[f"etc/init.conf={config}"], network=(),
                    append=f"console=serial {append}", extra=FUNCTIONS + extra, **machine)


def outcome(ctx, output, seed):
    """(calls, digest) of a run that passed."""
    ctx.check(re.search(r"^ok 1 - ", output, re.M) and "not ok" not in output,
              f"seed {seed}:\n{output}")
    calls = re.search(r"(\d+) calls", output)
    digest = re.search(r"digest ([0-9a-f]{16})", output)
    ctx.check(calls and digest, f"seed {seed}: no counts in\n{output}")
    return int(calls.group(1)), digest.group(1)


def run_for(ctx, seconds, machines):
    """Runs with new seeds for so long in all, as long on each machine."""
    for machine in machines:
        guest = boot(ctx, shell=True, **machine)
        deadline = time.monotonic() + seconds / len(machines)
        total, seeds = 0, []
        while (left := deadline - time.monotonic()) > 1:
            seeds.append(ctx.random.randrange(1 << 48))
            piece = min(PIECE, int(left) + 1)
            output = guest.command(f"{PROGRAM} {seeds[-1]} {piece} 20000", timeout=piece + 100)
            total += outcome(ctx, output, seeds[-1])[0]
        guest.stop()
        words = ", ".join(f"{name} {value}" for name, value in machine.items())
        ctx.note(f"{words}: {total:,} calls, seeds {' '.join(map(str, seeds))}")


def replayed(ctx, seed):
    """What one boot of the machine says that does nothing but a run of this seed."""
    words = f"random=fixed exec={PROGRAM} {seed} 1000 {STEPS} {ROUNDS}"
    guest = boot(ctx, extra=CLOCK, smp=1, icount=True, wide=True, append=words)
    ctx.equal(guest.wait_exit(100), 0, f"status, seed {seed}")
    return outcome(ctx, guest.log, seed)


def test_two_cpus(ctx):
    """On two CPUs."""
    run_for(ctx, 20, [{"smp": 2}])


def test_iommu(ctx):
    """On two CPUs, where an IOMMU holds the devices."""
    run_for(ctx, 20, [{"smp": 2, "iommu": "intel"}])


def test_finds_growth(ctx):
    """A fault that the kernel had is found when it is planted again: memory that the kernel has
    mapped grows, and who maps it next believes the new size."""
    guest = boot(ctx, smp=2, shell=True, append="plant=growth")
    seed, start = ctx.random.randrange(1 << 48), time.monotonic()
    guest.send(f"{PROGRAM} {seed} {FINDS_IN} 6000\r")
    found = guest.wait_for(r"(?m)^(panic\b.*|not ok 1 - .*|ok 1 - .*)$", FINDS_IN + 100)
    ctx.check(not found.group(1).startswith("ok"), f"seed {seed} does not find it")
    ctx.note(f"seed {seed}: {found.group(1)}, after {time.monotonic() - start:.0f} s")


def test_replay(ctx):
    """On one CPU that counts instructions a seed makes the same calls with the same results."""
    seed = ctx.random.randrange(1 << 48)
    calls, digest = replayed(ctx, seed)
    ctx.equal(replayed(ctx, seed), (calls, digest), f"calls and digest again, seed {seed}")
    ctx.check(replayed(ctx, seed + 1)[1] != digest, f"seeds {seed} and {seed + 1} do the same")
    ctx.note(f"seed {seed}: {calls:,} calls, digest {digest}, twice")


def test_long(ctx):
    """As long as there is time, on 1, 2 and 4 CPUs, and with an IOMMU."""
    run_for(ctx, 60 * ctx.minutes, [{"smp": 1}, {"smp": 2}, {"smp": 4},
                                    {"smp": 2, "iommu": "intel"}])


test_replay.timeout = 300
test_replay.alone = True  # a host that is late to read the serial line changes what the guest does
test_long.long = True
