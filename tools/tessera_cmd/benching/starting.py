# SPDX-License-Identifier: MIT
"""How soon, and in how little memory, a page is served."""
import time

from .. import build
from ..console import Step, warn
from ..machine import Options, free_port
from ..testing.guest import Guest, GuestError
from .budget import Measured

ROWS = {"memory_to_serve", "page_bios", "page_uefi"}
FEWEST, MOST, STEP = 4, 64, 2  # MiB
PAGE_MEMORY = 64
PAGE_LIMIT = {"page_bios": 60, "page_uefi": 120}
MEMORY_LIMIT = 20  # seconds for a guest that has very little


def page(limit, **options):
    """Seconds from the emulator's start to the first page; None: none came."""
    machine = Options(image=build.image("release"), port=free_port(), reboot=False, **options)
    begin = time.monotonic()
    with Guest(machine, "page") as guest:
        try:
            status, _, body = guest.wait_for_page(timeout=limit)
        except GuestError:
            return None
        if status != 200 or not body:
            raise GuestError(f"GET /: status {status}")
        return time.monotonic() - begin


def smallest_memory():
    """By halving: FEWEST does not do, MOST does."""
    fewest, most = FEWEST, MOST
    while most - fewest > STEP:
        middle = (fewest + most) // (2 * STEP) * STEP
        if page(MEMORY_LIMIT, memory=middle) is None:
            fewest = middle
        else:
            most = middle
    return most


def measure(wanted):
    found = {}
    try:
        for row, limit in PAGE_LIMIT.items():
            if row in wanted:
                with Step(f"the first page, by {row[5:].upper()}"):
                    seconds = page(limit, memory=PAGE_MEMORY, uefi=row == "page_uefi")
                if seconds is None:
                    warn(f"{row}: no page within {limit} s")
                else:
                    found[row] = Measured(seconds)
        if "memory_to_serve" in wanted:
            with Step("the smallest memory"):
                found["memory_to_serve"] = Measured(float(smallest_memory()))
    except (GuestError, OSError) as error:
        warn(f"starting: {error}")
    return found
