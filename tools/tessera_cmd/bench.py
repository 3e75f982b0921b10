# SPDX-License-Identifier: MIT
"""`./tessera bench`: measures the rows of bench/budget.def on the release kernel.

Most rows are printed by the programs in bench/, run at the shell of a guest that counts
instructions instead of time: lines `bench ROW VALUE NAME=COUNT …` (bench/lib/measure.h). What
talks to the host cannot run so, since an idle guest would jump to its next timer: HTTP is measured
without, its instructions counted by a plugin of QEMU (bench/plugin).
"""
import json
import math
import mmap
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from typing import NamedTuple

from . import build, packages
from .console import CommandError, Step, coloured, say, warn
from .machine import Options, free_port
from .testing.guest import Guest, GuestError

BUDGET = build.ROOT / "bench" / "budget.def"
ROW = re.compile(r'^BUDGET\(\s*(\w+),\s*(\w+),\s*([\w.]+),\s*([\w.]+),\s*([\w.]+),\s*([\w.]+),'
                 r'\s*"((?:[^"]|"\s*")*)"\)', re.M)
LINE = re.compile(r"^bench (\w+) (\d+(?:\.\d+)?)((?: \w+=[\d.]+)*)\s*$", re.M)
FAILURE = re.compile(r"^bench (.+) failed: (.*)$", re.M)
PROGRAM_LIMIT = 900   # seconds; a guest that counts instructions is slow
HTTP_SECONDS = 8
MEMORY_SIZES = (12, 16, 20, 24, 32, 48, 64, 96)
PAGE_SIZE, FILE_SIZE = 1024, 16 << 20


class Row(NamedTuple):
    name: str
    unit: str
    linux: float
    sel4: float
    bar: float
    goal: float
    definition: str


class Measured(NamedTuple):
    value: float
    counts: dict


def read_budget():
    def number(text):
        return None if text == "NONE" else float(text)
    rows = [Row(name, unit, *map(number, figures), re.sub(r'"\s*"', "", definition))
            for name, unit, *figures, definition in ROW.findall(BUDGET.read_text())]
    if not rows:
        raise CommandError(f"{BUDGET}: no rows in it")
    return rows


def programs():
    folder = build.ROOT / "bench"
    return sorted({path.stem for path in folder.glob("*.c")} |
                  {path.parent.name for path in folder.glob("*/CMakeLists.txt")})


def parse(text):
    """{row: Measured} and [failures] of a program's output."""
    found = {}
    for name, value, counts in LINE.findall(text):
        pairs = (pair.split("=") for pair in counts.split())
        found[name] = Measured(float(value), {key: float(count) for key, count in pairs})
    return found, [f"{name}: {why.strip()}" for name, why in FAILURE.findall(text)]


def measure_programs():
    """The rows that the programs in bench/ print."""
    found = {}
    options = Options(image=build.image("release", "iso-test"), icount=True, cpu="max,-erms",
                      reboot=False)
    guest = None
    for program in programs():
        with Step(f"bench/{program}"):
            try:
                if guest is None:
                    guest = Guest(options, "bench")
                    guest.wait_for_shell(PROGRAM_LIMIT)
                rows, failures = parse(guest.command(f"/bench/{program}", PROGRAM_LIMIT))
                found.update(rows)
                for failure in failures:
                    warn(f"bench/{program}: {failure}")
                if not rows:
                    warn(f"bench/{program}: it printed no row")
            except GuestError as error:
                warn(f"bench/{program}: {error}")
                if guest is not None:
                    guest.stop()
                    guest = None
    if guest is not None:
        found.update(parse(guest.log)[0])  # boot, which init prints
        guest.stop()
    return found


class Counter:
    """The plugin's counters of user and kernel instructions."""

    def __init__(self, folder):
        self.library = pathlib.Path(folder) / "count.so"
        self.file = pathlib.Path(folder) / "counts"
        source = build.ROOT / "bench" / "plugin" / "count.c"
        subprocess.run(["clang-14", "-O2", "-shared", "-fPIC", source, "-o", self.library],
                       check=True)

    @property
    def words(self):
        return ("-plugin", f"{self.library},out={self.file}")

    def read(self):
        with open(self.file, "rb") as file, \
                mmap.mmap(file.fileno(), 16, access=mmap.ACCESS_READ) as data:
            return sum(struct.unpack("<QQ", data[:16]))


