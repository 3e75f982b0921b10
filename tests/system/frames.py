# SPDX-License-Identifier: MIT
"""Ethernet frames made and read: ARP, IPv4, IPv6, ICMP, UDP, TCP. Addresses are bytes; their length
tells the version of IP. What a test wants wrong is passed as an argument or changed afterwards."""
import ipaddress
import struct
from typing import NamedTuple

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86dd
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
BROADCAST = b"\xff" * 6
FIN, SYN, RESET, PUSH, ACK = 1, 2, 4, 8, 16
ECHO, ECHO_REPLY, ECHO6, ECHO6_REPLY = 8, 0, 128, 129
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT = 133, 134, 135, 136


def address(text):
    return ipaddress.ip_address(text).packed


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ethernet(destination, source, kind, payload):
    return destination + source + struct.pack(">H", kind) + payload


def arp(operation, sender_mac, sender, target_mac, target):
    return struct.pack(">HHBBH", 1, IPV4, 6, 4, operation) + sender_mac + sender + target_mac + target


def ipv4(source, destination, protocol, payload, *, options=b"", identification=0, fragment=0,
         length=None, head_words=None, version=4, wrong=0):
    """fragment: flags and offset; wrong: is added to the checksum."""
    size = 20 + len(options)
    head = struct.pack(">BBHHHBBH", version << 4 | (head_words or size // 4), 0,
                       size + len(payload) if length is None else length, identification, fragment,
                       64, protocol, 0) + source + destination + options
    value = (checksum(head) + wrong) & 0xffff
    return head[:10] + struct.pack(">H", value) + head[12:] + payload


def ipv6(source, destination, protocol, payload, *, length=None, hops=64):
    size = len(payload) if length is None else length
    return struct.pack(">IHBB", 6 << 28, size, protocol, hops) + source + destination + payload


def packet(source, destination, protocol, payload, **more):
    return (ipv4 if len(source) == 4 else ipv6)(source, destination, protocol, payload, **more)


def summed(source, destination, protocol, payload, at, wrong=0):
    """The payload with its checksum, over the pseudo-header too, at an offset."""
    pseudo = source + destination + struct.pack(">II", len(payload), protocol)
    value = (checksum(pseudo + payload) + wrong) & 0xffff
    return payload[:at] + struct.pack(">H", value) + payload[at + 2:]


def udp(source, destination, ports, data, *, length=None, wrong=0):
    payload = struct.pack(">HHHH", *ports, len(data) + 8 if length is None else length, 0) + data
    return summed(source, destination, UDP, payload, 6, wrong)


def tcp(source, destination, ports, sequence, acknowledged, flags, *, window=65535, options=b"",
        data=b"", head_words=None, wrong=0):
    options += b"\0" * (-len(options) % 4)
    words = 5 + len(options) // 4 if head_words is None else head_words
    payload = struct.pack(">HHIIBBHHH", *ports, sequence & 0xffffffff, acknowledged & 0xffffffff,
                          words << 4, flags, window, 0, 0) + options + data
    return summed(source, destination, TCP, payload, 16, wrong)


def icmp(kind, rest, code=0, wrong=0):
    payload = struct.pack(">BBH", kind, code, 0) + rest
    value = (checksum(payload) + wrong) & 0xffff
    return payload[:2] + struct.pack(">H", value) + payload[4:]


def icmp6(source, destination, kind, rest, code=0, wrong=0):
    return summed(source, destination, ICMP6, struct.pack(">BBH", kind, code, 0) + rest, 2, wrong)


def echo(source, destination, number, data=b"", wrong=0):
    """An echo request of either version, as the payload of IP."""
    rest = struct.pack(">HH", 0x7e55, number) + data
    if len(source) == 4:
        return ICMP, icmp(ECHO, rest, wrong=wrong)
    return ICMP6, icmp6(source, destination, ECHO6, rest, wrong=wrong)


def link_local(mac):
    """The address that a card's own makes (RFC 4862, 4291 2.5.1)."""
    return address("fe80::")[:8] + interface_identifier(mac)


def interface_identifier(mac):
    return bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]


def multicast_mac(ip):
    return b"\x33\x33" + ip[12:]


class Packet(NamedTuple):
    """A packet of IP that was read."""
    source: bytes
    destination: bytes
    protocol: int
    payload: bytes
    identification: int = 0
    fragment: int = 0


def read(frame):
    """The packet in a frame, None if there is none; ValueError if what it says is wrong."""
    kind, = struct.unpack(">H", frame[12:14])
    data = frame[14:]
    if kind == IPV4:
        size = (data[0] & 15) * 4
        total, identification, fragment = struct.unpack(">HHH", data[2:8])
        if data[0] >> 4 != 4 or size < 20 or total > len(data) or checksum(data[:size]):
            raise ValueError(f"IPv4 header: {data[:size].hex()}")
        found = Packet(data[12:16], data[16:20], data[9], data[size:total], identification,
                       fragment & 0x3fff)
    elif kind == IPV6:
        size, protocol = struct.unpack(">HB", data[4:7])
        if data[0] >> 4 != 6 or size + 40 > len(data):
            raise ValueError(f"IPv6 header: {data[:40].hex()}")
        payload = data[40:40 + size]
        if protocol == 0:  # hop-by-hop options, as multicast listener reports have them
            protocol, payload = payload[0], payload[8 + payload[1] * 8:]
        found = Packet(data[8:24], data[24:40], protocol, payload)
    else:
        return None
    if not found.fragment:
        verify(found)
    return found


def verify(found):
    data = found.payload
    pseudo = found.source + found.destination + struct.pack(">II", len(data), found.protocol)
    if found.protocol == ICMP:
        good = checksum(data) == 0
    elif found.protocol == UDP and data[6:8] == b"\0\0":
        good = len(found.source) == 4
    else:
        good = found.protocol not in (TCP, UDP, ICMP6) or checksum(pseudo + data) == 0
    if not good:
        raise ValueError(f"checksum of protocol {found.protocol}: {data[:40].hex()}")
