# SPDX-License-Identifier: MIT
"""What the documents say is there, and what must have a document has one."""
import re

from checks import tree

README_LINES = 10


def calls():
    """Names of all system calls and operations, in lower case."""
    names = set()
    for file, macro in (("operation.def", "TS_OPERATION"), ("syscall.def", "TS_SYSCALL")):
        found = re.findall(rf"^{macro}\((\w+),", tree.text(f"ipc/abi/{file}"), re.M)
        if not found:
            yield f"ipc/abi/{file}: no {macro} in it"
        names |= {name.lower() for name in found}
    yield from sorted(names)


def protocols():
    """Classes of servers. queue.h is what frame.h is made of, no class."""
    for name in tree.tracked(".h"):
        if match := re.fullmatch(r"ipc/proto/(\w+)\.h", name):
            if match.group(1) != "queue":
                yield match.group(1)


def check_pages():
    pages = [f"docs/abi/{name}.md" for name in calls()]
    for page in pages + [f"docs/protocols/{name}.md" for name in protocols()]:
        if not (tree.ROOT / page).is_file():
            yield f"{page}: missing"
        elif len(tree.text(page).split()) < 40:
            yield f"{page}: says hardly anything"


def check_links():
    for name in tree.tracked(".md"):
        for number, line in enumerate(tree.text(name).splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (tree.ROOT / name).parent.joinpath(target).exists():
                    yield f"{name}:{number}: no such file: {target}"
    numbers = {}
    for name in tree.tracked(".md"):
        if match := re.match(r"docs/decisions/(\d+)-", name):
            other = numbers.setdefault(match.group(1), name)
            if other != name:
                yield f"{name}: {other} has that number"
            elif not re.match(rf"# {int(match.group(1))}\. ", tree.text(name)):
                yield f"{name}: its title does not begin with its number"


def check_tour():
    tour = tree.ROOT / "docs" / "tour.md"
    if not tour.is_file():
        yield "docs/tour.md: missing"
        return
    files = tree.tracked()
    words = set()
    for name in files:
        if name.endswith((".c", ".h", ".S", ".def", ".py", ".ld")) or "." not in name:
            words.update(re.findall(r"\w+", tree.text(name)))
    for number, line in enumerate(tour.read_text().splitlines(), 1):
        for code in re.findall(r"`([^`]+)`", line):
            if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?", code):
                if not (tree.ROOT / code).exists():
                    yield f"docs/tour.md:{number}: no such file: {code}"
            elif match := re.fullmatch(r"(?:struct |enum )?([A-Za-z_]\w{2,})(?:\(\))?", code):
                if match.group(1) not in words:
                    yield f"docs/tour.md:{number}: no such name: {code}"


def check_readmes():
    files = tree.tracked()
    folders = {"/".join(name.split("/")[:depth]) for name in files for depth in (1, 2)
               if name.count("/") >= depth}
    for folder in sorted(folders):
        # The documents explain themselves, configuration is the image's content.
        if folder.startswith((".", "docs/", "iso/etc", "iso/boot")):
            continue
        readme = tree.ROOT / folder / "README.md"
        if not readme.is_file():
            yield f"{folder}/README.md: missing"
        elif len(readme.read_text().splitlines()) > README_LINES:
            yield f"{folder}/README.md: more than {README_LINES} lines"


def check_rules():
    """Rows `| Q04 | what holds | `file.c` |`, and functions rule_q04_… below tests/."""
    name = "docs/invariants.md"
    files = tree.tracked()
    tested = set()
    for test in files:
        if test.startswith("tests/") and test.endswith((".c", ".py")):
            tested |= set(re.findall(r"rule_([a-z]\d\d)_", tree.text(test)))
    rows = re.findall(r"^\| ([A-Z]\d\d) \|.*\| ([^|]*) \|$", tree.text(name), re.M)
    if not rows:
        yield f"{name}: no rules in it"
    for rule, enforced in rows:
        if rule.lower() not in tested:
            yield f"{name}: {rule} has no test named rule_{rule.lower()}_…"
        for place in re.findall(r"`([^`]+)`", enforced):
            if not any(file == place or file.endswith("/" + place) or f"/{place.rstrip('/')}/" in "/" + file
                       for file in files):
                yield f"{name}: {rule} is enforced by {place}, which does not exist"
