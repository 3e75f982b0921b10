# SPDX-License-Identifier: MIT
"""The web server: instructions a request, counted by a plugin, and requests a second, without.

The server serves a disk, as `./tessera run --www` does, with the access log on. Instructions are
the mean of a fixed number of requests on connections that are kept; an idle guest executes none.
"""
import contextlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from .. import build
from ..console import CommandError, Step, warn
from ..machine import Options, free_port
from ..testing.guest import Guest, GuestError
from . import load, profile
from .budget import Measured
from .plugin import CPU, Counter

PAGE = b"x" * 1024
FILE = bytes(range(256)) * (64 << 10)  # 16 MiB
CACHED = 2 << 20  # bytes of a file that stay in the file server's memory
WARM_UP, REQUESTS = 1000, 4000
DRIFT_REQUESTS, DRIFT_CONNECTIONS = 100_000, 16
WRK_SECONDS, WRK_RUNS = 10, 3
HELD_SECONDS, HELD_RUNS, HELD_CONNECTIONS = 3, 10, 16
CARD_CONNECTIONS = 64
SERVE_LIMIT = 60

card = "virtio"  # the network card: of machine.CARDS

COUNTED = {"http_1", "http_64", "http_byte", "http_drift"}
TIMED = {"requests_1", "requests_16", "requests_64", "file_rate"}
HELD = {"iommu_rate"}
CARDS = {"e1000_rate": "e1000", "e1000e_rate": "e1000e"}
ROWS = COUNTED | TIMED | HELD | set(CARDS)


@contextlib.contextmanager
def serving(instrument=None, **machine):
    """A guest that serves /page and /file, and the plugin instrument(folder) on it, if there is one."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
    try:
        www = folder / "www"
        www.mkdir()
        (www / "page").write_bytes(PAGE)
        (www / "file").write_bytes(FILE)
        build.pack_disk(www, folder / "disk")
        plugin = instrument(folder) if instrument else None
        options = Options(image=build.image("release", "iso-test"), port=free_port(),
                          reboot=False, disk=folder / "disk", cpu=CPU if plugin else "",
                          extra=plugin.words if plugin else (), **{"nic": card, **machine})
        with Guest(options, "http") as guest:
            status, _, body = guest.wait_for_page("/page", SERVE_LIMIT)
            if status != 200 or body != PAGE:
                raise GuestError(f"GET /page: status {status}")
            yield guest, plugin
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def get_file(guest):
    status, _, body = guest.get("/file", timeout=120)
    if status != 200 or body != FILE:
        raise GuestError(f"GET /file: status {status}, {len(body)} bytes")


def get_part(guest):
    status, _, body = guest.get("/file", headers={"Range": f"bytes=0-{CACHED - 1}"}, timeout=60)
    if status != 206 or body != FILE[:CACHED]:
        raise GuestError(f"GET a part of /file: status {status}, {len(body)} bytes")


def kernel_counts(guest):
    """The kernel's counts, by bench/counts."""
    return {name: int(value) for name, value in
            re.findall(r"^count (\w+) (\d+)\s*$", guest.command("/bench/counts"), re.M)}


def counted_requests(guest, counter, connections):
    with load.Client(guest.port, "/page", PAGE, connections) as client:
        client.ask(WARM_UP)
        before = counter.read()
        client.ask(REQUESTS)
        spent = counter.read() - before
    return Measured(spent.total / REQUESTS,
                    {"user": spent.user / REQUESTS, "kernel": spent.kernel / REQUESTS})


def counted_file(guest, counter):
    """All of the file, whose pages come from the disk; and how often a byte whose pages are there is
    copied on its way out."""
    get_file(guest)
    before = counter.read()
    get_file(guest)
    spent = counter.read() - before
    get_part(guest)
    counts = kernel_counts(guest)
    get_part(guest)
    copied = kernel_counts(guest)["bytes_copied"] - counts["bytes_copied"]
    return Measured(spent.total / len(FILE), {"copied": copied / CACHED})


def thousand(client, counter):
    """Instructions a request of the next 1,000, which come one by one, as what several cost depends
    on how many happen to be dealt with together: the median of ten times 100."""
    spent = []
    for _ in range(10):
        before = counter.read()
        client.ask(100, connections=1)
        spent.append((counter.read() - before).total / 100)
    return statistics.median(spent)


