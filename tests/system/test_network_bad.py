# SPDX-License-Identifier: MIT
"""What a hostile network sends: it is not answered, ends nothing, and pages are served afterwards."""
import re
import struct
import time

import frames
import hub_dhcp
from frames import ACK, FIN, ICMP, ICMP6, RESET, SYN, TCP, UDP
from hub import GUEST_IP4, IP4, IP6, IP6_LOCAL, MAC
from hub_tcp import HubConnection
from test_http import HOST
from test_network import OTHER_IP4, Network

OUTSIDE = frames.address("198.51.100.0")
FLOOD = 5000


def random_address(random):
    return OUTSIDE[:2] + random.randbytes(2)


class Hostile(Network):
    def settled(self):
        """What was sent so far was taken in: an echo comes after it."""
        hub = self.hub
        self.ctx.check(any(hub.ping(IP4, GUEST_IP4, number, timeout=2) for number in range(10)),
                       "no echo afterwards")

    def answers(self, packet):
        """What the guest sends after a packet, but echo replies and neighbour discovery."""
        found = []
        mark = frames.echo(IP4, GUEST_IP4, 0x4d4d)

        def take(answer):
            if answer.protocol in (TCP, UDP, ICMP) or answer.payload[0] < frames.ROUTER_SOLICITATION:
                found.append(answer)
        with self.hub.subscribed(take):
            self.hub.send_packet(packet)
            self.hub.send_packet(frames.ipv4(IP4, GUEST_IP4, *mark))
            self.ctx.check(self.hub.wait(lambda: any(b"\x7e\x55\x4d\x4d" in answer.payload[:8]
                                                     for answer in found), 20), "no echo")
        return [answer for answer in found if answer.payload[4:8] != b"\x7e\x55\x4d\x4d"]

    def check_served(self):
        """Both versions of IP, and nothing has ended."""
        self.ctx.check(b"Tessera" in self.page(), "the page")
        self.ctx.check(b"Tessera" in self.page(IP6_LOCAL, self.addresses6()[0]), "the page by IPv6")
        self.guest.wait_for_shell()
        self.check_well()

    def check_told(self, pattern):
        """netd has said it, once."""
        found = re.findall(pattern, self.guest.command("log"))
        self.ctx.equal(len(found), 1, f"lines of {pattern!r} in the log")


def hostile(ctx, **options):
    network = Hostile(ctx, **options)
    network.wait_for_page()
    return network


def syn(source, destination, number, **wrong):
    return frames.tcp(source, destination, (30000 + number % 30000, 80), number * 7919, 0, SYN, **wrong)


def wrong_packets(guest6):
    """Packets that no host answers, by name."""
    kind, echo = frames.echo(IP4, GUEST_IP4, 1, b"data")
    _, spoiled = frames.echo(IP4, GUEST_IP4, 1, b"data", wrong=1)
    _, echo6 = frames.echo(IP6, guest6, 1, b"data")
    _, spoiled6 = frames.echo(IP6, guest6, 1, b"data", wrong=1)

    def four(payload=echo, protocol=ICMP, source=IP4, destination=GUEST_IP4, **wrong):
        return frames.ipv4(source, destination, protocol, payload, **wrong)
    return {
        "IP checksum": four(wrong=1), "ICMP checksum": four(spoiled), "version": four(version=5),
        "short header": four(head_words=4), "header beyond the packet": four(head_words=15),
        "length beyond the frame": four(length=900), "length below the header": four(length=19),
        "length of nothing": four(length=0), "echo without a head": four(echo[:4]),
        "source of a group": four(source=frames.address("224.0.0.9")),
        "source of all": four(source=b"\xff" * 4),
        "to all": four(destination=frames.address("10.0.2.255")),
        "UDP checksum": four(frames.udp(IP4, GUEST_IP4, (9, 9), b"data", wrong=1), UDP),
        "UDP length beyond": four(frames.udp(IP4, GUEST_IP4, (9, 9), b"data", length=99), UDP),
        "UDP length below": four(frames.udp(IP4, GUEST_IP4, (9, 9), b"data", length=7), UDP),
        "TCP checksum": four(syn(IP4, GUEST_IP4, 1, wrong=1), TCP),
        "short TCP header": four(syn(IP4, GUEST_IP4, 2, head_words=4), TCP),
        "TCP header beyond": four(syn(IP4, GUEST_IP4, 3, head_words=15), TCP),
        "TCP cut short": four(syn(IP4, GUEST_IP4, 4)[:18], TCP),
        "reset for nobody": four(frames.tcp(IP4, GUEST_IP4, (5, 80), 1, 1, RESET), TCP),
        "ICMPv6 checksum": frames.ipv6(IP6, guest6, ICMP6, spoiled6),
        "IPv6 length beyond": frames.ipv6(IP6, guest6, ICMP6, echo6, length=900),
        "TCP checksum, IPv6": frames.ipv6(IP6, guest6, TCP, syn(IP6, guest6, 1, wrong=1)),
    }


