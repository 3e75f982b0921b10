# SPDX-License-Identifier: MIT
"""`./tessera bench loss [--peer linux]`: one connection's file over lines that lose, delay, reorder and
double frames.

The line and the client are those of the tests (tests/system/hub.py, hub_tcp.py): a client in Python with
a window of 1 MiB and selective acknowledgements. With a peer the same file comes from nginx in a Linux
guest (peer.py), by turns, over a line whose numbers are drawn from the same seed.
"""
import contextlib
import pathlib
import random
import shutil
import sys
import tempfile
import time
from typing import NamedTuple

from .. import build
from ..console import CommandError, Step, say
from ..machine import Options
from ..testing.guest import Guest
from . import peer

sys.path.insert(0, str(build.ROOT / "tests" / "system"))
import hub as hubs  # noqa: E402
from hub_tcp import HubConnection  # noqa: E402

NAME = "loss"
SIZE = 4 << 20
WINDOW = 1 << 20
BOOT_LIMIT, FILE_LIMIT = 120, 300
RATIO_BAR, RATIO_GOAL, CLEAN_BAR, GAP_BAR = 0.6, 1.0, 0.9, 1.5
CLEAN = "20ms"  # the line where CLEAN_BAR holds


class Line(NamedTuple):
    name: str
    faults: dict
    size: int = SIZE


def lines():
    """Every loss at every round trip; a slow line's file is shorter."""
    found = []
    for trip in (0, 20, 100):
        for loss in (0, 0.1, 1, 3, 5):
            name = f"{trip}ms" + (f"-{loss}%" if loss else "")
            found.append(Line(name, {"delay": trip / 2000, "loss": loss / 100},
                              SIZE // 4 if trip == 100 and loss >= 1 else SIZE))
    return found + [
        Line("reorder", {"delay": 0.01, "held": 0.02, "hold": 0.01}),
        Line("double", {"delay": 0.01, "duplicates": 0.02}),
        Line("all", {"delay": 0.01, "held": 0.01, "hold": 0.01, "duplicates": 0.01, "loss": 0.01})]


class Result(NamedTuple):
    rate: float      # kB/s
    gap: float       # seconds, the longest
    repeated: int    # segments that were there already


class Host:
    """A guest behind a hub of its own; what the hub wants of a test's context is here."""

    def __init__(self, stack, name, folder, image, path, **options):
        self.name, self.path = name, path
        self.folder, self.on_end = folder, stack.callback
        self.hub = hubs.Hub(self)
        self.guest = stack.enter_context(
            Guest(Options(image=image, network=self.hub.words, reboot=False, **options), name))
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + BOOT_LIMIT
        self.hub.wait(lambda: self.hub.guest_mac, BOOT_LIMIT)
        while True:
            try:
                self.get(1, 3)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise CommandError(f"{self.name}: no page within {BOOT_LIMIT} s") from None
                time.sleep(0.2)

    def get(self, size, timeout):
        """Some bytes of the file; the connection's client, for its counts, and the seconds."""
        connection = HubConnection(self.hub, hubs.IP4, hubs.GUEST_IP4, timeout, window=WINDOW)
        begin = time.monotonic()
        client = connection.socket
        client.watch()
        connection.send(b"GET %s HTTP/1.1\r\nHost: bench\r\nRange: bytes=0-%d\r\n\r\n"
                        % (self.path, size - 1))
        try:
            _, _, body = connection.answer()
        finally:
            connection.close()
        if len(body) != size:
            raise CommandError(f"{self.name}: {len(body)} bytes of {size}")
        return client, time.monotonic() - begin

    def measure(self, line, seed):
        faults = hubs.Faults(random.Random(seed), spread=0, **line.faults)
        with self.hub.lock:
            self.hub.faults = faults
        try:
            client, seconds = self.get(line.size, FILE_LIMIT)
        finally:
            with self.hub.lock:
                self.hub.faults = None
        return Result(line.size / seconds / 1000, client.gap, client.repeated)


def our_host(stack, folder):
    (folder / "www").mkdir()
    (folder / "www" / "file").write_bytes(bytes(range(256)) * (SIZE // 256))
    build.pack_disk(folder / "www", folder / "disk")
    image = build.image("release", "iso-test")
    return Host(stack, "tessera", folder, image, b"/file", disk=folder / "disk")


def linux_host(stack, folder):
    with Step("a Linux guest to compare with"):
        image, versions = peer.make(folder, bytes(range(256)) * (SIZE // 256))
    say("Linux: " + ", ".join(f"{package} {version}" for package, version in versions.items()))
    return Host(stack, "linux", folder, image, b"/page")


def median(results):
    """The run in the middle by its rate, with the worst gap of all."""
    middle = sorted(results)[len(results) // 2]
    return middle._replace(gap=max(each.gap for each in results))


def show(line, found):
    words = [f"{line.name:12}"]
    for name, result in found.items():
        words.append(f"{name} {result.rate:7.0f} kB/s, gap {result.gap:5.2f} s, {result.repeated:4} twice")
    missed = found["tessera"].gap > GAP_BAR
    if "linux" in found:
        ratio = found["tessera"].rate / found["linux"].rate
        bar = CLEAN_BAR if line.name == CLEAN else RATIO_BAR
        missed = missed or ratio < bar
        words.append(f"{ratio:5.2f} of Linux")
    print("  ".join(words) + (" ✗" if missed else ""), flush=True)
    return not missed


def run(names, against, runs=3, seed=1):
    """Measures and prints; the exit status."""
    chosen = [line for line in lines() if not names or line.name in names]
    if unknown := set(names) - {line.name for line in chosen}:
        raise CommandError(f"no such line: {' '.join(sorted(unknown))}; "
                           f"there are {' '.join(line.name for line in lines())}")
    build.build("release", "iso-test")
    base = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
    good = True
    try:
        with contextlib.ExitStack() as stack:
            makers = (our_host, linux_host) if against == "linux" else (our_host,)
            hosts = []
            for maker in makers:
                folder = base / maker.__name__
                folder.mkdir()
                hosts.append(maker(stack, folder))
            for line in chosen:
                found = {host.name: [] for host in hosts}
                for number in range(runs):
                    for host in hosts:
                        found[host.name].append(host.measure(line, f"{seed}/{line.name}/{number}"))
                good &= show(line, {name: median(results) for name, results in found.items()})
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 0 if good else 1
