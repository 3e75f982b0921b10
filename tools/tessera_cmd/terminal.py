# SPDX-License-Identifier: MIT
"""Joins the user's terminal, or a file of commands, to the guest's serial console."""
import contextlib
import os
import re
import select
import selectors
import signal
import sys
import termios
import time
import tty

from .console import say, warn

ESCAPE = 0x1D  # Ctrl-]
PROMPT = re.compile(rb"(^|[\r\n])[^\r\n]*[$#] (\x1b\[[0-9;?]*[A-Za-z])*$")
PROMPT_TAIL = 256         # as much of the output as a prompt can be
FIRST_PROMPT_LIMIT = 120  # seconds
LINE_PATIENCE = 2         # seconds of silence after which the next line is typed ahead


class Stopped(Exception):
    """SIGINT or SIGTERM came; the argument is its number."""


@contextlib.contextmanager
def stop_signals():
    """Turns SIGINT, SIGTERM and SIGHUP into Stopped."""
    def stop(number, _):
        raise Stopped(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def raw_mode(descriptor):
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def write_all(data):
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view):]


def interactive(machine):
    """Every key goes to the guest, Ctrl-C too, until it ends or Ctrl-] is typed. True: it ended."""
    say("this terminal is the guest's console; Ctrl-] quits")
    keyboard = sys.stdin.fileno()
    with raw_mode(keyboard), selectors.DefaultSelector() as selector:
        selector.register(machine.serial, selectors.EVENT_READ)
        selector.register(keyboard, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == keyboard:
                    typed = os.read(keyboard, 1024)
                    if not typed or ESCAPE in typed:
                        return False
                    machine.send(typed)
                elif data := machine.receive(0):
                    write_all(data)
                elif data is not None:
                    return True


def headless(machine):
    """Shows what the guest says; reads nothing. True: it ended."""
    while (data := machine.receive(None)) != b"":
        write_all(data)
    return True


class Feeder:
    """Types the lines of stdin, each when the guest's shell waits for one."""

    def __init__(self, machine):
        self.machine = machine
        self.input = b""  # read, not typed yet
        self.input_ended = False
        self.tail = b""
        self.first = True
        self.last_output = time.monotonic()

    def heard(self, data):
        self.tail = (self.tail + data)[-PROMPT_TAIL:]
        self.last_output = time.monotonic()

    def next_line(self):
        """Takes in what stdin has by now: whether there is a line to type. The guest's console is
        read meanwhile, or it would stand still."""
        stdin = sys.stdin.fileno()
        if b"\n" not in self.input and not self.input_ended and select.select([stdin], [], [], 0)[0]:
            data = os.read(stdin, 65536)
            self.input += data
            self.input_ended = not data
        return b"\n" in self.input or (self.input_ended and self.input != b"")

    def turn(self):
        """Types the next line if it is time."""
        if not self.next_line():
            return
        silence = time.monotonic() - self.last_output
        prompted = PROMPT.search(self.tail) is not None and silence > 0.05
        if self.first and not prompted:
            if silence > FIRST_PROMPT_LIMIT:
                warn("no shell prompt seen; typing anyway")
                self.first = False
            return
        if prompted or silence > LINE_PATIENCE:
            self.first = False
            self.tail = b""
            self.last_output = time.monotonic()
            line, _, self.input = self.input.partition(b"\n")
            self.machine.send(line.rstrip(b"\r") + b"\r")


def fed(machine):
    """stdin is the shell's input. True: the guest ended."""
    feeder = Feeder(machine)
    while (data := machine.receive(0.05)) != b"":
        if data:
            write_all(data)
            feeder.heard(data)
        feeder.turn()
    return True
