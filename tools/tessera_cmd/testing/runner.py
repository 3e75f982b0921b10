# SPDX-License-Identifier: MIT
"""Chooses tests, builds what they need, runs them, and reports."""
import itertools
import random
import re
import sys
import time

from .. import build, packages
from ..console import coloured, say, warn
from . import lanes, suites

EXPECTED = build.ROOT / "tests" / "expected.txt"
SKIPS = build.ROOT / "tests" / "skips.txt"
SLOWEST = 10
DETAIL_FIRST, DETAIL_LAST = 15, 25  # lines shown of a failure's detail: what it was, how it ended


def chosen(name, patterns):
    """Whether a name is one of the patterns, or below one of them."""
    return not patterns or any(
        name == pattern or name.startswith((pattern + "/", pattern + ".", pattern + "@"))
        for pattern in (pattern.rstrip("/") for pattern in patterns))


def unit_chosen(unit, patterns):
    """The same for a unit, whose tests may have longer names than it."""
    return chosen(unit.name, patterns) or any(
        pattern.startswith((unit.name + ".", unit.name + "/")) for pattern in patterns)


def named_in_sources():
    """Tests that the sources name: TAP(NAME) of the programs of one file, examples of docs/abi, and
    machines that are always booted."""
    for path in sorted((build.ROOT / "tests" / "user").glob("*.c")):
        for name in re.findall(r"\bTAP\((\w+)\)", path.read_text()):
            yield f"user@*/{path.stem}.{name}"
    for path in sorted((build.ROOT / "docs" / "abi").glob("*.md")):
        yield f"user@*/examples.{path.stem}"
    for line in (build.ROOT / "tests" / "system" / "machines.txt").read_text().splitlines():
        if line.startswith("always "):
            yield "machines/" + ".".join(line.split()[1:])


def expected_names():
    """Lines of tests/expected.txt, and what the sources name; `user@*/x` stands for every number
    of CPUs."""
    names = []
    listed = EXPECTED.read_text().splitlines() if EXPECTED.exists() else []
    for line in dict.fromkeys([*listed, *named_in_sources()]):
        name = line.split("#")[0].strip()
        suite, star, rest = name.partition("@*")
        if star:
            names += [f"{suite}@{cpus}{rest}" for cpus in suites.CPU_COUNTS[suite]]
        elif name:
            names.append(name)
    return names


