# SPDX-License-Identifier: MIT
"""Random reads from the disk: instructions a read, counted by a plugin.

bench/block reads a number of blocks and checks each. It is run for a number of reads and for twice
as many: what the second run needs more is what the reads need, whatever starting a program costs.
It needs the disk, so the image has a configuration in which the shell may use it.
"""
import contextlib
import pathlib
import re
import subprocess
import tempfile

from .. import build
from ..console import CommandError, Step, warn
from ..machine import Options
from ..testing.guest import Guest, GuestError
from . import profile
from .budget import Measured
from .plugin import CPU, Counter

ROWS = {"block_read_1", "block_read_32"}
READS = 4000
BLOCK = 4096
DISK_BLOCKS = 8192  # 32 MiB
LIMIT = 120


def disk_content():
    """Blocks that begin with their number, as bench/block.c expects."""
    return b"".join(number.to_bytes(8, "little") + bytes(BLOCK - 8)
                    for number in range(DISK_BLOCKS))


def image_with_disk(folder):
    """The test image, its shell with the handle "disks"."""
    configuration = build.init_conf()
    changed = re.sub(r"(?m)^service shell$", "\\g<0>\n    handle disks = class disk",
                     configuration)
    if changed == configuration:
        raise CommandError("iso/etc/init.conf: no service shell")
    (folder / "init.conf").write_text(changed)
    image = folder / "image.iso"
    build.special_image(image, test=True, entries=[f"etc/init.conf={folder / 'init.conf'}"])
    return image


@contextlib.contextmanager
def guest_with_disk(instrument):
    """A guest whose shell has a disk of numbered blocks, and instrument(folder), a plugin, on it."""
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as name:
        folder = pathlib.Path(name)
        www = folder / "www"
        www.mkdir()
        (www / "blocks").write_bytes(disk_content())
        build.pack_disk(www, folder / "disk")
        plugin = instrument(folder)
        options = Options(image=image_with_disk(folder), disk=folder / "disk", reboot=False, cpu=CPU,
                          extra=plugin.words)
        with Guest(options, "block") as guest:
            guest.wait_for_shell()
            yield guest, plugin


def read(guest, depth, count):
    output = guest.command(f"/bench/block {depth} {count}", LIMIT)
    if f"read {count} blocks" not in output:
        raise GuestError(f"bench/block: {output.strip()}")


def counted(guest, counter, depth, count):
    """Instructions that a run of the program takes."""
    before = counter.read()
    read(guest, depth, count)
    return counter.read() - before


def measure(wanted):
    found = {}
    try:
        with Step("the disk, counting instructions"), guest_with_disk(Counter) as (guest, counter):
            for depth in (1, 32):
                read(guest, depth, READS)  # to warm up
                more = counted(guest, counter, depth, 2 * READS) - \
                    counted(guest, counter, depth, READS)
                found[f"block_read_{depth}"] = Measured(
                    more.total / READS,
                    {"user": more.user / READS, "kernel": more.kernel / READS})
    except (GuestError, OSError, subprocess.SubprocessError) as error:
        warn(f"the disk: {error}")
    return {name: value for name, value in found.items() if name in wanted}


def profile_row(row):
    """Prints where the instructions of its reads go."""
    depth = int(row.rsplit("_", 1)[1])
    with guest_with_disk(profile.Profile) as (guest, plugin):
        read(guest, depth, READS)
        before = plugin.snapshot()
        read(guest, depth, READS)
        profile.report(before, plugin.snapshot(), READS)
