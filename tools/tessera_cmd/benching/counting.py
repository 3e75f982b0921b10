# SPDX-License-Identifier: MIT
"""Rows of guests that count instructions instead of time: the programs in bench/, and the boot."""
import collections
import re
import tempfile

from .. import build
from ..console import CommandError, Step, warn
from ..machine import Options
from ..testing.guest import Guest, GuestError
from . import profile
from .budget import Measured, parse
from .plugin import CPU

BOOT = re.compile(r"init: \S+ at \S+, (\d+) ticks of the counter after")
BOOT_LIMIT = 120
RUNS = 1101  # of a row, with those to warm up: bench/lib/measure.h
PROGRAM_LIMIT = 300  # seconds; a guest that counts instructions is slow


DEBUG_PROGRAM, DEBUG_ROW = "sections", "longest_section"  # asks what the debug kernel notes


def options(kind="release", extra=()):
    return Options(image=build.image(kind, "iso-test"), icount=True, cpu=CPU,
                   reboot=False, extra=extra)


def programs():
    """Those in bench/ that have rows of their own."""
    return sorted(path.stem for path in (build.ROOT / "bench").glob("*.c")
                  if 'measure("' in path.read_text())


def run_program(guest, program, wanted):
    """What a program printed of the wanted rows; it measures those that are its own."""
    found, failures = parse(guest.command(" ".join((f"/bench/{program}", *sorted(wanted))),
                                          PROGRAM_LIMIT))
    for failure in failures:
        warn(f"bench/{program}: {failure}")
    return found


def measure_release(wanted):
    found = {}
    try:
        with Step("the kernel and its programs, counting instructions"), \
                Guest(options(), "bench") as guest:
            guest.wait_for_shell(BOOT_LIMIT)
            if match := BOOT.search(guest.log):
                found["boot"] = Measured(float(match.group(1)))
            for program in programs():
                found.update(run_program(guest, program, wanted))
    except GuestError as error:
        warn(f"counting instructions: {error}")
    return {name: value for name, value in found.items() if name in wanted}


def measure_debug():
    build.build("debug", "iso-test")
    try:
        with Step("the debug kernel, counting instructions"), \
                Guest(options("debug"), "bench") as guest:
            guest.wait_for_shell(BOOT_LIMIT)
            return run_program(guest, DEBUG_PROGRAM, {DEBUG_ROW})
    except GuestError as error:
        warn(f"the debug kernel: {error}")
        return {}


def measure(wanted):
    found = measure_release(wanted - {DEBUG_ROW}) if wanted - {DEBUG_ROW} else {}
    if DEBUG_ROW in wanted:
        found.update(measure_debug())
    return found


def profile_row(row):
    """Prints where its instructions go: a run of the program less one that measures nothing."""
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as folder:
        plugin = profile.Profile(folder)
        with Guest(options(extra=plugin.words), "profile") as guest:
            guest.wait_for_shell(BOOT_LIMIT)
            if row == "boot":
                profile.report(collections.Counter(), plugin.snapshot(), 1)
                return
            program = next((name for name in programs() if run_program(guest, name, {row})), None)
            if program is None:
                raise CommandError(f"no program in bench/ measures {row}")
            first = plugin.snapshot()
            run_program(guest, program, {"none"})
            second = plugin.snapshot()
            run_program(guest, program, {row})
            profile.report(second + (second - first), plugin.snapshot(), RUNS)
