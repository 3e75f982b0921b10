# SPDX-License-Identifier: MIT
"""Printing what was measured."""
import json
import sys

from ..console import coloured

UNITS = {"INSTRUCTIONS": "", "PER_BYTE": "/byte", "MIB": "MiB", "SECONDS": "s", "PERCENT": "%",
         "PER_SECOND": "/s", "MB_PER_SECOND": "MB/s", "RATIO": "x", "FASTER": "x",
         "SHARE": "x"}
NOTE = "guest instructions, medians, where no unit stands; Linux 6.1 tuned, seL4 its own suite"


def figure(value):
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:,.2f}"


def verdict(row, value):
    if row.bar is None:
        return "no bar"
    if row.reaches(value, row.goal):
        return coloured("goal", "1;32", sys.stdout)
    if row.reaches(value, row.bar):
        return coloured("bar", "32", sys.stdout)
    return coloured("misses the bar", "1;31", sys.stdout)


def print_table(rows, found):
    print(f"{'row':18} {'Linux':>13} {'seL4':>6} {'bar':>11} {'goal':>10} {'Tessera':>11}")
    for row in rows:
        if row.name not in found:
            continue
        value, counts = found[row.name]
        extra = "  ".join(f"{name} {figure(count)}" for name, count in counts.items())
        print(f"{row.name:18} {figure(row.linux):>13} {figure(row.sel4):>6} {figure(row.bar):>11} "
              f"{figure(row.goal):>10} {figure(value):>11} {UNITS[row.unit]:5} "
              f"{verdict(row, value)}  {extra}")
    missing = [row.name for row in rows if row.name not in found]
    if missing:
        print(f"\nnot measured: {', '.join(missing)}")
    print(f"\n{NOTE}")


def print_json(rows, found):
    print(json.dumps([dict(row._asdict(), value=found[row.name].value, counts=found[row.name].counts)
                      if row.name in found else dict(row._asdict(), value=None, counts={})
                      for row in rows], indent=1))
