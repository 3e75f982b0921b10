# SPDX-License-Identifier: MIT
"""Hostile programs for longer than the user tests give them: tests/user/random_calls.c."""
import time


def test_random_calls(ctx):
    """Random system calls and rings from many seeds, on 1, 2 and 4 CPUs in turn."""
    deadline = time.monotonic() + 60 * ctx.minutes
    smp = 1
    while time.monotonic() < deadline:
        guest = ctx.boot(debug=True, test=True, smp=smp, shell=True)
        for _ in range(10):
            seed = ctx.random.randrange(1 << 63)
            output = guest.command(f"/test/random_calls {seed} 10 20000", timeout=120)
            ctx.check("ok 1 - " in output and "not ok" not in output, f"seed {seed}: {output}")
        guest.stop()
        smp = smp * 2 if smp < 4 else 1


test_random_calls.long = True