def allowed_skips(text):
    """{name: reason} of the lines of tests/skips.txt."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if not line.startswith("#"))
    return {words[0]: words[1].strip() for words in lines if len(words) == 2}


def judged(result, skips):
    """The result, as a failure if it was skipped without leave, or ran with a leave to skip."""
    allowed = skips.get(result.name)
    if result.verdict == "skipped" and allowed != result.detail.strip():
        return result._replace(verdict="failed", detail="skipped, which tests/skips.txt does not "
                               f"allow: {result.detail.strip()}")
    if result.verdict == "passed" and allowed is not None:
        return result._replace(verdict="failed", detail="it ran: its line in tests/skips.txt "
                               "is to go")
    return result


def wanted(unit, settings):
    """A long one has to be asked for: all of them, it by its name, or a suite of nothing else."""
    names = [name.rstrip("/") for name in settings.names]
    return unit_chosen(unit, names) and (settings.long or not unit.long or unit.name in names
                                         or unit.name.startswith("machines/") and "machines" in names)


def build_for(units):
    """Builds what the units need; returns {(kind, target): error} of what failed."""
    failed = {}
    for kind, target in dict.fromkeys(need for unit in units for need in unit.needs):
        try:
            if kind == "host":
                build.build_host()
            else:
                build.build(kind, target)
        except build.CommandError as error:
            warn(str(error))
            failed[kind, target] = str(error)
    return failed


def show(result):
    word, colour = {"passed": ("ok", "32"), "failed": ("FAILED", "1;31"),
                    "skipped": ("skipped", "33")}[result.verdict]
    print(f"{coloured(word, colour, sys.stdout):8} {result.name} ({result.seconds:.1f} s)",
          flush=True)
    if result.verdict == "failed":
        lines = result.detail.rstrip().splitlines()
        if len(lines) > DETAIL_FIRST + DETAIL_LAST:
            lines = [*lines[:DETAIL_FIRST], "…", *lines[-DETAIL_LAST:]]
        for line in lines:
            print(f"    {line}")
    elif result.detail and (result.verdict == "skipped" or result.name.startswith(("system/", "mutants"))):
        print("    " + result.detail.replace("\n", "\n    "))


def run_units(units, failed_builds, patterns, jobs):
    skips = allowed_skips(SKIPS.read_text())
    broken = {unit.name: failed_builds[need] for unit in units for need in unit.needs
              if need in failed_builds}
    produced = itertools.chain(
        (suites.Result(name, "failed", 0, why) for name, why in broken.items()),
        lanes.run([unit for unit in units if unit.name not in broken], jobs))
    results = []
    for result in (judged(result, skips) for result in produced):
        if result.verdict == "failed" or chosen(result.name, patterns):
            show(result)
            results.append(result)
    return results


def missing_results(results, patterns):
    """Failures for the expected tests that did not run."""
    names = {result.name for result in results}
    return [suites.Result(name, "failed", 0, "on the list tests/expected.txt, but it did not run")
            for name in expected_names() if name not in names and chosen(name, patterns)]


def warn_of_unlisted(units, results):
    """Names the tests that could vanish unnoticed."""
    known = set(expected_names()) | {unit.name for unit in units if unit.long}
    unlisted = [result.name for result in results if result.name not in known]
    if unlisted:
        warn("not on the list tests/expected.txt: " + " ".join(unlisted))


def list_tests(units, patterns):
    names = {unit.name for unit in units if not re.match(r"(machine|user)@", unit.name)}
    names |= set(expected_names())
    covered = {unit.name for unit in units
               if not any(name.startswith(unit.name) for name in names)}
    for name in sorted(names | covered):
        if chosen(name, patterns):
            print(name)
    return 0


def summarise(results, seconds):
    slowest = sorted(results, key=lambda result: -result.seconds)[:SLOWEST]
    if len(results) > 1:
        print("\nslowest:")
        for result in slowest:
            print(f"{result.seconds:8.1f} s  {result.name}")
    count = {verdict: sum(result.verdict == verdict for result in results)
             for verdict in ("passed", "failed", "skipped")}
    if count["failed"]:
        print("\nfailed:")
        for result in results:
            if result.verdict == "failed":
                print(f"    {result.name}")
    print()
    say(f"{seconds:.0f} s" + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    print(f"{count['passed']} passed, {count['failed']} failed", flush=True)
    return 1 if count["failed"] or not count["passed"] else 0


def run(settings):
    settings.seed_given = settings.seed is not None
    if settings.seed is None:
        settings.seed = random.SystemRandom().randrange(1 << 32)
    packages.require(*packages.EVERYTHING_FOR_TESTS)
    units = suites.all_units(settings)
    if settings.list:
        return list_tests(units, settings.names)
    units = [unit for unit in units if wanted(unit, settings)]
    nothing = [name for name in settings.names
               if not any(unit_chosen(unit, [name]) for unit in units)]
    if nothing or not units:
        warn(f"no such test: {', '.join(nothing)}; see ./tessera test --list, and --long")
        return 1
    start = time.monotonic()
    say(f"seed {settings.seed}; logs in {suites.LOGS.relative_to(build.ROOT)}")
    failed_builds = build_for(units)
    results = run_units(units, failed_builds, settings.names, settings.jobs)
    warn_of_unlisted(units, results)
    for result in missing_results(results, settings.names):
        show(result)
        results.append(result)
    return summarise(results, time.monotonic() - start)