def test_wrong_packets(ctx, **options):
    """Wrong checksums, lengths and addresses are not answered; what is merely unusual is."""
    network = hostile(ctx, **options)
    hub, guest6 = network.hub, network.addresses6()[1]
    network.wait_for_address6(IP6, guest6)
    ctx.check(hub.ping(IP6, guest6, 1), "IPv6")
    good = frames.ipv4(IP4, GUEST_IP4, UDP, frames.udp(IP4, GUEST_IP4, (9, 9), b"data"))
    ctx.equal([answer.payload[:2] for answer in network.answers(good)], [b"\x03\x03"], "a closed port")
    good = frames.ipv4(IP4, GUEST_IP4, TCP, syn(IP4, GUEST_IP4, 5))
    ctx.equal([answer.payload[13] for answer in network.answers(good)], [SYN | ACK], "a good SYN")
    for name, packet in wrong_packets(guest6).items():
        found = network.answers(packet)
        ctx.check(not found, f"{name}: is answered with {found}")
    for name, options in (("no operation", b"\x01" * 8), ("record route", b"\x07\x07\x04" + bytes(5)),
                          ("end", bytes(4)), ("length 0", b"\x07\0\0\0")):
        ctx.check(hub.ping(IP4, GUEST_IP4, 3, build=lambda protocol, payload, options=options: [
            frames.ipv4(IP4, GUEST_IP4, protocol, payload, options=options)]), f"IP options: {name}")
    network.check_served()


# ---- Fragments

