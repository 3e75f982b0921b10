# SPDX-License-Identifier: MIT
"""A network of the tests' own: the other end of a guest's network card.

QEMU gives each frame to a Unix socket, with its length before it. A thread reads them, and is a host
at 10.0.2.2, fe80::2 and 2001:db8:1::2: it answers ARP and neighbour solicitations, advertises a
router, has a DHCP server (hub_dhcp.py), and gives packets to all subscribers (hub_tcp.py).
Everything happens under one lock, which `wait` releases.

`faults` decides what becomes of each frame on its way, in either direction: the drawn numbers repeat
with the seed, what they meet depends on time.
"""
import contextlib
import heapq
import itertools
import select
import socket
import struct
import threading
import time

import frames
from hub_dhcp import DhcpServer

MAC = bytes.fromhex("52550a000202")
IP4 = frames.address("10.0.2.2")
IP6_LOCAL = frames.address("fe80::2")
PREFIX = frames.address("2001:db8:1::")
IP6 = frames.address("2001:db8:1::2")
GUEST_IP4 = frames.address("10.0.2.15")
PATIENCE = 20  # seconds for an answer


class Faults:
    """Chances of a frame to be lost, sent twice, or held so that later ones overtake it."""

    def __init__(self, random, loss=0.0, duplicates=0.0, held=0.0, delay=0.0, hold=0.02, spread=1.0):
        """delay: seconds in the mean; spread: how much of them is drawn (0: frames stay in order)."""
        self.random = random
        self.loss, self.duplicates, self.held = loss, duplicates, held
        self.delay, self.hold, self.spread = delay, hold, spread
        self.counts = {"frames": 0, "lost": 0, "doubled": 0, "held": 0}

    def times(self):
        """After how many seconds the frame arrives, each time."""
        draw = self.random.random
        lost, doubled, held = (draw() < chance for chance in
                               (self.loss, self.duplicates, self.held))
        for name, happens in (("frames", True), ("lost", lost), ("doubled", doubled),
                              ("held", held)):
            self.counts[name] += happens
        if lost:
            return []
        after = self.delay * (1 + self.spread * (draw() - 0.5)) + (self.hold * draw() if held else 0)
        return [after, after + self.hold * draw()] if doubled else [after]


