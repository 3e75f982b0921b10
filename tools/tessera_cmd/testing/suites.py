# SPDX-License-Identifier: MIT
"""Where tests come from. A suite yields units of work; a unit yields results.

    check/NAME           tools/check NAME
    tools/NAME           tests/tools/test_NAME.py: the build's own tools
    host/NAME            a native test of ctest
    machine@N/TEST       points of the machine layer with tests/machine, on N CPUs
    user@N/PROGRAM.TEST  points of the programs in tests/user, run at the shell on N CPUs
    system/FILE.TEST     functions of tests/system/test_FILE.py
    machines/ROW         machines of tests/system/machines.txt
    mutants              whether all of these notice single changes of the source
"""
import importlib
import re
import signal
import subprocess
import sys
import time
import traceback
from typing import NamedTuple

from .. import build
from ..mutation import run as mutation
from ..console import CommandError
from ..machine import Options
from .context import Context, SkipTest
from .guest import Guest, GuestError
from .tap import Report

CPU_COUNTS = {"machine": (1, 2, 4), "user": (1, 2, 4)}
PROGRAM_LIMIT = 240  # seconds for one program of tests/user: a tenth of that, on a quiet host
MACHINE_LIMIT = 180  # and for all of tests/machine
SYSTEM_LIMIT = 120   # and for a system test that says nothing else
ROW_LIMIT = 600      # and for a machine of machines.txt
HOST_LONG_LIMIT = 7200  # for a host test whose name ends in _long
# That no driver takes, with all that a device has (tests/user/driver_hostile.c).
FREE_DEVICE = ("-device", "virtio-rng-pci,disable-legacy=on")
LOGS = build.ROOT / "build" / "test-logs"
SYSTEM = build.ROOT / "tests" / "system"
IMAGES = tuple((kind, target) for kind in build.KINDS for target in ("iso", "iso-test"))


class Result(NamedTuple):
    name: str
    verdict: str  # passed, failed, skipped
    seconds: float
    detail: str = ""


class Unit(NamedTuple):
    """A piece of work. Units of one lane run one after the other in one process; one that is alone
    has no other beside it, since it measures time or takes all CPUs."""
    name: str
    run: object   # () -> iterable of Result
    needs: tuple  # of (build kind, target)
    long: bool = False
    lane: str = ""
    alone: bool = False


class TimeUp(Exception):
    pass


class time_limit:
    """A limit in seconds for the main thread."""

    def __init__(self, seconds):
        self.seconds = seconds

    def __enter__(self):
        def expire(*_):
            raise TimeUp(f"not finished after {self.seconds:.0f} s")
        self.before = signal.signal(signal.SIGALRM, expire)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_):
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)


def run_process(name, command, limit):
    """A test that is a process: its exit status is the verdict, its output the detail."""
    start = time.monotonic()
    try:
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, timeout=limit)
        verdict = "passed" if result.returncode == 0 else "failed"
        output = result.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        verdict = "failed"
        output = (error.stdout or b"").decode(errors="replace") + f"\nnot finished after {limit} s"
    (LOGS / f"{name.replace('/', '.')}.log").write_text(output)
    yield Result(name, verdict, time.monotonic() - start, output)


OBJECT_CHECKS = ("order", "rooms")  # they read what the debug build made


def check_units(_):
    tool = build.ROOT / "tools" / "check"
    listing = subprocess.run([tool, "--list"], capture_output=True, text=True, check=True).stdout
    return [Unit(f"check/{name}", lambda name=name: run_process(f"check/{name}", [tool, name], 1500),
                 (("debug", "all"),) if name in OBJECT_CHECKS else ()) for name in listing.split()]


def tools_units(_):
    command = ["/usr/bin/python3", "-B"]
    return [Unit(f"tools/{path.stem[5:]}", lambda path=path: run_process(
        f"tools/{path.stem[5:]}", [*command, path, "-q"], 120), ())
            for path in sorted((build.ROOT / "tests" / "tools").glob("test_*.py"))]


def host_units(_):
    folder = build.folder("host")
    try:
        with build.locked("host"):
            build.configure("host", source=build.ROOT / "tests" / "host", always=True)
    except CommandError as error:
        result = Result("host", "failed", 0, str(error))
        return [Unit("host", lambda: [result], ())]
    listing = subprocess.run(["ctest", "--test-dir", folder, "-N"], capture_output=True, text=True,
                             check=True).stdout
    names = re.findall(r"^\s*Test\s+#\d+: (\S+)$", listing, re.M)
    return [Unit(f"host/{name}", lambda name=name: run_process(
        f"host/{name}", ["ctest", "--test-dir", folder, "--output-on-failure", "-R",
                         f"^{re.escape(name)}$", "--no-tests=error"],
        HOST_LONG_LIMIT if name.endswith("_long") else 600), (("host", "all"),),
        long=name.endswith("_long")) for name in names]


def report_results(prefix, report, seconds):
    """Results of a TAP report; a report that is bad as a whole is a failure under `prefix`."""
    separator = "." if prefix.count("/") else "/"
    for point in report.points:
        verdict = "skipped" if point.skipped else "passed" if point.passed else "failed"
        yield Result(f"{prefix}{separator}{point.name}", verdict, seconds / len(report.points),
                     point.detail)
    if report.problem:
        yield Result(prefix, "failed", seconds, "\n".join([report.problem, *report.notes]))


def machine_units(_):
    return [Unit(f"machine@{cpus}", lambda cpus=cpus: run_machine(cpus),
                 (("debug", "iso-machine-test"),), alone=True) for cpus in CPU_COUNTS["machine"]]