def wrk(port, connections):
    """Requests that wrk got answered in HTTP_SECONDS."""
    result = subprocess.run(["wrk", "-t", "1", "-c", str(connections), "-d", f"{HTTP_SECONDS}s",
                             f"http://127.0.0.1:{port}/page"], capture_output=True, text=True)
    requests = re.search(r"(\d+) requests in", result.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", result.stdout)
    if result.returncode or requests is None or bad or int(requests.group(1)) == 0:
        raise CommandError(f"wrk: {result.stdout}{result.stderr}")
    return int(requests.group(1))


def measure_http():
    """Instructions per request and per byte."""
    folder = tempfile.mkdtemp(prefix="tessera-bench-")
    try:
        www = pathlib.Path(folder) / "www"
        www.mkdir()
        (www / "page").write_bytes(b"x" * PAGE_SIZE)
        (www / "file").write_bytes(bytes(range(256)) * (FILE_SIZE // 256))
        build.pack_disk(www, pathlib.Path(folder) / "disk")
        counter = Counter(folder)
        options = Options(image=build.image("release"), port=free_port(), reboot=False,
                          disk=pathlib.Path(folder) / "disk", extra=counter.words)
        with Guest(options, "http") as guest:
            return measure_requests(guest, counter)
    except (GuestError, OSError, subprocess.CalledProcessError) as error:
        warn(f"HTTP: {error}")
        return {}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure_requests(guest, counter):
    found = {}
    guest.wait_for_page("/page")
    for connections in (1, 64):
        wrk(guest.port, connections)  # to warm up
        before = counter.read()
        requests = wrk(guest.port, connections)
        found[f"http_{connections}"] = Measured(
            (counter.read() - before) / requests,
            {"requests_a_second": requests / HTTP_SECONDS})
    guest.get("/file", timeout=120)
    before = counter.read()
    status, _, body = guest.get("/file", timeout=120)
    if status != 200 or len(body) != FILE_SIZE:
        raise GuestError(f"GET /file: status {status}, {len(body)} bytes")
    found["http_byte"] = Measured((counter.read() - before) / FILE_SIZE, {})
    return found


def serves_with(memory):
    options = Options(image=build.image("release"), port=free_port(), memory=memory, reboot=False)
    with Guest(options, "memory") as guest:
        try:
            return guest.wait_for_page(timeout=30)[0] == 200
        except GuestError:
            return False


def measure_memory():
    """The smallest of MEMORY_SIZES that boots to serving pages."""
    for size in MEMORY_SIZES:
        if serves_with(size):
            return {"memory_to_serve": Measured(size, {})}
    warn(f"no page with {MEMORY_SIZES[-1]} MiB")
    return {}


def figure(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 1000 or value == math.floor(value) else f"{value:,.1f}"


def verdict(row, value):
    if value <= row.goal if row.unit != "RATIO" or row.goal < 1 else value >= row.goal:
        return coloured("goal", "1;32", sys.stdout)
    if value <= row.bar if row.unit != "RATIO" or row.goal < 1 else value >= row.bar:
        return coloured("bar", "32", sys.stdout)
    return coloured("misses the bar", "1;31", sys.stdout)


def print_table(rows, found):
    print(f"{'row':20} {'Linux':>13} {'seL4':>7} {'bar':>11} {'goal':>11} {'Tessera':>13}")
    for row in rows:
        if row.name not in found:
            continue
        value, counts = found[row.name]
        extra = "  ".join(f"{name} {figure(count)}" for name, count in counts.items())
        print(f"{row.name:20} {figure(row.linux):>13} {figure(row.sel4):>7} {figure(row.bar):>11} "
              f"{figure(row.goal):>11} {figure(value):>13}  {verdict(row, value)}  {extra}")
    missing = [row.name for row in rows if row.name not in found]
    if missing:
        print(f"\nnot measured: {', '.join(missing)}")
    print("\nguest instructions, medians, except as bench/budget.def says; Linux 6.1 tuned, seL4 "
          "its own suite")


def print_json(rows, found):
    print(json.dumps([dict(row._asdict(), value=found[row.name].value, **found[row.name].counts)
                      if row.name in found else dict(row._asdict(), value=None)
                      for row in rows], indent=1))


def run(options):
    packages.require(packages.BUILD, packages.IMAGE, packages.RUN, packages.TEST)
    rows = read_budget()
    known = {row.name for row in rows}
    if unknown := set(options.names) - known:
        raise CommandError(f"not in bench/budget.def: {' '.join(sorted(unknown))}")
    wanted = set(options.names) or known
    rows = [row for row in rows if row.name in wanted]
    build.build("release", "iso", "iso-test")
    outside = {"http_1", "http_64", "http_byte", "memory_to_serve"}
    found = {}
    if wanted - outside:
        found.update(measure_programs())
    if wanted & {"http_1", "http_64", "http_byte"}:
        with Step("HTTP"):
            found.update(measure_http())
    if "memory_to_serve" in wanted:
        with Step("the smallest memory"):
            found.update(measure_memory())
    for name in sorted(set(found) - known):
        say(f"a row that is not in bench/budget.def: {name}")
    (print_json if options.json else print_table)(rows, found)
    return 0 if any(row.name in found for row in rows) else 1
