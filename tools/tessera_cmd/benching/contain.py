# SPDX-License-Identifier: MIT
"""`./tessera bench contain`: what others notice while the largest bombs die (tests/user/bombs).

A bomb is grown to what the machine has, and killed. Meanwhile somebody types at the serial shell and
somebody asks for pages, one request after the other; both did the same before, when the machine was
idle. The host's own slowness is in both, so the bars are for what the death adds. The longest section is counted in instructions in boots of
their own, of the debug kernel.
"""
import re
import statistics
import threading
import time
from typing import NamedTuple

from .. import build
from ..console import CommandError, Step, warn
from ..machine import Options, free_port
from ..testing.guest import Guest, GuestError
from . import load
from .plugin import CPU

NAME = "contain"
BOMBS = ("memory", "handle_pages", "region", "far_region", "pages", "served", "job_tree", "program",
         "thread_pages", "timer", "observer", "request", "share")
IDLE_SECONDS = 10
LEAST_SECONDS = 1     # that are looked at from a kill on, however soon all is gone
GROW_LIMIT, DEATH_LIMIT = 300, 120
PROMPT_BARS = (0.1, 0.5)  # seconds, median and worst, more than on the idle system
HTTP_RATIO = 3
BACK_BAR = 2000           # ms from the end to everything being back
SECTION_BAR = 50_000      # instructions
SECTION_LIMIT = 900


class Looks(NamedTuple):
    """What somebody saw: seconds of each prompt, and of each page; first with when each began."""
    prompts: list
    pages: list

    def since(self, time_from):
        """Those that ended later, without their beginnings."""
        return Looks(*([taken for begin, taken in looks if begin + taken >= time_from]
                       for looks in self))


class Death(NamedTuple):
    looks: Looks
    armed: str  # what the bomb had
    gone: int   # ms from its kill to its end
    back: int   # ms from its end to its job having nothing
    empty: bool


class Web(threading.Thread):
    """Asks for a page, again and again, until it is told to stop."""

    def __init__(self, port, path, content):
        super().__init__(daemon=True)
        self.client = load.Client(port, path, content, 1)
        self.taken, self.trouble, self.stopping = [], None, threading.Event()

    def run(self):
        try:
            while not self.stopping.wait(0.005):
                begin = time.monotonic()
                self.client.ask(1)
                self.taken.append((begin, time.monotonic() - begin))
        except (load.LoadError, OSError) as error:
            self.trouble = error

    def stop(self):
        """The times of all requests since the start."""
        self.stopping.set()
        self.join()
        self.client.__exit__()
        if self.trouble:
            raise GuestError(f"the web server: {self.trouble}")
        return self.taken


class Typist:
    """Starts a program at the shell and waits for its line, again and again."""

    def __init__(self, guest):
        self.guest, self.number = guest, 0

    def once(self, limit=60):
        """When the line was typed, and seconds until the program's output. (The line's echo may be
        cut in two by what the bomb says.)"""
        self.number += 1
        word = f"m{self.number}"
        begin = time.monotonic()
        self.guest.send(f"echo {word}\r")
        self.guest.wait_for(rf"(?m)^{word}$", limit)
        return begin, time.monotonic() - begin


def look(guest, page, over):
    """Looks until over(log since the start) is true."""
    typist, web = Typist(guest), Web(guest.port, *page)
    start, prompts = len(guest.log), []
    web.start()
    try:
        while not over(guest.log[start:]):
            prompts.append(typist.once())
            guest.drain(0.02)
    finally:
        pages = web.stop()
    return Looks(prompts, pages)


def look_idle(guest, page):
    until = time.monotonic() + IDLE_SECONDS
    return look(guest, page, lambda _: time.monotonic() > until).since(0)


def grow(guest, bomb):
    """Starts it in the background; what it had when it could get no more."""
    guest.send(f"/test/bombs large {bomb} &\r")
    return guest.wait_for(rf"bomb {bomb} armed (.*)\n", GROW_LIMIT).group(1)


class Dying:
    """Knows from the console how far a bomb is with its death."""

    def __init__(self, bomb):
        self.dies = f"bomb {bomb} dies"
        self.last = re.compile(rf"bomb {bomb} gone=(\d+) back=(-?\d+) empty=(\d)")
        self.start = self.looked = time.monotonic()
        self.begin = None  # no later than its kill
        self.end = None

    def over(self, log):
        before, self.looked = self.looked, time.monotonic()
        if self.begin is None and self.dies in log:
            self.begin = before
        self.end = self.end or self.last.search(log)
        if self.looked - self.start > DEATH_LIMIT:
            raise GuestError(f"{self.dies}: and does not within {DEATH_LIMIT} s")
        return self.end and self.looked - self.begin > LEAST_SECONDS


