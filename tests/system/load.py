# SPDX-License-Identifier: MIT
"""Clients of the web server in threads of their own, which compare what they get."""
import contextlib
import errno
import hashlib
import random
import selectors
import socket
import threading
import time

from test_http import HOST, Connection

NEW_LIMIT = 1      # seconds that a new connection may take before another is tried, with more time
OLD_LIMIT = 30     # and an answer on one that works
PROBE_EVERY = 0.05


def request(path):
    return b"GET /" + path.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n"


class Client(threading.Thread):
    """Asks for files in random order on one connection, and on a new one when that ends."""

    def __init__(self, guest, digests, going, seed):
        super().__init__(daemon=True)
        self.going = going  # an event: clear while no new request is to be sent
        self.guest, self.digests = guest, digests
        self.random = random.Random(seed)
        self.stopping = threading.Event()
        self.patience = NEW_LIMIT
        self.answers = 0  # compared
        self.ended = 0    # connections that worked and were ended by the other side
        self.wrong = []   # what should never be: other bytes, another status, no answer at all

    def run(self):
        try:
            while not self.stopping.is_set():
                self._use_connection()
        except Exception as error:  # shown by the test
            self.wrong.append(repr(error))

    def _use_connection(self):
        answered = 0
        connection = None
        try:
            connection = Connection(self.guest, self.patience)
            while not self.stopping.is_set():
                if not self._ask(connection):
                    raise ConnectionResetError(errno.ECONNRESET, "ended")
                answered += 1
                self.patience = NEW_LIMIT
                connection.socket.settimeout(OLD_LIMIT)
        except TimeoutError:
            if answered:
                self.wrong.append(f"no answer within {OLD_LIMIT} s")
            self.patience = min(2 * self.patience, OLD_LIMIT)
        except OSError:
            self.ended += answered > 0
            time.sleep(0.02)
        finally:
            if connection is not None:
                connection.close()

    def _ask(self, connection):
        self.going.wait()
        path = self.random.choice(list(self.digests))
        connection.send(request(path))
        answer = connection.answer()
        if answer is None:
            return False
        status, _, body = answer
        if status != 200 or hashlib.sha256(body).digest() != self.digests[path]:
            self.wrong.append(f"{path}: status {status}, {len(body)} bytes")
        self.answers += 1
        return True


class Load:
    """Several clients. Use as a context manager."""

    def __init__(self, guest, digests, clients, seed=0):
        self.going = threading.Event()
        self.going.set()
        self.clients = [Client(guest, digests, self.going, f"{seed}/{number}")
                        for number in range(clients)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        for client in self.clients:
            client.stopping.set()
        for client in self.clients:
            client.join(OLD_LIMIT)

    @contextlib.contextmanager
    def paused(self):
        """No new requests meanwhile; those that were sent may take a little longer."""
        self.going.clear()
        try:
            yield
        finally:
            self.going.set()

    @property
    def answers(self):
        return sum(client.answers for client in self.clients)

    @property
    def ended(self):
        return sum(client.ended for client in self.clients)

    @property
    def wrong(self):
        return [what for client in self.clients for what in client.wrong]

    def wait_for_answers(self, seconds):
        """Until each client has had two more answers; False: not all have within the time."""
        before = [client.answers for client in self.clients]
        deadline = time.monotonic() + seconds
        while any(client.answers < count + 2 for client, count in zip(self.clients, before)):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def first_answer(guest, path, limit):
    """Waits until a request on a new connection is answered. False: not within the limit.

    A connection begun while nobody is there is not heard of for seconds, so another is begun
    every 50 ms, and the first answer counts.
    """
    start = time.monotonic()
    following = start
    with selectors.DefaultSelector() as selector:
        try:
            while time.monotonic() < start + limit:
                if time.monotonic() >= following:
                    following = time.monotonic() + PROBE_EVERY
                    if probe := begin_probe(guest, path):
                        selector.register(probe, selectors.EVENT_READ)
                for key, _ in selector.select(max(0, following - time.monotonic())):
                    if answered(key.fileobj):
                        return True
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()
    return False


def begin_probe(guest, path):
    """A connection with a request; None: the emulator itself did not take it."""
    try:
        probe = socket.create_connection(("127.0.0.1", guest.port), NEW_LIMIT)
        probe.sendall(request(path))
        return probe
    except OSError:
        return None


def answered(connection):
    try:
        return connection.recv(12).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