def fragments(protocol, payload, identification, size=800):
    """A packet in fragments, in order."""
    pieces = [payload[at:at + size] for at in range(0, len(payload), size)]
    return [frames.ipv4(IP4, GUEST_IP4, protocol, piece, identification=identification,
                        fragment=at * size // 8 | (0x2000 if at + 1 < len(pieces) else 0))
            for at, piece in enumerate(pieces)]


def test_fragments(ctx):
    """Fragments in any order are put together, those that overlap or never end are forgotten."""
    network = hostile(ctx)
    hub, random = network.hub, ctx.random

    def shuffled(protocol, payload):
        whole = fragments(protocol, payload, random.randrange(65536))
        random.shuffle(whole)
        return whole
    for number in range(20):
        data = random.randbytes(random.randrange(801, 4000))
        ctx.check(hub.ping(IP4, GUEST_IP4, number, data, build=shuffled), f"{len(data)} bytes")
    for number in range(1500):  # more than reassembly holds, and never whole
        _, payload = frames.echo(IP4, GUEST_IP4, number, bytes(2400))
        pieces = fragments(ICMP, payload, number)
        hub.send_packet(random.choice(pieces))
        if number % 3 == 0:
            at, length = random.randrange(0, 8192), random.randrange(0, 1400)
            hub.send_packet(frames.ipv4(IP4, GUEST_IP4, ICMP, random.randbytes(length), fragment=at |
                                        random.choice((0, 0x2000)), identification=number))
    network.settled()
    ctx.check(hub.ping(IP4, GUEST_IP4, 99, bytes(3000), build=shuffled), "after the flood")

    def overlapping(protocol, payload):
        first, second, third = fragments(protocol, payload, 7)
        teardrop = frames.ipv4(IP4, GUEST_IP4, protocol, b"\xee" * 640, identification=7,
                               fragment=0x2000 | 60)
        return [first, teardrop, second, third]
    found = []
    with hub.subscribed(lambda packet: found.append(packet.payload)):
        hub.ping(IP4, GUEST_IP4, 98, bytes(2000), timeout=0.5, build=overlapping)
    ctx.check(not any(b"\xee" * 8 in payload for payload in found), "what overlaps was put in")
    network.check_served()


# ---- TCP

ABSURD_OPTIONS = (b"\x02\0\0\0", b"\x02\x01\0\0", b"\x02\x04\0\0", b"\x02\x04\0\x01", b"\x02\x04\xff\xff",
                  b"\x03\x03\xff\0", b"\x03\xff\x01\0", b"\x05\x02\0\0", b"\x08\x0a\0\0", b"\xff" * 40,
                  b"\x01" * 40, b"\x05\x22" + b"\xff" * 32, b"\x02\x04\x05\xb4" * 10, b"\0\x02\x04\0")


def test_tcp_abuse(ctx):
    """Absurd options and segments that are none of the connection's: it goes on."""
    network = hostile(ctx)
    hub = network.hub
    for number, options in enumerate(ABSURD_OPTIONS):
        packet = syn(IP4, GUEST_IP4, 100 + number, options=options)
        network.answers(frames.ipv4(IP4, GUEST_IP4, TCP, packet))
    connection = HubConnection(hub, IP4, GUEST_IP4)
    client = connection.socket

    def request():
        connection.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        ctx.equal(connection.answer()[0], 200, "status")
    request()
    with hub.lock:  # nothing of the client's own is on its way meanwhile
        expected, sent = client.expected, client.next
        for flags, sequence, acknowledged, data in (
                (RESET, sent + 1, 0, b""), (RESET, sent - 1, 0, b""), (RESET | ACK, sent + 9000, 0, b""),
                (SYN, sent, 0, b""), (SYN | ACK, sent + 5, expected, b""), (0, sent, 0, b"x"),
                (ACK, sent, expected + 100000, b"x"), (ACK, sent + 1 << 20, expected, b"x" * 1000),
                (ACK, sent - 3000, expected, b"y" * 1000), (FIN | ACK, sent + 70000, expected, b""),
                (FIN | SYN | RESET | ACK | 0xe0, sent + 100, expected, b"z")):
            for options in (b"", *ABSURD_OPTIONS):
                client.hub.send_packet(frames.ipv4(IP4, GUEST_IP4, TCP, frames.tcp(
                    IP4, GUEST_IP4, client.port, sequence, acknowledged, flags, options=options,
                    data=data)))
    network.settled()
    request()
    connection.close()
    network.check_served()


def test_floods(ctx, **options):
    """5,000 connections that are never completed, and as many ARP packets: the next is served."""
    network = hostile(ctx, **options)
    hub, random = network.hub, ctx.random
    for number in range(FLOOD):
        source = random_address(random)
        hub.send_packet(frames.ipv4(source, GUEST_IP4, TCP, syn(source, GUEST_IP4, number)))
    begin = time.monotonic()
    network.page()
    seconds = time.monotonic() - begin
    ctx.note(f"the page {seconds:.2f} s after the SYNs")
    ctx.check(seconds < 3, f"the page took {seconds:.1f} s after the SYNs")
    for number in range(FLOOD):
        mac, sender = b"\x02" + random.randbytes(5), IP4[:3] + random.randbytes(1)
        target = random.choice((GUEST_IP4, GUEST_IP4, sender))
        if sender not in (IP4, GUEST_IP4):
            hub.send(frames.ethernet(random.choice((hub.guest_mac, frames.BROADCAST)), mac, frames.ARP,
                                     frames.arp(random.choice((1, 2)), mac, sender, bytes(6), target)))
    network.check_served()
    network.check_told(r"netd: port 80: more connections begin than are completed")


# ---- Anything


test_floods.alone = True


def seeds(network):
    """Good frames of each kind, to be spoiled."""
    guest6, local6 = network.addresses6()[::-1]
    mac = network.hub.guest_mac
    v4 = [frames.ipv4(IP4, GUEST_IP4, *frames.echo(IP4, GUEST_IP4, 1, bytes(80))),
          frames.ipv4(IP4, GUEST_IP4, UDP, frames.udp(IP4, GUEST_IP4, (53, 68), bytes(300))),
          frames.ipv4(IP4, GUEST_IP4, TCP, syn(IP4, GUEST_IP4, 7, options=b"\x02\x04\x05\xb4\x03\x03\x07\0")),
          *fragments(ICMP, bytes(1200), 5, 400)]
    v4.append(frames.ipv4(IP4, GUEST_IP4, ICMP, frames.icmp(3, bytes(4) + v4[2])))
    solicitation = frames.icmp6(IP6_LOCAL, local6, frames.SOLICITATION, bytes(4) + local6 + b"\1\1" + MAC)
    advertisement = frames.icmp6(IP6_LOCAL, local6, frames.ROUTER_ADVERTISEMENT, bytes(12) + b"\1\1" + MAC +
                                 b"\5\1\0\0\0\0\5\xdc" + b"\3\4\x40\xc0" + b"\0\0\xff\xff" * 3 + IP6)
    v6 = [frames.ipv6(IP6, guest6, *frames.echo(IP6, guest6, 1, bytes(80))),
          frames.ipv6(IP6, guest6, TCP, syn(IP6, guest6, 7)),
          frames.ipv6(IP6, guest6, 44, b"\x3a\0\0\1\0\0\0\1" + bytes(64)),
          frames.ipv6(IP6, guest6, 0, b"\x3a\0\1\4\0\0\0\0" + bytes(64)),
          frames.ipv6(IP6, guest6, 43, b"\x3a\2\0\1" + bytes(84)),
          frames.ipv6(IP6_LOCAL, local6, ICMP6, solicitation, hops=255),
          frames.ipv6(IP6_LOCAL, local6, ICMP6, advertisement, hops=255)]
    return ([frames.ethernet(mac, MAC, frames.IPV4, packet) for packet in v4] +
            [frames.ethernet(mac, MAC, frames.IPV6, packet) for packet in v6] +
            [frames.ethernet(mac, MAC, frames.ARP, frames.arp(1, MAC, IP4, bytes(6), GUEST_IP4))])


def summed_again(frame):
    """With right checksums of IP and what is in it, as far as it can be told."""
    try:
        if frame[12:14] == b"\x08\0" and len(frame) >= 34:
            frame = frame[:24] + b"\0\0" + frame[26:]
            size = max((frame[14] & 15) * 4, 20)
            frame = frame[:24] + struct.pack(">H", frames.checksum(frame[14:14 + size])) + frame[26:]
            at, body = 14 + size, frame[14 + size:]
            ends = frame[26:30], frame[30:34], frame[23]
        else:
            at, body = 54, frame[54:]
            ends = frame[22:38], frame[38:54], frame[20]
        place = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}[ends[2]]
        body = body[:place] + b"\0\0" + body[place + 2:]
        if ends[2] == ICMP:
            return frame[:at + 2] + struct.pack(">H", frames.checksum(body)) + body[4:]
        return frame[:at] + frames.summed(*ends, body, place)
    except (KeyError, IndexError):
        return frame


