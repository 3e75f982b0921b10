# SPDX-License-Identifier: MIT
"""A TCP client of the tests' own (RFC 9293), which bears what hub.Faults does.

It acknowledges each segment, keeps those that come early, and sends again what is not acknowledged:
after a time that doubles, or three equal acknowledgements. It has what tests use of a socket.
"""
import struct

import frames
from frames import ACK, FIN, PUSH, RESET, SYN
from test_http import Connection

WINDOW = 65535
UNACKNOWLEDGED = 16384  # bytes on their way at most
FIRST_TIMEOUT = 0.3
HALF = 1 << 31


def distance(later, earlier):
    """later - earlier of two sequence numbers."""
    return (later - earlier + HALF) % (1 << 32) - HALF


class TcpClient:
    ports = iter(range(20000, 60000))

    def __init__(self, hub, source, destination, port=80, timeout=30):
        self.hub, self.source, self.destination = hub, source, destination
        self.port = (next(self.ports), port)
        self.timeout = timeout
        self.maximum = 1460 if len(source) == 4 else 1440
        self.first = self.next = self.acked = 0x20000000 + self.port[0]
        self.out = bytearray()  # from `acked` on, after the SYN
        self.window = 0
        self.expected = None    # next sequence number of the guest
        self.early = {}
        self.data = bytearray()
        self.ended = self.reset = self.closing = False
        self.equal = self.tries = self.resent = self.timer = 0
        hub.subscribers.append(self._take)
        options = struct.pack(">BBH", 2, 4, self.maximum) + b"\x04\x02"  # MSS, SACK permitted
        with hub.lock:
            self._segment(SYN, self.first, options=options)
            self.next += 1
            self._arm()
        if not hub.wait(lambda: self.expected is not None or self.reset, timeout) or self.reset:
            self.close()
            raise ConnectionRefusedError if self.reset else TimeoutError("no connection")

    # What a socket has ------------------------------------------------------------------------

    def settimeout(self, seconds):
        self.timeout = seconds

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

    # Segments ---------------------------------------------------------------------------------

    def _segment(self, flags, sequence, data=b"", options=b""):
        payload = frames.tcp(self.source, self.destination, self.port, sequence, self.expected or 0,
                             flags, window=WINDOW, options=options, data=data)
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
            self._segment(SYN, self.first, options=struct.pack(">BBH", 2, 4, self.maximum))
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
                self.expected = (sequence + 1) % (1 << 32)
            sequence += 1
        if self.expected is None:
            return
        body = data[(offset >> 4) * 4:]
        if flags & ACK:
            self._acknowledged(acknowledged, window, bool(body))
        if body or flags & (FIN | SYN):
            self._arrived(sequence % (1 << 32), body, flags & FIN)
            self._segment(ACK, self.next)
        if self.closing and self.ended:
            self.hub.subscribers.remove(self._take)
        self._push()

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
        if distance(sequence, self.expected) > WINDOW:
            self.hub.wrong.append("data outside of the window")
            return
        self.early[sequence] = max(self.early.get(sequence, (b"", 0)), (body, fin),
                                   key=lambda piece: len(piece[0]) + bool(piece[1]))
        for start in sorted(self.early, key=lambda number: distance(number, self.expected)):
            skip = distance(self.expected, start)
            if skip < 0:
                break
            piece, last = self.early.pop(start)
            if skip <= len(piece) and not self.ended:
                self.data += piece[skip:]
                self.expected = (self.expected + len(piece) - skip) % (1 << 32)
                if last:
                    self.ended = True
                    self.expected = (self.expected + 1) % (1 << 32)


class HubConnection(Connection):
    """HTTP over such a client."""

    def __init__(self, hub, source, destination, timeout=30):
        self.socket = TcpClient(hub, source, destination, timeout=timeout)
        self.data = bytearray()
