# SPDX-License-Identifier: MIT
"""The rows of bench/budget.def, and figures for them."""
import re
from typing import NamedTuple

from .. import build
from ..console import CommandError

BUDGET = build.ROOT / "bench" / "budget.def"
ROW = re.compile(r'^BUDGET\(\s*(\w+),\s*(\w+),\s*([\w.]+),\s*([\w.]+),\s*([\w.]+),\s*([\w.]+),'
                 r'\s*"((?:[^"]|"\s*")*)"\)', re.M)
LINE = re.compile(r"^bench (\w+) (\d+(?:\.\d+)?)((?: \w+=[\d.]+)*)\s*$", re.M)
FAILURE = re.compile(r"^bench (.+) failed: (.*)$", re.M)
MORE_IS_BETTER = ("PER_SECOND", "MB_PER_SECOND", "FASTER", "SHARE")


class Row(NamedTuple):
    name: str
    unit: str
    linux: float
    sel4: float
    bar: float
    goal: float
    definition: str

    def reaches(self, value, figure):
        """Whether a value is as good as a figure (which may be None: no)."""
        if figure is None:
            return False
        return value >= figure if self.unit in MORE_IS_BETTER else value <= figure


class Measured(NamedTuple):
    value: float
    counts: dict = {}


def read():
    def number(text):
        return None if text == "NONE" else float(text)
    rows = [Row(name, unit, *map(number, figures), re.sub(r'"\s*"', "", definition))
            for name, unit, *figures, definition in ROW.findall(BUDGET.read_text())]
    if not rows:
        raise CommandError(f"{BUDGET}: no rows in it")
    return rows


def parse(text):
    """{row: Measured} and [failures] of what a program in bench/ printed (bench/lib/measure.h)."""
    found = {}
    for name, value, counts in LINE.findall(text):
        pairs = (pair.split("=") for pair in counts.split())
        found[name] = Measured(float(value), {key: float(count) for key, count in pairs})
    return found, [f"{name}: {why.strip()}" for name, why in FAILURE.findall(text)]
