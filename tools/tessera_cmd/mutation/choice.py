# SPDX-License-Identifier: MIT
"""Which mutants are made: so many of each area, in an order that the seed makes, kinds in turn."""
from typing import NamedTuple

from .source import mutants_of


class Area(NamedTuple):
    name: str
    patterns: tuple  # of files
    count: int       # of mutants that compile


AREAS = (  # those first whose tests are quick
    Area("httpd", ("apps/srv/httpd/http/*.c",), 35),
    Area("ipc/ring", ("ipc/ring/*.c", "ipc/ring/*.h"), 26),
    Area("ipc/lib", ("ipc/lib/*.c",), 45),
    Area("kernel/core", ("kernel/core/*.c",), 52),
    Area("kernel/mm", ("kernel/mm/*.c",), 52),
)


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
