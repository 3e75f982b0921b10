# SPDX-License-Identifier: MIT
"""A web client that asks a given number of times, on connections that it keeps, and looks at each
answer; and wrk, for how fast it can be."""
import re
import selectors
import socket
import subprocess
import time

from ..console import CommandError

PATIENCE = 20  # seconds without any answer
CONNECT_PAUSE = 0.01  # QEMU's user network listens with a backlog of 1


class LoadError(Exception):
    """The server did not answer as it should."""


class Client:
    """Some connections that ask for one page whose content is known. Use as a context manager."""

    def __init__(self, port, path, content, connections):
        self.request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self.content = content
        self.head_end = None  # length of an answer's head: the same for all
        self.selector = selectors.DefaultSelector()
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            self.selector.register(connection, selectors.EVENT_READ, bytearray())
            time.sleep(CONNECT_PAUSE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()

    def ask(self, requests, connections=None):
        """So many requests, one in flight on each connection, or on that many of them; returns when
        all are answered."""
        idle = [key.fileobj for key in self.selector.get_map().values()]
        left, answered = requests, 0
        for connection in idle[:min(requests, connections or len(idle))]:
            connection.send(self.request)
            left -= 1
        while answered < requests:
            ready = self.selector.select(PATIENCE)
            if not ready:
                raise LoadError(f"no answer within {PATIENCE} s, {answered} before")
            for key, _ in ready:
                if self._receive(key):
                    answered += 1
                    if left:
                        key.fileobj.send(self.request)
                        left -= 1

    def _receive(self, key):
        """Takes in what is there; whether an answer is complete, and as it should be."""
        data = key.fileobj.recv(65536)
        if not data:
            raise LoadError("the server closed a connection")
        answer = key.data
        answer += data
        if self.head_end is None:
            self.head_end = answer.find(b"\r\n\r\n") + 4
            if self.head_end < 4:
                self.head_end = None
                return False
        if len(answer) < self.head_end + len(self.content):
            return False
        if not answer.startswith(b"HTTP/1.1 200 ") or answer[self.head_end:] != self.content:
            raise LoadError(f"a wrong answer: {bytes(answer[:200])}")
        answer.clear()
        return True


def wrk(port, path, connections, seconds):
    """Requests a second that wrk got answered."""
    result = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s",
                             f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True,
                            timeout=seconds + PATIENCE)
    requests = re.search(r"(\d+) requests in ([\d.]+)s", result.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", result.stdout)
    if result.returncode or requests is None or bad or int(requests.group(1)) == 0:
        raise CommandError(f"wrk: {result.stdout}{result.stderr}")
    return int(requests.group(1)) / float(requests.group(2))
