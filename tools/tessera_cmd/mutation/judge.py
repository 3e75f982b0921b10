# SPDX-License-Identifier: MIT
"""What the tests say to a mutant: the native ones that are linked with its file, the quickest
first; if none of them notices it, programs in the guest."""
import functools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from ..console import CommandError
from . import choice, tree

BUILD_LIMIT = 300       # seconds
PATIENCE = 10           # times as long as the test takes else, and at least as many seconds
GUEST_LIMIT = 900
SECONDS = tree.FOLDER / "seconds.json"  # of tests without a change, kept from run to run
OUTPUT_MAX = 16 << 20   # bytes; a mutant may print without end
MEMORY_MAX = 3072       # MiB
OPTIONS = {"ASAN_OPTIONS": f"abort_on_error=0:hard_rss_limit_mb={MEMORY_MAX}",
           "TSAN_OPTIONS": f"hard_rss_limit_mb={MEMORY_MAX}",
           "UBSAN_OPTIONS": "print_stacktrace=1"}


class Verdict(NamedTuple):
    word: str  # noticed, survived, invalid: it does not compile
    by: str = ""


class Process:
    """A command with a limit of time, whose descendants end with it."""

    def __init__(self, command, limit, **more):
        self.limit = time.monotonic() + limit
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=bound_output, **more)

    def wait(self, until=lambda text: False):
        """Its status; None if its time is up, or `until` is true of what it printed."""
        try:
            while (status := self.process.poll()) is None:
                if time.monotonic() > self.limit or until(self.text()):
                    return None
                time.sleep(0.02)
            return status
        finally:
            self.end()

    def text(self):
        return os.pread(self.output.fileno(), OUTPUT_MAX, 0).decode(errors="replace")

    def end(self):
        """Asks first: the command for tests ends its emulator itself."""
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
                pass


def bound_output():
    resource.setrlimit(resource.RLIMIT_FSIZE, (OUTPUT_MAX, OUTPUT_MAX))


def remembered(key, measure):
    """What `measure` says, asked once for this key in all runs."""
    known = json.loads(SECONDS.read_text()) if SECONDS.exists() else {}
    if key not in known:
        known[key] = measure()
        SECONDS.write_text(json.dumps(known))
    return known[key]