def run_machine(cpus):
    name, start = f"machine@{cpus}", time.monotonic()
    options = Options(image=build.image("debug", "iso-machine-test"), smp=cpus, reboot=False)
    trouble = ""
    with Guest(options, name) as guest:
        try:
            with time_limit(MACHINE_LIMIT):
                status = guest.wait_exit(MACHINE_LIMIT)
                trouble = f"the kernel ended with status {status}" if status else ""
        except (GuestError, TimeUp) as error:
            trouble = str(error)
    (LOGS / f"{name}.log").write_text(guest.log)
    report = Report(guest.log)
    yield from report_results(name, report, time.monotonic() - start)
    if trouble and all(point.passed for point in report.points):
        yield Result(name, "failed", 0, trouble + "\n" + guest.log[-1500:])


def user_units(_):
    folder = build.ROOT / "tests" / "user"
    names = sorted({path.stem for path in folder.glob("*.c")} |
                   {path.parent.name for path in folder.glob("*/CMakeLists.txt")})
    return [Unit(f"user@{cpus}/{name}", lambda cpus=cpus, name=name: run_user(cpus, name),
                 (("debug", "iso-test"),), lane=f"user@{cpus}")
            for cpus in CPU_COUNTS["user"] for name in names]


class SharedGuest:
    """The machine that programs of tests/user run on, one after the other; new after trouble."""
    guest = None
    cpus = 0

    @classmethod
    def get(cls, cpus):
        if cls.guest is None or cls.cpus != cpus or cls.guest.ended:
            cls.drop()
            options = Options(image=build.image("debug", "iso-test"), smp=cpus, reboot=False,
                              extra=FREE_DEVICE)
            cls.guest, cls.cpus = Guest(options, f"user@{cpus}"), cpus
            cls.guest.wait_for_shell()
        return cls.guest

    @classmethod
    def drop(cls):
        if cls.guest is not None:
            cls.guest.stop()
            cls.guest = None


def run_user(cpus, program):
    name, start = f"user@{cpus}/{program}", time.monotonic()
    output, trouble, guest = "", "", None
    try:
        with time_limit(PROGRAM_LIMIT + 120):
            guest = SharedGuest.get(cpus)
            at = guest.seen
            output = guest.command(f"/test/{program}", PROGRAM_LIMIT)
    except (GuestError, TimeUp) as error:
        trouble = str(error)
        output = guest.log[at:] if guest is not None else ""
        SharedGuest.drop()
    (LOGS / f"{name.replace('/', '.')}.log").write_text(output + trouble)
    report = Report(output)
    yield from report_results(name, report, time.monotonic() - start)
    if trouble and not report.problem:
        yield Result(name, "failed", time.monotonic() - start, trouble + "\n" + output[-1500:])


def system_module(name):
    """A module of tests/system, which finds others of that folder."""
    if str(SYSTEM) not in sys.path:
        sys.path.insert(0, str(SYSTEM))
    return importlib.import_module(name)


def system_units(settings):
    units = []
    for path in sorted(SYSTEM.glob("test_*.py")):
        module = system_module(path.stem)
        for function_name, function in vars(module).items():
            if function_name.startswith("test_") and callable(function):
                name = f"system/{path.stem[5:]}.{function_name[5:]}"
                units.append(Unit(
                    name, lambda n=name, f=function: run_system(n, f, settings),
                    getattr(function, "needs", IMAGES),
                    long=getattr(function, "long", False),
                    alone=getattr(function, "alone", False)))
    return units


def run_system(name, function, settings, limit=SYSTEM_LIMIT):
    start = time.monotonic()
    limit = getattr(function, "timeout", limit)
    if getattr(function, "long", False):
        limit = max(limit, settings.minutes * 60 + SYSTEM_LIMIT)
    verdict = "passed"
    context = Context(name, settings, LOGS)
    try:
        with time_limit(limit):
            function(context)
        detail = "\n".join(context.notes)
    except SkipTest as skip:
        verdict, detail = "skipped", str(skip)
    except Exception as error:  # whatever a test raises is its failure
        verdict = "failed"
        detail = (str(error) if isinstance(error, AssertionError) else traceback.format_exc())
        detail += f"\nseed {settings.seed}"
        for guest in context.guests:
            guest.catch_up()
            detail += f"\n--- end of {guest.name}'s console\n{guest.log[-1500:]}"
    finally:
        context.close()
    yield Result(name, verdict, time.monotonic() - start, detail)


def row_units(settings):
    machines = system_module("machines")
    return [Unit(f"machines/{row.name}", lambda row=row: run_system(
        f"machines/{row.name}", lambda ctx: machines.drive(ctx, row), settings, ROW_LIMIT),
                 (("release", "iso"),), long=row.long) for row in machines.rows()]


def mutant_units(settings):
    return [Unit("mutants", lambda: run_mutants(settings), (), long=True, alone=True)]


def run_mutants(settings):
    start = time.monotonic()
    try:
        good, lines = mutation.run(settings.seed if settings.seed_given else None)
    except CommandError as error:
        good, lines = False, [str(error)]
    yield Result("mutants", "passed" if good else "failed", time.monotonic() - start,
                 "\n".join(lines))


def all_units(settings):
    build.check_place()
    build.make_folder(LOGS)
    units = []
    for suite in (check_units, tools_units, host_units, machine_units, user_units, system_units,
                  row_units, mutant_units):
        units += suite(settings)
    return units