def counted_drift(guest, counter):
    """How much more the last 1,000 of many requests cost than the second 1,000, in per cent."""
    with load.Client(guest.port, "/page", PAGE, DRIFT_CONNECTIONS) as client:
        client.ask(1000)
        second = thousand(client, counter)
        client.ask(DRIFT_REQUESTS - 3000)
        last = thousand(client, counter)
    return Measured(100 * (last - second) / second, {"second": second, "last": last})


def measure_counted(wanted, found):
    with Step("the web server, counting instructions"), serving(Counter) as (guest, counter):
        guest.wait_for_shell()
        for connections in (1, 64):
            if (row := f"http_{connections}") in wanted:
                found[row] = counted_requests(guest, counter, connections)
        if "http_byte" in wanted:
            found["http_byte"] = counted_file(guest, counter)
        if "http_drift" in wanted:
            with Step(f"{DRIFT_REQUESTS:,} requests"):
                found["http_drift"] = counted_drift(guest, counter)


def file_rate(guest):
    begin = time.monotonic()
    get_file(guest)
    return len(FILE) / (time.monotonic() - begin) / 1e6


def measure_timed(wanted, found):
    with Step("the web server, by the clock"), serving() as (guest, _):
        for connections in (1, 16, 64):
            if (row := f"requests_{connections}") in wanted:
                rates = [load.wrk(guest.port, "/page", connections, WRK_SECONDS)
                         for _ in range(WRK_RUNS)]
                found[row] = Measured(max(rates), {"least": min(rates)})
        if "file_rate" in wanted:
            rates = [file_rate(guest) for _ in range(WRK_RUNS)]
            found["file_rate"] = Measured(max(rates), {"least": min(rates)})


def emulator_seconds(guest):
    """Processor time that a guest's emulator has used."""
    stat = pathlib.Path(f"/proc/{guest.machine.process.pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def by_turns(guests, connections):
    """Of each guest: requests a second, and the emulator's processor time for one, the best of all
    its turns, which is what a host with nothing else to do would show."""
    rates, costs = [0] * len(guests), [float("inf")] * len(guests)
    for _ in range(HELD_RUNS):
        for which, guest in enumerate(guests):
            begin = emulator_seconds(guest)
            rate = load.wrk(guest.port, "/page", connections, HELD_SECONDS)
            cost = (emulator_seconds(guest) - begin) / (rate * HELD_SECONDS)
            rates[which], costs[which] = max(rates[which], rate), min(costs[which], cost)
    return rates, costs


def measure_held(_, found):
    """By processor time: rates on a host with other work are too far apart for this bar."""
    with Step("the web server, with an IOMMU and without"), \
            serving(iommu="intel") as (held, _), serving() as (free, _):
        rates, costs = by_turns((held, free), HELD_CONNECTIONS)
    found["iommu_rate"] = Measured(costs[1] / costs[0], {"held": rates[0], "free": rates[1]})


def measure_cards(wanted, found):
    """By the clock, as a chip that makes the driver wait costs no processor time."""
    rows = sorted(wanted & set(CARDS))
    with Step("the web server, by each network card"), contextlib.ExitStack() as stack:
        guests = [stack.enter_context(serving(nic=nic))[0]
                  for nic in ("virtio", *(CARDS[row] for row in rows))]
        rates, costs = by_turns(guests, CARD_CONNECTIONS)
    for which, row in enumerate(rows, 1):
        found[row] = Measured(rates[which] / rates[0],
                              {"card": rates[which], "virtio": rates[0],
                               "by processor time": costs[0] / costs[which]})


def measure(wanted):
    found = {}
    for rows, part in ((COUNTED, measure_counted), (TIMED, measure_timed), (HELD, measure_held),
                       (set(CARDS), measure_cards)):
        if not wanted & rows:
            continue
        try:
            part(wanted, found)
        except (GuestError, load.LoadError, CommandError, OSError, subprocess.SubprocessError,
                KeyError) as error:
            warn(f"the web server: {error}")
    return found


def profile_row(row):
    """Prints where the instructions of its requests go (of http_byte: of a file)."""
    connections = {"http_1": 1, "http_64": 64, "http_byte": 0}.get(row)
    if connections is None:
        raise CommandError(f"{row}: not counted in instructions")
    with serving(profile.Profile) as (guest, plugin):
        if connections == 0:
            get_file(guest)
            before = plugin.snapshot()
            get_file(guest)
            profile.report(before, plugin.snapshot(), 1)
            return
        with load.Client(guest.port, "/page", PAGE, connections) as client:
            client.ask(WARM_UP)
            before = plugin.snapshot()
            client.ask(REQUESTS)
            profile.report(before, plugin.snapshot(), REQUESTS)
