# SPDX-License-Identifier: MIT
"""Rows that are a multiple of Linux's in the same run (peer.py makes the Linux guest).

Both guests have the same machine, one CPU and 256 MiB, and both write an access log. They take
turns, so that a host that changes its speed changes both.
"""
import contextlib
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

from .. import build
from ..console import CommandError, Step, say, warn
from ..machine import Options, free_port
from ..testing.guest import Guest, GuestError
from . import load, peer, web
from .budget import Measured

ROWS = {"http_rate", "boot_to_page"}
CONNECTIONS, SECONDS, RUNS = 16, 10, 3
BOOT_RUNS = 3
BOOT_LIMIT = 120
ASKERS, ASK_PAUSE, ASK_LIMIT = 12, 0.02, 0.25  # who ask for the first page; seconds


def tessera_image(folder):
    """The image, whose GRUB says when it hands over, as the Linux image's does."""
    template = (build.ROOT / "iso" / "boot" / "grub" / "grub.cfg").read_text()
    changed = template.replace("    boot\n", f'    echo "{peer.HANDOVER}"\n    boot\n')
    if changed == template:
        raise CommandError("iso/boot/grub/grub.cfg: no line `    boot`")
    (folder / "grub.cfg").write_text(changed)
    image = folder / "tessera.iso"
    build.special_image(image, template=folder / "grub.cfg")
    return image


def wait_for_page(port, limit):
    """Returns when a page has come. Several ask, one after the other, since an early question waits
    for its kernel's or the emulator's next attempt."""
    served = threading.Event()

    def ask(number):
        served.wait(number * (ASK_LIMIT + ASK_PAUSE) / ASKERS)
        while not served.is_set():
            with contextlib.suppress(OSError), \
                    socket.create_connection(("127.0.0.1", port), ASK_LIMIT) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
                if connection.recv(4096).startswith(b"HTTP/1.1 200 "):
                    served.set()
            served.wait(ASK_PAUSE)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ASKERS)]
    for thread in threads:
        thread.start()
    in_time = served.wait(limit)
    served.set()
    for thread in threads:
        thread.join()
    if not in_time:
        raise GuestError(f"no page within {limit} s")


def seconds_to_page(image):
    """From the boot loader's word to a page."""
    options = Options(image=image, port=free_port(), reboot=False)
    with Guest(options, "boot") as guest:
        guest.wait_for(peer.HANDOVER, BOOT_LIMIT)
        begin = time.monotonic()
        wait_for_page(options.port, BOOT_LIMIT)
        return time.monotonic() - begin


def boot_to_page(tessera, linux):
    ours, theirs = [], []
    for _ in range(BOOT_RUNS):
        ours.append(seconds_to_page(tessera))
        theirs.append(seconds_to_page(linux))
    return Measured(min(ours) / min(theirs), {"tessera": min(ours), "linux": min(theirs)})


def http_rate(linux):
    """Both guests are there all the time; one that is not asked is idle."""
    ours, theirs = [], []
    with web.serving() as (tessera, _), \
            Guest(Options(image=linux, port=free_port(), reboot=False), "linux") as other:
        wait_for_page(other.port, BOOT_LIMIT)
        for _ in range(RUNS):
            ours.append(load.wrk(tessera.port, "/page", CONNECTIONS, SECONDS))
            theirs.append(load.wrk(other.port, "/page", CONNECTIONS, SECONDS))
    return Measured(max(ours) / max(theirs), {"tessera": max(ours), "linux": max(theirs)})


def measure(wanted):
    found = {}
    try:
        with tempfile.TemporaryDirectory(prefix="tessera-bench-") as name:
            folder = pathlib.Path(name)
            with Step("a Linux guest to compare with"):
                linux, versions = peer.make(folder, web.PAGE)
            say("Linux: " + ", ".join(f"{package} {version}"
                                      for package, version in versions.items()))
            say(f"Linux: {peer.WORDS}")
            if "boot_to_page" in wanted:
                with Step("from GRUB to a page, beside Linux"):
                    found["boot_to_page"] = boot_to_page(tessera_image(folder), linux)
            if "http_rate" in wanted:
                with Step("requests a second, beside Linux"):
                    found["http_rate"] = http_rate(linux)
    except (CommandError, GuestError, OSError, subprocess.SubprocessError, StopIteration) as error:
        warn(f"Linux: {error}")
    return found