def spoiled(random, frame):
    frame = bytearray(frame)
    for _ in range(random.choice((1, 1, 2, 4))):
        frame[random.randrange(12, len(frame))] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randrange(256)))
    frame = bytes(frame)
    if random.random() < 0.3:
        frame = frame[:random.randrange(1, len(frame))]  # QEMU stops at an empty one
    elif random.random() < 0.2:
        frame += random.randbytes(random.choice((1, 46, 1000, 1500)))
    return summed_again(frame) if random.random() < 0.7 else frame


def test_spoiled_frames(ctx, **options):
    """Frames of no length, of too much, of noise, and good ones with bytes changed."""
    network = hostile(ctx, **options)
    hub, random = network.hub, ctx.random
    good = seeds(network)
    for size in (*range(1, 64), 1513, 1514, 1515, 1518, 2000, 2035, 2036, 2037, 2048, 4096, 9000, 65535):
        hub.send(random.randbytes(size))
        hub.send((good[0][:14] + b"\x45\0" + struct.pack(">H", min(size, 65535)) + good[0][18:] +
                  bytes(65535))[:size])
    for number in range(30000):
        if number % 6 == 0:
            hub.send(good[0][:12] + random.choice((b"\x08\0", b"\x86\xdd", b"\x08\x06", b"\x81\0")) +
                     random.randbytes(random.randrange(120)))
        else:
            hub.send(spoiled(random, random.choice(good)))
        if number % 500 == 0:
            network.settled()
    hub.advertise_router(options=b"\3\0" + bytes(30))  # an option without end
    hub.advertise_router(options=b"\5\1\0\0\0\0\0\1")  # an MTU of 1
    hub.advertise_router()
    network.settled()
    network.check_served()