class HostTests:
    """The native tests, as ninja and ctest know them."""

    def __init__(self):
        self.configure()
        self.made_of = self.all_made_of()
        self.files = {name: self.linked(name) for name in self.commands}

    def of(self, path):
        """The tests that are linked with a file."""
        return [name for name in self.commands if path in self.files[name]]

    def digest(self, path):
        """Changes when a test does that is linked with the file."""
        return tree.digest(sorted({file for name in self.of(path) for file in self.files[name]
                                   if file.startswith("tests/")}))

    def configure(self):
        source = tree.ROOT / "tests" / "host"
        for command in (["cmake", "-S", source, "-B", tree.HOST, "-G", "Ninja"],
                        ["ninja", "-C", tree.HOST]):
            result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    text=True)
            if result.returncode:
                raise CommandError(f"the mutants' tree does not build\n{result.stdout[-3000:]}")
        listing = subprocess.run(["ctest", "-N", "-V"], cwd=tree.HOST, text=True,
                                 capture_output=True, check=True).stdout
        found = re.findall(r"Test command: (\S+)(.*)(?:\n.*)*?\n\s*Test\s+#\d+: (\S+)", listing)
        self.commands = {name: [program, *words.replace('"', "").split()]
                         for program, words, name in found if not name.endswith("_long")}

    def linked(self, name):
        """All files that the program is made of, headers too. Of an archive those objects alone
        whose functions are in the program."""
        program = self.commands[name][0]
        there = self.functions(program)
        files = set()
        for target in self.ninja("-t", "inputs", os.path.relpath(program, tree.HOST)).split():
            if target in self.made_of and there & self.functions(tree.HOST / target):
                files |= set(self.made_of[target])
        return files

    @functools.cache
    def functions(self, file):
        """Names that an object or a program gives to others."""
        listing = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix", file],
                                 text=True, capture_output=True, check=True).stdout
        return frozenset(line.split()[0] for line in listing.splitlines()
                         if line.split()[1] in "TDBR")

    def all_made_of(self):
        """{object: its source and headers, relative to the tree}"""
        made_of = {}
        for block in self.ninja("-t", "deps").split("\n\n"):
            target, *paths = block.strip().splitlines() or [""]
            made_of[target.partition(":")[0]] = [
                os.path.relpath(os.path.realpath(tree.HOST / path.strip()), tree.ROOT)
                for path in paths]
        return made_of

    def ninja(self, *words):
        return subprocess.run(["ninja", "-C", tree.HOST, "--quiet", *words], text=True,
                              capture_output=True, check=True).stdout

    @functools.cache
    def seconds(self, name):
        """How long it takes without any change, in which it passes."""
        own = [file for file in sorted(self.files[name]) if not file.startswith("..")]
        return remembered(f"{name} {tree.digest(own)}", lambda: self.measured(name))

    def measured(self, name):
        start = time.monotonic()
        status, text = self.run(name, 600)
        if status != 0:
            raise CommandError(f"host/{name} fails without any change\n{text[-3000:]}")
        return time.monotonic() - start

    def run(self, name, limit):
        process = Process(self.commands[name], limit, cwd=tree.HOST, env={**os.environ, **OPTIONS})
        return process.wait(), process.text()

    def judge(self, mutant):
        names = sorted(self.of(mutant.path), key=self.seconds)
        with tree.changed(mutant):
            for name in names:
                target = os.path.relpath(self.commands[name][0], tree.HOST)
                built = Process(["ninja", "-C", tree.HOST, target], BUILD_LIMIT)
                if built.wait() != 0:
                    return Verdict("invalid")
                status, _ = self.run(name, PATIENCE + PATIENCE * self.seconds(name))
                if status != 0:
                    return Verdict("noticed", f"host/{name}")
        return Verdict("survived")


class GuestTests:
    """The programs of tests/user that use the mutant's area, at the shell of the debug kernel: on
    two CPUs, then on one."""

    def __init__(self):
        self.sources = tree.tracked()
        if not self.build(1800):
            raise CommandError("the mutants' tree does not build")

    def build(self, limit=BUILD_LIMIT):
        return Process([tree.ROOT / "tessera", "build", "--debug", "iso-test"], limit).wait() == 0

    def digest(self, path):
        programs = "|".join(choice.area_of(path).programs)
        own = re.compile(rf"tests/user/(lib/|({programs})[./])")
        return tree.digest(name for name in self.sources if own.match(name))

    def noticed(self, programs):
        """What fails of them, "" for none: on two CPUs, then on one."""
        for cpus in (2, 1):
            names = [f"user@{cpus}/{program}" for program in programs]
            run = Process([tree.ROOT / "tessera", "test", *names], GUEST_LIMIT)
            if run.wait(until=first_failure) != 0:
                failure = first_failure(run.text())
                return failure.group(1) if failure else names[0][:6]
        return ""

    def check_unchanged(self, area):
        """They pass without any change."""
        def measure():
            start = time.monotonic()
            if failure := self.noticed(area.programs):
                raise CommandError(f"{failure} fails without any change")
            return time.monotonic() - start
        remembered(f"{area.name} {tree.digest(self.sources)}", measure)

    def judge(self, mutant):
        area = choice.area_of(mutant.path)
        if not area.programs:
            return Verdict("survived")
        self.check_unchanged(area)
        with tree.changed(mutant):
            if not self.build():
                return Verdict("invalid")
            failure = self.noticed(area.programs)
        return Verdict("noticed", failure) if failure else Verdict("survived")


def first_failure(text):
    return re.search(r"^FAILED\s+(\S+)", text, re.M)
