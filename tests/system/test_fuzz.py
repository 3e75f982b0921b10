# SPDX-License-Identifier: MIT
"""The kernel's fuzzer, tests/user/fuzz: for longer, on more CPUs, and repeated exactly.

Every run's seed is in the notes; `fuzz SEED` at the shell of the debug kernel repeats a run as far as
threads on several CPUs can be repeated, and what `replay` ran is repeated to the instruction.
"""
import re
import time

PROGRAM = "/test/fuzz"
PIECE = 20     # seconds of one run of the program; then the next seed
ROUNDS = 8     # of the run that is repeated
STEPS = 4000   # of each
# What is not the guest's own: time of day, and packets that come when the host sends them.
ALONE = {"network": (), "extra": ("-rtc", "base=2026-01-01,clock=vm")}


def outcome(ctx, output, seed):
    """(calls, digest) of a run that passed."""
    ctx.check(re.search(r"^ok 1 - ", output, re.M) and "not ok" not in output,
              f"seed {seed}:\n{output}")
    calls = re.search(r"(\d+) calls", output)
    digest = re.search(r"digest ([0-9a-f]{16})", output)
    ctx.check(calls and digest, f"seed {seed}: no counts in\n{output}")
    return int(calls.group(1)), digest.group(1)


def run_for(ctx, seconds, cpu_counts):
    """Runs with new seeds for so long in all; the kernel is booted anew for each number of CPUs."""
    for smp in cpu_counts:
        guest = ctx.boot(debug=True, test=True, smp=smp, shell=True)
        deadline = time.monotonic() + seconds / len(cpu_counts)
        total, seeds = 0, []
        while (left := deadline - time.monotonic()) > 1:
            seeds.append(ctx.random.randrange(1 << 48))
            piece = min(PIECE, int(left) + 1)
            output = guest.command(f"{PROGRAM} {seeds[-1]} {piece} 20000", timeout=piece + 100)
            total += outcome(ctx, output, seeds[-1])[0]
        guest.stop()
        ctx.note(f"{smp} CPUs: {total:,} calls, seeds {' '.join(map(str, seeds))}")


def replayed(ctx, seed):
    """What one boot of the machine says that does nothing but a run of this seed."""
    words = f"random=fixed exec={PROGRAM} {seed} 1000 {STEPS} {ROUNDS}"
    guest = ctx.boot(debug=True, test=True, smp=1, icount=True, append=words, **ALONE)
    ctx.equal(guest.wait_exit(100), 0, f"status, seed {seed}")
    return outcome(ctx, guest.log, seed)


def test_two_cpus(ctx):
    """Half a minute on two CPUs."""
    run_for(ctx, 30, [2])


def test_replay(ctx):
    """On one CPU that counts instructions a seed makes the same calls with the same results."""
    seed = ctx.random.randrange(1 << 48)
    calls, digest = replayed(ctx, seed)
    ctx.equal(replayed(ctx, seed), (calls, digest), f"calls and digest again, seed {seed}")
    ctx.check(replayed(ctx, seed + 1)[1] != digest, f"seeds {seed} and {seed + 1} do the same")
    ctx.note(f"seed {seed}: {calls:,} calls, digest {digest}, twice")


def test_long(ctx):
    """As long as there is time, on 1, 2 and 4 CPUs."""
    run_for(ctx, 60 * ctx.minutes, [1, 2, 4])


test_replay.timeout = 200
test_long.long = True