# ---- DHCP

WRONG = frames.address("10.0.2.99")


def junk(random, message, kind):
    """Replies that say nothing good, all with another address."""
    whole = hub_dhcp.reply(message, kind, WRONG)
    yield from (whole[:size] for size in (0, 1, 43, 44, 200, 235, 236, 239, 240, 241, 242, 250, 260))
    yield from (whole[:-1], bytes(4) + whole[4:], whole[:28] + b"\1\2\3\4\5\6" + whole[34:],
                whole[:4] + b"\0\0\0\0" + whole[8:])
    for options in (b"\x36\0", b"\x36\xff", b"\x33\3abc", b"\1\1\0", b"\3\1a", b"\6\3abc", b"\x34\1\3",
                    b"\x34\2\3\3", b"\x36\4", bytes(400) + b"\x36\xfe"):
        yield hub_dhcp.reply(message, kind, WRONG, options, end=b"")
    for _ in range(100):
        yield hub_dhcp.reply(message, kind, WRONG, b"\x01" + random.randbytes(random.randrange(300)), b"")


def impossible(message, kind):
    """Well-formed replies that cannot be meant."""
    for text in ("0.0.0.0", "255.255.255.255", "224.0.0.1", "127.0.0.1"):
        yield hub_dhcp.reply(message, kind, frames.address(text))
    yield hub_dhcp.reply(message, kind, WRONG, hub_dhcp.parameters(lease=0))
    yield hub_dhcp.reply(message, kind, WRONG, hub_dhcp.parameters(mask="255.0.255.0"))


def test_dhcp(ctx):
    """Junk, no address, a lease of nothing, a refusal: then the good one is taken, and another one
    after the link was down."""
    asked = []

    def answers(message):
        asked.append(message)
        kind = {hub_dhcp.DISCOVER: hub_dhcp.OFFER}.get(message.kind, hub_dhcp.ACK)
        bad = list(junk(ctx.random, message, kind)) + list(impossible(message, kind))
        if len(asked) in (2, 5):  # the first request, and that of the same address again
            return bad + [hub_dhcp.reply(message, hub_dhcp.NAK, bytes(4))]
        return bad + hub_dhcp.good(message, GUEST_IP4 if len(asked) < 5 else OTHER_IP4)
    network = Hostile(ctx, answers)
    discover, request = (hub_dhcp.DISCOVER, b""), (hub_dhcp.REQUEST, GUEST_IP4)
    for count, wanted, taken in ((4, [discover, request] * 2, GUEST_IP4),
                                 (7, [request, discover, (hub_dhcp.REQUEST, OTHER_IP4)], OTHER_IP4)):
        ctx.check(network.hub.wait(lambda count=count: len(asked) >= count, 30), f"it asked {asked}")
        ctx.equal([(message.kind, message.requested) for message in asked[count - len(wanted):count]],
                  wanted, "what it asked")
        network.hub.guest_ip4 = taken
        ctx.check(b"Tessera" in network.wait_for_page(), "the page")
        if count == 4:
            network.guest.qmp("set_link", name="net", up=False)
            network.guest.drain(0.3)
            network.guest.qmp("set_link", name="net", up=True)
    network.check_served()
    network.check_told(r"netd: DHCP server 10.0.2.2 gives 0.0.0.0: no address of a host, ignored")
