# SPDX-License-Identifier: MIT
"""Messages and progress, in colours on a terminal only."""
import os
import sys
import time


class CommandError(Exception):
    """Something the user should read; ends the command with status 1."""


def is_terminal(stream=sys.stderr):
    return stream.isatty() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ


def coloured(text, code, stream=sys.stderr):
    return f"\033[{code}m{text}\033[0m" if is_terminal(stream) else text


def say(text):
    """A line about what the command itself does; stdout belongs to results."""
    print(f"{coloured('tessera:', '1;36')} {text}", file=sys.stderr, flush=True)


def warn(text):
    print(f"{coloured('tessera:', '1;33')} {text}", file=sys.stderr, flush=True)


class Step:
    """`with Step("what"):` prints what is under way and how long it took."""

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.start = time.monotonic()
        say(f"{self.text} …")
        return self

    def __exit__(self, kind, *_):
        if kind is None and time.monotonic() - self.start > 5:
            say(f"{self.text}: {time.monotonic() - self.start:.0f} s")
