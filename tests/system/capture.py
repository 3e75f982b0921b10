# SPDX-License-Identifier: MIT
"""What passes over a guest's network card, as QEMU's filter-dump writes it (pcap, Ethernet)."""
import contextlib
import struct
from typing import NamedTuple

FIN, SYN, RESET = 1, 2, 4
FRAME_HEAD = 64  # bytes of each frame that are kept


class Segment(NamedTuple):
    """A TCP segment over IPv4."""
    source: int  # ports
    destination: int
    flags: int


@contextlib.contextmanager
def captured(guest, path):
    """Frames go to the file meanwhile."""
    guest.qmp("object-add", **{"qom-type": "filter-dump", "id": "dump", "netdev": "net",
                               "file": str(path), "maxlen": FRAME_HEAD})
    try:
        yield
    finally:
        guest.qmp("object-del", id="dump")


def segments(path):
    """The TCP segments in the file."""
    with open(path, "rb") as file:
        file.seek(24)  # the file's own head
        while len(head := file.read(16)) == 16:
            frame = file.read(struct.unpack("<IIII", head)[2])
            if len(frame) < 34 or frame[12:14] != b"\x08\x00" or frame[23] != 6:
                continue
            at = 14 + (frame[14] & 15) * 4
            if len(frame) >= at + 14:
                yield Segment(*struct.unpack(">HH", frame[at:at + 4]), frame[at + 13])
