# SPDX-License-Identifier: MIT
"""A booted guest that tests talk to: its console, its web server, its screen."""
import codecs
import http.client
import queue
import re
import threading
import time

from ..machine import Machine

PROMPT = re.compile(r"^[^\n#]*\$ \Z", re.M)  # "# " may be the start of a diagnostic line
ESCAPES = re.compile(r"\x1b(\[[0-9;?=]*[A-Za-z]|[()][0-9A-Za-z]|[=>])")
PANIC = re.compile(r"(?m)^.*\b(kernel )?panic\b.*$", re.I)


class GuestError(AssertionError):
    """The guest did not do what the test waited for."""


class Guest:
    """Use as a context manager. `log` is all that the console said, without escape sequences."""

    def __init__(self, options, name="guest"):
        self.name = name
        self.options = options
        self.machine = Machine(options)
        self.log = ""
        self.seen = 0     # of log: what earlier waits have consumed
        self.ended = False
        self._partial = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.started = time.monotonic()
        self._incoming = queue.SimpleQueue()
        self.hearing = threading.Event()  # cleared: nobody reads the serial line
        self.hearing.set()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.machine.stop()
        self.catch_up()

    def catch_up(self):
        """Takes in what came and nobody waited for: the end of the log of a test that failed."""
        while self.read(0):
            pass

    def _listen(self):
        """Takes what the console says when it says it: a serial line that nobody reads for a while
        stands still, and the kernel does not wait for it for long."""
        while self.hearing.wait() and (data := self.machine.receive(None)):
            self._incoming.put(data)
        self._incoming.put(b"")

    def read(self, timeout):
        """Takes in console output for at most timeout seconds; False if there was none."""
        try:
            data = self._incoming.get(timeout > 0, max(timeout, 0))
        except queue.Empty:
            return False
        if data == b"":
            self.ended = True
            return False
        data = self._partial + data
        # An escape sequence may be cut in two.
        cut = max(data.rfind(b"\x1b"), len(data) - 4)
        self._partial = b""
        if cut >= 0 and data[cut:cut + 1] == b"\x1b" and not ESCAPES.match(
                data[cut:].decode("latin-1")) and len(data) - cut < 16:
            data, self._partial = data[:cut], data[cut:]
        text = self._decoder.decode(data).replace("\r", "")
        self.log += ESCAPES.sub("", text)
        return True

    def wait_for(self, pattern, timeout=60):
        """Waits for a regular expression in what the console says from now on; the match."""
        expression = re.compile(pattern) if isinstance(pattern, str) else pattern
        deadline = time.monotonic() + timeout
        while True:
            if match := expression.search(self.log, self.seen):
                self.seen = match.end()
                return match
            if panic := PANIC.search(self.log, self.seen):
                self.drain(2)
                raise GuestError(f"{self.name}: {panic.group(0).strip()}")
            left = deadline - time.monotonic()
            if left <= 0 or self.ended:
                why = f"not within {timeout:.0f} s"
                if self.ended:
                    why = "it ended" if self.log else self.machine.failure()
                raise GuestError(f"{self.name}: waited for {expression.pattern!r}: {why}")
            self.read(min(left, 1))

    def drain(self, seconds):
        """Takes in what comes within some seconds."""
        deadline = time.monotonic() + seconds
        while not self.ended and (left := deadline - time.monotonic()) > 0:
            self.read(left)

    def wait_for_shell(self, timeout=120):
        self.wait_for(PROMPT, timeout)

    def send(self, text):
        self.machine.send(text.encode())

    def command(self, line, timeout=60):
        """Types a line at the shell's prompt; returns its output, when the next prompt is there."""
        self.send(line + "\r")
        self.wait_for(re.escape(line) + r"\n", max(timeout, 60))
        start = self.seen
        self.wait_for(PROMPT, timeout)
        output = self.log[start:self.seen]
        return output[:output.rfind("\n") + 1]

    def interrupt(self, tries=10):
        """Types Ctrl-C until the prompt is there: one that comes before the shell waits for what it
        has started is a key like others, and nobody sees from outside when it does."""
        while True:
            self.send("\x03")
            try:
                return self.wait_for_shell(5)
            except GuestError:
                tries -= 1
                if tries == 0 or self.ended:
                    raise

    def wait_exit(self, timeout=30):
        """Waits until the machine is off; returns its exit status."""
        deadline = time.monotonic() + timeout
        while not self.ended:
            if time.monotonic() > deadline:
                raise GuestError(f"{self.name}: still on after {timeout} s")
            self.read(0.5)
        return self.machine.exit_status()

    @property
    def port(self):
        """The host's port for the guest's web server; forwarded when it is first asked for."""
        if not self.options.port:
            self.options.port = self.machine.forward(80)
        return self.options.port

    def connection(self, timeout=30):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path="/", method="GET", headers=None, timeout=30):
        """One HTTP request on a connection of its own: (status, headers, body)."""
        connection = self.connection(timeout)
        try:
            connection.request(method, path, headers=headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def wait_for_page(self, path="/", timeout=60):
        """Asks again and again until the web server answers; the first answer. Nobody may hear the
        first requests, and a busy host may be slow with any: each has more time than the last."""
        deadline = time.monotonic() + timeout
        patience = 1.5
        while True:
            self.read(0)
            try:
                return self.get(path, timeout=max(1, min(patience, deadline - time.monotonic())))
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() > deadline or self.ended:
                    raise GuestError(f"{self.name}: no page within {timeout} s: {error}") from None
                self.drain(0.1)
                patience *= 1.3

    def qmp(self, command, **arguments):
        return self.machine.qmp(command, **arguments)

