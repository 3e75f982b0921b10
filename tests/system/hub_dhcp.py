# SPDX-License-Identifier: MIT
"""The DHCP server of the tests' network (RFC 2131): it answers as a test tells it to."""
import struct
from typing import NamedTuple

import frames

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK = 1, 2, 3, 4, 5, 6
SERVER = frames.address("10.0.2.2")
GUEST = frames.address("10.0.2.15")
COOKIE = bytes.fromhex("63825363")
END = b"\xff"
HEAD = 236 + len(COOKIE)


def option(number, data):
    return bytes([number, len(data)]) + data


class Message(NamedTuple):
    """What the guest sent."""
    kind: int
    transaction: bytes
    mac: bytes
    requested: bytes
    current: bytes


def read(data):
    options, at = {}, HEAD
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        options[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return Message(options[53][0], data[4:8], data[28:34], options.get(50, b""), data[12:16])


def parameters(lease=3600, mask="255.255.255.0"):
    """Options of an offer or acknowledgement beside its kind."""
    return (option(54, SERVER) + option(51, struct.pack(">I", lease)) +
            option(1, frames.address(mask)) + option(3, SERVER) + option(6, SERVER))


def reply(message, kind, address=GUEST, options=None, end=END):
    head = struct.pack(">BBBBIHH", 2, 1, 6, 0, 0, 0, 0)
    options = parameters() if options is None else options
    return (head[:4] + message.transaction + bytes(4) + bytes(4) + address + SERVER + bytes(4) +
            message.mac + bytes(10 + 64 + 128) + COOKIE + option(53, bytes([kind])) + options + end)


def good(message, address=GUEST):
    """What a server answers."""
    kind = {DISCOVER: OFFER, REQUEST: ACK}.get(message.kind)
    return [reply(message, kind, address)] if kind else []


class DhcpServer:
    def __init__(self, hub):
        self.hub = hub
        self.answers = good  # function of a Message: the replies
        self.seen = []       # Messages

    def take(self, data):
        message = read(data)
        self.seen.append(message)
        for answer in self.answers(message):
            self.send(answer)
            if answer[HEAD:HEAD + 3] == option(53, bytes([ACK])):
                self.hub.guest_ip4 = answer[16:20]

    def send(self, answer):
        everyone = b"\xff" * 4
        self.hub.send_packet(frames.ipv4(SERVER, everyone, frames.UDP, frames.udp(
            SERVER, everyone, (67, 68), answer)))
