# SPDX-License-Identifier: MIT
"""Rows of guests that count instructions instead of time: the programs in bench/, and the boot."""
import re

from .. import build
from ..console import Step, warn
from ..machine import Options
from ..testing.guest import Guest, GuestError
from .budget import Measured, parse

BOOT = re.compile(r"init: \S+ at \S+, (\d+) ticks of the counter after")
BOOT_LIMIT = 120
PROGRAM_LIMIT = 300  # seconds; a guest that counts instructions is slow
PROGRAMS = ("kernel", "ipc", "queue", "files", "spawn")  # in bench/, with rows of their own


def options(extra=()):
    return Options(image=build.image("release", "iso-test"), icount=True, cpu="max,-erms",
                   reboot=False, extra=extra)


def run_program(guest, program, wanted):
    """What a program printed of the wanted rows; it measures those that are its own."""
    found, failures = parse(guest.command(" ".join((f"/bench/{program}", *sorted(wanted))),
                                          PROGRAM_LIMIT))
    for failure in failures:
        warn(f"bench/{program}: {failure}")
    return found


def measure(wanted):
    found = {}
    try:
        with Step("the kernel and its programs, counting instructions"), \
                Guest(options(), "bench") as guest:
            guest.wait_for_shell(BOOT_LIMIT)
            if match := BOOT.search(guest.log):
                found["boot"] = Measured(float(match.group(1)))
            for program in PROGRAMS:
                found.update(run_program(guest, program, wanted))
    except GuestError as error:
        warn(f"counting instructions: {error}")
    return {name: value for name, value in found.items() if name in wanted}
