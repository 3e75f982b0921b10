# SPDX-License-Identifier: MIT
"""Which mutants are made: so many of each area, in an order that the seed makes, kinds in turn."""
import pathlib
from typing import NamedTuple

from .source import mutants_of


class Area(NamedTuple):
    name: str
    patterns: tuple  # of files
    count: int       # of mutants that compile
    programs: tuple  # of tests/user, those that use it, the likeliest first


AREAS = (  # those first whose tests are quick
    Area("httpd", ("apps/srv/httpd/http/*.c",), 35, ()),
    Area("ipc/ring", ("ipc/ring/*.c", "ipc/ring/*.h"), 26,
         ("rules_rings", "rules_ports", "rules_time", "kernel_ports", "kernel_objects")),
    Area("ipc/lib", ("ipc/lib/*.c",), 45,
         ("kernel_objects", "posix_files", "rules_handles", "kernel_ports", "rules_memory",
          "machine_state")),
    Area("kernel/core", ("kernel/core/*.c",), 52,
         ("rules_requests", "rules_endings", "rules_ports", "rules_rings", "rules_handles",
          "rules_refused", "rules_signals", "kernel_ports", "rules_inflight", "rules_death",
          "rules_calls", "kernel_steps", "kernel_races")),
    Area("kernel/mm", ("kernel/mm/*.c",), 52,
         ("rules_memory", "rules_mappings", "kernel_mappings", "kernel_charges", "kernel_objects",
          "rules_refused", "machine_state", "kernel_steps")),
)


def area_of(path):
    return next(area for area in AREAS
                if any(pathlib.PurePath(path).match(pattern) for pattern in area.patterns))


def candidates(root, area):
    for pattern in area.patterns:
        for path in sorted(root.glob(pattern)):
            yield from mutants_of(str(path.relative_to(root)), path.read_text())


def in_order(mutants, seed):
    """One of each kind in turn, by rank, as long as there are any."""
    by_kind = {}
    for mutant in sorted(mutants, key=lambda mutant: mutant.rank(seed)):
        by_kind.setdefault(mutant.kind, []).append(mutant)
    queues = [by_kind[kind] for kind in sorted(by_kind)]
    while any(queues):
        for queue in queues:
            if queue:
                yield queue.pop(0)