def die(guest, page, bomb):
    armed, dying = grow(guest, bomb), Dying(bomb)
    looks = look(guest, page, dying.over)
    gone, back, empty = map(int, dying.end.groups())
    guest.drain(0.5)
    return Death(looks.since(dying.begin), armed, gone, back, empty == 1)


def quantile(values, part):
    """The value that `part` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def measure(bombs):
    """(the idle system's Looks, {bomb: Death})."""
    deaths = {}
    options = Options(image=build.image("release", "iso-test"), reboot=False, port=free_port())
    with Guest(options, "contain") as guest:
        _, _, body = guest.wait_for_page()
        guest.wait_for_shell()
        page = ("/", body)
        with Step("the idle system"):
            idle = look_idle(guest, page)
        for bomb in bombs:
            with Step(f"the death of {bomb}"):
                deaths[bomb] = die(guest, page, bomb)
    return idle, deaths


def sections(bombs):
    """{bomb: instructions}: the longest section of a boot in which it grew and died."""
    found = {}
    for bomb in bombs:
        options = Options(image=build.image("debug", "iso-test"), icount=True, cpu=CPU, reboot=False,
                          network=())
        try:
            with Step(f"the longest section of {bomb}"), Guest(options, "section") as guest:
                guest.wait_for_shell(120)
                output = guest.command(f"/test/bombs large {bomb}", SECTION_LIMIT)
            found[bomb] = int(re.search(r"section=(\d+)", output).group(1))
        except (GuestError, AttributeError) as error:
            warn(f"{bomb}: {error}")
    return found


def rows(idle, death):
    """(figure, whether it is within its bar) of each column."""
    prompts, pages = death.looks.prompts, death.looks.pages
    median, worst = statistics.median(prompts), max(prompts)
    p99 = quantile(pages, 0.99)
    idle_median, idle_worst = statistics.median(idle.prompts), max(idle.prompts)
    return [(f"{median * 1000:.0f}", median <= idle_median + PROMPT_BARS[0]),
            (f"{worst * 1000:.0f}", worst <= idle_worst + PROMPT_BARS[1]),
            (f"{p99 / quantile(idle.pages, 0.99):.1f}",
             p99 <= HTTP_RATIO * quantile(idle.pages, 0.99)),
            (f"{death.gone}", True),
            (f"{death.back}", death.empty and death.back <= BACK_BAR)]


def print_table(idle, deaths, longest):
    """Prints it; whether all bars are reached."""
    print(f"idle: prompt {statistics.median(idle.prompts) * 1000:.0f} ms in the median, "
          f"{max(idle.prompts) * 1000:.0f} ms at the worst; "
          f"HTTP p99 {quantile(idle.pages, 0.99) * 1000:.1f} ms, {len(idle.pages)} pages")
    print(f"{'bomb':13} {'prompt':>8} {'worst':>8} {'HTTP':>7} {'gone':>8} {'back':>8} {'section':>10}")
    good = bool(deaths)
    for bomb, death in deaths.items():
        figures = rows(idle, death)
        if longest is not None:
            found = longest.get(bomb)
            figures.append(("–" if found is None else f"{found:,}",
                            found is not None and found <= SECTION_BAR))
        good = good and all(reached for _, reached in figures)
        cells = [text if reached else f"{text} ✗" for text, reached in figures]
        print(f"{bomb:13} " + " ".join(f"{cell:>{width}}" for cell, width in
                                       zip(cells, (8, 8, 7, 8, 8, 10))) + f"  {death.armed}")
    print(f"prompt, gone and back in ms; HTTP: p99 as a multiple of idle; section in instructions; "
          f"✗ misses its bar: {PROMPT_BARS[0] * 1000:.0f} and {PROMPT_BARS[1] * 1000:.0f} ms more than "
          f"idle, {HTTP_RATIO} times, back within {BACK_BAR}, {SECTION_BAR:,}")
    return good


def run(bombs):
    """Measures and prints; the exit status."""
    if unknown := set(bombs) - set(BOMBS):
        raise CommandError(f"not a large bomb: {' '.join(sorted(unknown))}")
    bombs = bombs or BOMBS
    for kind in ("release", "debug"):
        build.build(kind, "iso-test")
    idle, deaths = measure(bombs)
    return 0 if print_table(idle, deaths, sections(bombs)) else 1
