# SPDX-License-Identifier: MIT
"""A TCP client of the tests' own (RFC 9293), which bears what hub.Faults does.

It acknowledges each segment, keeps those that come early and says so (RFC 2018, 2883), and sends
again what is not acknowledged: after a time that doubles, or three equal acknowledgements. It has
what tests use of a socket.
"""
import struct
import time

import frames
from frames import ACK, FIN, PUSH, RESET, SYN
from test_http import Connection

WINDOW = 65535  # at most so much without the option that scales it
UNACKNOWLEDGED = 16384  # bytes on their way at most
FIRST_TIMEOUT = 0.3
HALF = 1 << 31


def distance(later, earlier):
    """later - earlier of two sequence numbers."""
    return (later - earlier + HALF) % (1 << 32) - HALF


class Options:
    """Of a SYN: what it offers."""

    def __init__(self, data):
        self.scale, self.selective = None, False
        while data and data[0]:
            size = 1 if data[0] == 1 else max(data[1], 2)
            if data[0] == 3:
                self.scale = data[2]
            elif data[0] == 4:
                self.selective = True
            data = data[size:]


class TcpClient:
    """`gap` is the longest time in seconds without a byte that could be read, since `watch`; `repeated`
    counts segments that brought nothing new."""
    ports = iter(range(20000, 60000))

    def __init__(self, hub, source, destination, port=80, timeout=30, window=WINDOW):
        self.hub, self.source, self.destination = hub, source, destination
        self.port = (next(self.ports), port)
        self.timeout = timeout
        self.maximum = 1460 if len(source) == 4 else 1440
        self.first = self.next = self.acked = 0x20000000 + self.port[0]
        self.out = bytearray()  # from `acked` on, after the SYN
        self.window = 0
        self.expected = None    # next sequence number of the guest
        self.room = window      # that the guest is told of
        self.scale = max(window.bit_length() - 16, 0)
        self.guest_scale = 0
        self.selective = False
        self.islands = []       # [start, bytes] that came early, the one that grew last first
        self.double = None      # what came again: start, length
        self.fin_at = None
        self.data = bytearray()
        self.repeated = 0
        self.watch()
        self.ended = self.reset = self.closing = False
        self.equal = self.tries = self.resent = self.timer = 0
        hub.subscribers.append(self._take)
        with hub.lock:
            self._segment(SYN, self.first, options=self._offer())
            self.next += 1
            self._arm()
        if not hub.wait(lambda: self.expected is not None or self.reset, timeout) or self.reset:
            self.close()
            raise ConnectionRefusedError if self.reset else TimeoutError("no connection")

    # ---- What a socket has

    def settimeout(self, seconds):
        self.timeout = seconds

    def watch(self):
        self.gap, self.advanced = 0, time.monotonic()

    def sendall(self, data):
        with self.hub.lock:
            self.out += data
            self._push()

    def recv(self, most):
        if not self.hub.wait(lambda: self.data or self.ended or self.reset, self.timeout):
            raise TimeoutError(f"nothing within {self.timeout} s")
        with self.hub.lock:
            if self.reset and not self.data:
                raise ConnectionResetError
            piece = bytes(self.data[:most])
            del self.data[:most]
            return piece

    def close(self):
        """Sends FIN once; the guest's end is acknowledged when it comes, and not waited for."""
        with self.hub.lock:
            self.closing = True
            if self.expected is not None and not self.reset:
                self._segment(FIN | ACK, self.next)
                self.next = self.acked = (self.next + 1) % (1 << 32)
                self.out.clear()

    # ---- Segments

    def _offer(self):
        """Options of the SYN: maximum segment size, selective acknowledgements, scale."""
        options = struct.pack(">BBH", 2, 4, self.maximum) + b"\x04\x02"
        return options + struct.pack(">BBB", 3, 3, self.scale) if self.scale else options

    def _segment(self, flags, sequence, data=b"", options=b""):
        window = min(self.room >> (0 if flags & SYN else self.scale), WINDOW)
        payload = frames.tcp(self.source, self.destination, self.port, sequence, self.expected or 0,
                             flags, window=window, options=options, data=data)
        self.hub.send_packet(frames.packet(self.source, self.destination, frames.TCP, payload))

    def _push(self):
        """Sends what the windows allow."""
        if self.expected is None or self.reset:
            return
        limit = min(len(self.out), self.window, UNACKNOWLEDGED)
        before = self.next
        while (sent := distance(self.next, self.acked)) < limit:
            piece = bytes(self.out[sent:min(sent + self.maximum, limit)])
            self._segment(ACK | PUSH, self.next, piece)
            self.next = (self.next + len(piece)) % (1 << 32)
        if self.next != before:
            self._arm()

    def _again(self):
        """The first segment that is not acknowledged."""
        self.resent += 1
        if self.expected is None:
            self._segment(SYN, self.first, options=self._offer())
        else:
            size = min(distance(self.next, self.acked), self.maximum)
            self._segment(ACK | PUSH, self.acked, bytes(self.out[:size]))

    def _arm(self):
        self.timer += 1
        if self.next != self.acked:
            self.hub.after(FIRST_TIMEOUT * 2 ** min(self.tries, 4), self._timeout, self.timer)

    def _timeout(self, timer):
        if timer == self.timer and not (self.closing or self.reset):
            self.tries += 1
            self._again()
            self._arm()

    def _take(self, packet):
        data = packet.payload
        if (packet.protocol != frames.TCP or packet.source != self.destination or
                struct.unpack(">HH", data[:4]) != self.port[::-1]):
            return
        sequence, acknowledged, offset, flags, window = struct.unpack(">IIBBH", data[4:16])
        if flags & RESET:
            self.reset = self.expected is not None or acknowledged == self.next
            return
        if flags & SYN:
            if self.expected is None:
                self._accepted(sequence, Options(data[20:(offset >> 4) * 4]))
            sequence += 1
            window >>= self.guest_scale  # that of a SYN is not scaled
        if self.expected is None:
            return
        body = data[(offset >> 4) * 4:]
        if flags & ACK:
            self._acknowledged(acknowledged, window << self.guest_scale, bool(body))
        if body or flags & (FIN | SYN):
            self._arrived(sequence % (1 << 32), body, flags & FIN)
            self._segment(ACK, self.next, options=self._blocks())
        if self.closing and self.ended:
            self.hub.subscribers.remove(self._take)
        self._push()

    def _accepted(self, sequence, options):
        self.expected = (sequence + 1) % (1 << 32)
        self.selective = options.selective
        if options.scale is None or not self.scale:
            self.room, self.scale = min(self.room, WINDOW), 0
        else:
            self.guest_scale = options.scale

    def _acknowledged(self, number, window, has_data):
        advance = distance(number, self.acked)
        if advance > distance(self.next, self.acked):
            self.hub.wrong.append("an acknowledgement of what was never sent")
            return
        self.window = window
        if advance > 0:
            if self.acked == self.first:
                self.acked, advance = self.acked + 1, advance - 1  # the SYN
            del self.out[:advance]
            self.acked = number
            self.equal = self.tries = 0
            self._arm()
        elif advance == 0 and self.next != self.acked and not has_data:
            self.equal += 1
            if self.equal == 3:
                self._again()

    def _arrived(self, sequence, body, fin):
        ahead = distance(sequence, self.expected)
        if ahead > self.room:
            self.hub.wrong.append("data outside of the window")
            return
        if fin:
            self.fin_at = (sequence + len(body)) % (1 << 32)
        if body and ahead > 0:
            self._keep(sequence, body)
        elif body and len(body) + ahead <= 0:
            self._came_again(sequence, body)
        elif body:
            self._take_in(body[-ahead:])
            self._join()
        if self.expected == self.fin_at and not self.ended:
            self.ended = True
            self.expected = (self.expected + 1) % (1 << 32)

    def _came_again(self, sequence, body):
        self.double = sequence, len(body)
        self.repeated += 1

    def _take_in(self, body):
        now = time.monotonic()
        self.gap, self.advanced = max(self.gap, now - self.advanced), now
        self.data += body
        self.expected = (self.expected + len(body)) % (1 << 32)

    def _keep(self, start, body):
        """Puts early bytes to the islands that they touch, which become one."""
        island = [start, bytearray(body)]
        for other in list(self.islands):
            at = distance(other[0], island[0])
            if at > len(island[1]) or at + len(other[1]) < 0:
                continue
            if at <= 0 and at + len(other[1]) >= len(island[1]) and island[1] == body:
                self._came_again(start, body)
            first, second = (other, island) if at <= 0 else (island, other)
            known = distance(first[0], second[0]) + len(first[1])
            first[1] += second[1][known:]
            island = first
            self.islands.remove(other)
        self.islands.insert(0, island)

    def _join(self):
        """Islands that what is there has reached."""
        while reached := next((each for each in self.islands
                               if distance(each[0], self.expected) <= 0), None):
            self.islands.remove(reached)
            if fresh := reached[1][distance(self.expected, reached[0]):]:
                self._take_in(fresh)

    def _blocks(self):
        """The option that says what is there besides what is acknowledged."""
        blocks = [(start, len(data)) for start, data in self.islands]
        if self.double:
            blocks.insert(0, self.double)
            self.double = None
        if not self.selective or not blocks:
            return b""
        blocks = blocks[:4]
        return struct.pack(">BBBB", 1, 1, 5, 2 + 8 * len(blocks)) + b"".join(
            struct.pack(">II", start, (start + size) % (1 << 32)) for start, size in blocks)


class HubConnection(Connection):
    """HTTP over such a client."""

    def __init__(self, hub, source, destination, timeout=30, **options):
        self.socket = TcpClient(hub, source, destination, timeout=timeout, **options)
        self.data = bytearray()