class Hub:
    """Boot the guest with network=hub.words. `lock` guards all that is here."""

    def __init__(self, ctx):
        self.lock = threading.Condition(threading.RLock())
        self.faults = None
        self.guest_mac = None
        self.guest_ip4 = None   # by DHCP
        self.claimed = set()    # IPv6 addresses that the guest asked about before taking them
        self.wrong = []         # what the guest sent that no host should
        self.subscribers = []   # functions of a Packet
        self.arp_replies = []   # (MAC, address)
        self.dhcp = DhcpServer(self)
        self.advertise = True
        self._order = itertools.count()
        self._timers = []
        self._ended = False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(ctx.folder / "hub"))
        self._listener.listen(1)
        self._socket = None
        self._wake, self._woken = socket.socketpair()
        self.words = ("-netdev", f"stream,id=net,server=off,addr.type=unix,addr.path={ctx.folder}/hub")
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        ctx.on_end(self.close)

    def close(self):
        with self.lock:
            self._ended = True
        self._wake.send(b"x")
        self._thread.join(5)
        for each in (self._listener, self._socket, self._wake, self._woken):
            if each is not None:
                each.close()

    # ---- Time

    def after(self, seconds, function, *arguments):
        with self.lock:
            heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), function,
                                          arguments))
        if threading.current_thread() is not self._thread:
            self._wake.send(b"x")

    def wait(self, condition, timeout):
        """Whether the condition comes true in time."""
        with self.lock:
            return self.lock.wait_for(condition, timeout)

    def _run(self):
        data = bytearray()
        while not self._ended:
            with self.lock:
                left = self._timers[0][0] - time.monotonic() if self._timers else 1
            source = self._socket or self._listener
            ready, _, _ = select.select([source, self._woken], [], [], max(left, 0))
            if self._woken in ready:
                self._woken.recv(4096)
            with self.lock:
                if source in ready and not self._take(data):
                    return
                while self._timers and self._timers[0][0] <= time.monotonic():
                    _, _, function, arguments = heapq.heappop(self._timers)
                    function(*arguments)
                self.lock.notify_all()

    def _take(self, data):
        """Takes in what the guest sent. False: it is gone."""
        if self._socket is None:
            self._socket, _ = self._listener.accept()
            return True
        try:
            piece = self._socket.recv(1 << 18)
        except OSError:
            return False
        data += piece
        while len(data) >= 4 and len(data) >= 4 + (size := struct.unpack(">I", data[:4])[0]):
            self._deliver(self._received, bytes(data[4:4 + size]))
            del data[:4 + size]
        return bool(piece)

    # ---- Frames

    def _deliver(self, function, frame):
        if self.faults is None:
            function(frame)
            return
        for seconds in self.faults.times():
            self.after(seconds, function, frame)

    def send(self, frame):
        """Sends a frame as it is, through the faults."""
        with self.lock:
            self._deliver(self._transmit, frame)

    def _transmit(self, frame):
        with contextlib.suppress(OSError):  # the guest is gone: the test will notice
            self._socket.sendall(struct.pack(">I", len(frame)) + frame)

    def send_packet(self, packet, destination=None):
        kind = frames.IPV4 if packet[0] >> 4 == 4 else frames.IPV6
        self.send(frames.ethernet(destination or self.guest_mac or frames.BROADCAST, MAC, kind,
                                  packet))

    def _received(self, frame):
        if len(frame) < 14:
            self.wrong.append(f"a frame of {len(frame)} bytes")
            return
        self.guest_mac = frame[6:12]
        if frame[12:14] == struct.pack(">H", frames.ARP):
            self._take_arp(frame[14:])
            return
        try:
            packet = frames.read(frame)
        except (ValueError, IndexError, struct.error) as error:
            self.wrong.append(f"{error}: {frame[:60].hex()}")
            return
        if packet is None:
            return
        if packet.protocol == frames.ICMP6 and not packet.fragment:
            self._take_neighbour(packet)
        elif packet.protocol == frames.UDP and packet.payload[2:4] == struct.pack(">H", 67):
            self.dhcp.take(packet.payload[8:])
        for subscriber in list(self.subscribers):
            subscriber(packet)

    # ---- Neighbours

    def _take_arp(self, data):
        operation, = struct.unpack(">H", data[6:8])
        mac, sender, target = data[8:14], data[14:18], data[24:28]
        if operation == 1 and target == IP4:
            self.send(frames.ethernet(mac, MAC, frames.ARP, frames.arp(2, MAC, IP4, mac, sender)))
        elif operation == 2:
            self.arp_replies.append((mac, sender))

    def ask_arp(self, target):
        self.send(frames.ethernet(frames.BROADCAST, MAC, frames.ARP,
                                  frames.arp(1, MAC, IP4, bytes(6), target)))

    def _take_neighbour(self, packet):
        kind = packet.payload[0]
        if kind == frames.SOLICITATION:
            target = packet.payload[8:24]
            if not any(packet.source):
                self.claimed.add(target)  # duplicate address detection
            elif target in (IP6, IP6_LOCAL):
                self._answer_neighbour(packet.source, target)
        elif kind == frames.ROUTER_SOLICITATION and self.advertise:
            self.advertise_router()

    def _answer_neighbour(self, asker, target):
        rest = b"\x60\0\0\0" + target + b"\x02\x01" + MAC  # solicited, override
        self.send_packet(frames.ipv6(target, asker, frames.ICMP6, frames.icmp6(
            target, asker, frames.ADVERTISEMENT, rest), hops=255))

    def advertise_router(self, lifetime=1800, options=None, hops=255):
        """With a prefix from which hosts make addresses (RFC 4861 4.2, 4862)."""
        everyone = frames.address("ff02::1")
        prefix = struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 86400, 14400, 0) + PREFIX
        rest = struct.pack(">BBHII", 64, 0, lifetime, 0, 0)
        rest += b"\x01\x01" + MAC + prefix if options is None else options
        self.send_packet(frames.ipv6(IP6_LOCAL, everyone, frames.ICMP6, frames.icmp6(
            IP6_LOCAL, everyone, frames.ROUTER_ADVERTISEMENT, rest), hops=hops),
            frames.multicast_mac(everyone))

    def ask_neighbour(self, target):
        """Solicits an address of the guest; returns whether the guest says it has it."""
        answers = []

        def take(packet):
            data = packet.payload
            if packet.protocol == frames.ICMP6 and data[0] == frames.ADVERTISEMENT:
                answers.append(data[8:24])
        group = frames.address("ff02::1:ff00:0")[:13] + target[13:]
        with self.subscribed(take):
            self.send_packet(frames.ipv6(IP6_LOCAL, group, frames.ICMP6, frames.icmp6(
                IP6_LOCAL, group, frames.SOLICITATION, bytes(4) + target + b"\x01\x01" + MAC),
                hops=255), frames.multicast_mac(group))
            return self.wait(lambda: target in answers, PATIENCE)

    # ---- What tests do

    @contextlib.contextmanager
    def subscribed(self, function):
        with self.lock:
            self.subscribers.append(function)
        try:
            yield
        finally:
            with self.lock:
                self.subscribers.remove(function)

    def ping(self, source, destination, number, data=b"", timeout=PATIENCE, build=None):
        """Whether an echo request is answered with its data. build: makes the packets of it."""
        pieces = {}

        def take(packet):
            if (packet.protocol in (frames.ICMP, frames.ICMP6) and packet.source == destination
                    and packet.destination == source):
                pieces[packet.identification, (packet.fragment & 0x1fff) * 8] = packet.payload

        def answered():
            for identification in {key[0] for key in pieces}:
                whole = b"".join(pieces[key] for key in sorted(pieces) if key[0] == identification)
                if whole[:1] in (b"\0", b"\x81") and whole[4:] == wanted:
                    return True
            return False
        protocol, payload = frames.echo(source, destination, number, data)
        wanted = payload[4:]
        packets = build(protocol, payload) if build else [
            frames.packet(source, destination, protocol, payload)]
        with self.subscribed(take):
            for packet in packets:
                self.send_packet(packet)
            return self.wait(answered, timeout)
