# SPDX-License-Identifier: MIT
"""Results of mutants, kept from run to run; those that may go unnoticed; the sum."""
import hashlib
import json

from .. import build
from . import tree
from .judge import Verdict

RESULTS = tree.FOLDER / "results.jsonl"
ALLOWED = build.ROOT / "tests" / "mutants.txt"
BAR = 0.95


def allowed_survivors(text):
    """{name: reason} of tests/mutants.txt: a line with the name, then indented ones why."""
    reasons, name = {}, None
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" "):
            name = line.strip()
            reasons[name] = ""
        elif name is not None:
            reasons[name] = f"{reasons[name]} {line.strip()}".strip()
    return reasons


class Results:
    """What each stage found of each mutant. What was noticed stays so while its file is the same;
    what was not is looked at again when a test has changed that could see it."""

    def __init__(self):
        self.known = {}
        self.digests = {}  # of the files
        if RESULTS.exists():
            for line in RESULTS.read_text().splitlines():
                entry = json.loads(line)
                self.known[entry["key"]] = entry

    def key(self, stage, mutant):
        if mutant.path not in self.digests:
            self.digests[mutant.path] = tree.digest([mutant.path])
        text = f"{stage}/{mutant.name}/{self.digests[mutant.path]}"
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def get(self, stage, mutant, tests):
        entry = self.known.get(self.key(stage, mutant))
        if entry is None or (entry["verdict"] == "survived" and entry["tests"] != tests):
            return None
        return Verdict(entry["verdict"], entry["by"])

    def put(self, stage, mutant, tests, verdict):
        entry = {"key": self.key(stage, mutant), "name": mutant.name, "stage": stage,
                 "verdict": verdict.word, "by": verdict.by, "tests": tests}
        self.known[entry["key"]] = entry
        with RESULTS.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def summary(judged, allowed):
    """(whether all is well, lines that say what was found) of [(area, mutant, verdict)]."""
    lines = []
    for area in dict.fromkeys(area for area, _, _ in judged):
        words = [verdict.word for other, _, verdict in judged if other == area]
        lines.append(f"{area}: {words.count('noticed')} of {len(words)}")
    survivors = [mutant for _, mutant, verdict in judged if verdict.word == "survived"]
    part = 1 - len(survivors) / len(judged) if judged else 0
    lines.append(f"all: {len(judged) - len(survivors)} of {len(judged)}, {part:.1%}")
    unlisted = [mutant for mutant in survivors if not allowed.get(mutant.name)]
    lines += [f"not noticed, and no reason in tests/mutants.txt (line {mutant.line}): {mutant.name}"
              for mutant in unlisted]
    noticed = {mutant.name for _, mutant, verdict in judged if verdict.word == "noticed"}
    stale = sorted(noticed & set(allowed) - {mutant.name for mutant in survivors})
    lines += [f"noticed: its line in tests/mutants.txt is to go: {name}" for name in stale]
    return part >= BAR and not unlisted and not stale, lines
