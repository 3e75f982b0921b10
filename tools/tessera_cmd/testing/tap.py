# SPDX-License-Identifier: MIT
"""Reads TAP, the Test Anything Protocol, from between other lines of a guest's console."""
import re
from typing import NamedTuple

PLAN = re.compile(r"^1\.\.(\d+)\s*$")
POINT = re.compile(r"^(not )?ok\b(?:\s+(\d+))?(?:\s+-)?\s*(.*?)\s*$")
SKIP = re.compile(r"#\s*skip\b\s*(.*)$", re.I)


class Point(NamedTuple):
    name: str
    passed: bool
    skipped: bool  # never what failed
    detail: str    # the diagnostic lines that came with it; the reason of what was skipped


class Report:
    """Points of one program's output, in order, and what was wrong with the whole."""

    def __init__(self, text):
        self.points = []
        self.planned = None
        notes = []
        for line in text.replace("\r", "").split("\n"):
            if match := PLAN.match(line):
                self.planned = int(match.group(1))
            elif match := POINT.match(line):
                self._add_point(match, notes)
                notes = []
            elif line.startswith("#"):
                notes.append(line)
        self.notes = notes  # those after the last point

    def _add_point(self, match, notes):
        number, name = match.group(2), match.group(3)
        if number is not None and int(number) != len(self.points) + 1:
            notes = [*notes, f"# point {number} came as the {len(self.points) + 1}. one"]
        skip = SKIP.search(name)
        name = (name[:skip.start()] if skip else name.split(" # ")[0]).strip()
        passed = match.group(1) is None
        detail = skip.group(1) if passed and skip else "\n".join(notes)
        self.points.append(Point(name or f"point {len(self.points) + 1}", passed,
                                 passed and skip is not None, detail))

    @property
    def complete(self):
        return self.planned is not None and self.planned == len(self.points)

    @property
    def problem(self):
        """Why the report as a whole is bad, or an empty string."""
        if self.planned is None:
            return "it printed no plan (1..N)"
        if not self.complete:
            return f"{len(self.points)} of {self.planned} planned points came"
        names = [point.name for point in self.points]
        twice = sorted({name for name in names if names.count(name) > 1})
        return f"names used twice: {', '.join(twice)}" if twice else ""
