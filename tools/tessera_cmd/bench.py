# SPDX-License-Identifier: MIT
"""`./tessera bench`: measures the rows of bench/budget.def on the release kernel.

What talks to the host cannot run in a guest that counts instructions instead of time, since an idle
guest would jump to its next timer: such rows are counted by a plugin of QEMU. Figures by the clock
say as much about the machine as about Tessera. `contain` and `loss` are tables of their own
(benching/contain.py, loss.py).
"""
import subprocess
import time

from . import build, packages
from .benching import block, budget, contain, counting, loss, starting, table, versus, web
from .console import CommandError, say

TIME_LIMIT = 600  # seconds; what has not begun by then is left out
OUTSIDE = (block, starting, web, versus)  # what is measured from outside of the guest
RESERVED = {"fork_exit_wait": "process_clone is reserved for a later version of the ABI"}


def measure(wanted):
    """{row: Measured}, the cheapest parts first."""
    found = {}
    begin = time.monotonic()
    inside = wanted.difference(*(part.ROWS for part in OUTSIDE))
    for part, rows in ((counting, inside), *((part, wanted & part.ROWS) for part in OUTSIDE)):
        if rows and time.monotonic() - begin > TIME_LIMIT:
            say(f"more than {TIME_LIMIT} s: not measured: {' '.join(sorted(rows))}")
        elif rows:
            found.update(part.measure(rows))
    return found


def versions():
    """Versions of the tools and of the tree, to compare figures."""
    def first_line(*command):
        result = subprocess.run(command, capture_output=True, text=True, cwd=build.ROOT)
        return (result.stdout + result.stderr).partition("\n")[0]
    return ", ".join((f"commit {first_line('git', 'describe', '--always', '--dirty')}",
                      first_line(f"qemu-system-{build.ARCH}", "--version"), first_line("wrk", "-v")))


def profile(row):
    """Prints where a row's instructions go."""
    part = next((part for part in OUTSIDE if row in part.ROWS), counting)
    if not hasattr(part, "profile_row"):
        raise CommandError(f"{row}: not counted in instructions")
    part.profile_row(row)


def run(options):
    packages.require(packages.BUILD, packages.IMAGE, packages.RUN, "uefi", packages.TEST)
    if options.names[:1] == [contain.NAME]:
        return contain.run(options.names[1:])
    if options.names[:1] == [loss.NAME]:
        return loss.run(options.names[1:], options.peer, options.runs, options.seed)
    rows = budget.read()
    known = {row.name for row in rows}
    if unknown := set(options.names) - known:
        raise CommandError(f"no such row in bench/budget.def: {' '.join(sorted(unknown))}")
    if options.profile and not options.names:
        raise CommandError("--profile: missing row")
    wanted = set(options.names) or known
    rows = [row for row in rows if row.name in wanted]
    build.build("release", "iso", "iso-test")
    web.card = options.nic
    if options.profile:
        for name in options.names:
            profile(name)
        return 0
    for name in sorted(wanted & set(RESERVED)):
        say(f"{name} cannot be measured: {RESERVED[name]}")
    say(versions())
    found = measure(wanted - set(RESERVED))
    (table.print_json if options.json else table.print_table)(rows, found)
    return 0 if any(row.name in found for row in rows) else 1
