# SPDX-License-Identifier: MIT
"""All mutants of a seed: first the native tests see each, then the guest's those that are left.
Each is told; Ctrl-C ends it, and the next run goes on from there."""
import time

from ..console import say
from . import choice, judge, report, tree

SEED = 1  # whose survivors tests/mutants.txt has


class Stage:
    """Tests that are asked, and what they have said before."""

    def __init__(self, name, tests, results):
        self.name, self.tests, self.results = name, tests, results

    def ask(self, mutant, place):
        tests = self.tests.digest(mutant.path)
        known = self.results.get(self.name, mutant, tests)
        if known is not None:
            return known
        start = time.monotonic()
        verdict = self.tests.judge(mutant)
        self.results.put(self.name, mutant, tests, verdict)
        if verdict.word != "invalid":
            by = f" by {verdict.by}" if verdict.by else f" {self.name}'s tests"
            say(f"[{place}] {mutant.path}:{mutant.line} {mutant.kind}: {verdict.word}{by} "
                f"({time.monotonic() - start:.1f} s)")
        return verdict


def chosen(stage, seed):
    """(area, mutant, verdict) of as many as are wanted that compile."""
    total = sum(area.count for area in choice.AREAS)
    judged = []
    for area in choice.AREAS:
        left = area.count
        for mutant in choice.in_order(choice.candidates(tree.ROOT, area), seed):
            verdict = stage.ask(mutant, f"{len(judged) + 1}/{total}")
            if verdict.word != "invalid":
                judged.append((area.name, mutant, verdict))
                left -= 1
            if left == 0:
                break
    return judged


def judged_by_all(seed, allowed):
    """The same, when the guest's tests have seen those that the native ones did not notice, but for
    those that are known to be seen by nobody."""
    tree.bring_up_to_date()
    results = report.Results()
    judged = chosen(Stage("the host", judge.HostTests(), results), seed)
    left = [i for i, (_, mutant, verdict) in enumerate(judged)
            if verdict.word == "survived" and mutant.name not in allowed]
    noticed = sum(verdict.word == "noticed" for _, _, verdict in judged)
    say(f"{noticed} of {len(judged)} are noticed on the host, {len(left)} go to the guest")
    guest = Stage("the guest", judge.GuestTests(), results) if left else None
    for number, i in enumerate(left):
        area, mutant, _ = judged[i]
        judged[i] = area, mutant, guest.ask(mutant, f"{number + 1}/{len(left)}")
    return judged


def run(seed):
    """(whether all is well, lines to tell)"""
    seed = SEED if seed is None else seed
    allowed = report.allowed_survivors(report.ALLOWED.read_text()) if seed == SEED else {}
    with tree.own():
        judged = judged_by_all(seed, allowed)
    return report.summary(judged, allowed)
