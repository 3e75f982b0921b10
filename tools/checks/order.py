# SPDX-License-Identifier: MIT
"""The files of a program's folder have an order: none needs, by whatever way, what needs it.

A file needs another if it uses a name that the other defines; what the objects of the debug build
say counts, not what is included. A folder is one with a CMakeLists.txt, with all below it; of those
that the top one lists, the first two levels of the tree.

A program's main.c begins with a comment that draws the order, and it is held to that:

    // Each file knows only those above it:
    //
    //   part/*       a folder below, which has an order of its own
    //   left, right  two that do not know each other
    //   main         what it is for
"""
import collections
import fnmatch
import itertools
import os
import re

from checks import objects, tree

# Folders that still go round. A folder leaves this list when its last circle is gone; none comes.
NOT_YET = frozenset()


def folder_of(source):
    """The program's folder that a source is in."""
    folder = os.path.dirname(source)
    while folder and not (tree.ROOT / folder / "CMakeLists.txt").is_file():
        folder = os.path.dirname(folder)
    return folder or "/".join(source.split("/")[:-1][:2])


def needs(found):
    """{source: {another that it needs: names}} of the objects of one folder."""
    graph = {one.source: collections.defaultdict(set) for one in found}
    for one in found:
        for other in found:
            # Of one folder can be many programs, each with a main.
            common = one.uses & other.defines if one.source != other.source else None
            if common:
                graph[one.source][other.source] |= common
    return graph


def way(graph, start, end):
    """The shortest way from one file to another, as a list of files; None: there is none."""
    before = {start: None}
    waiting = collections.deque([start])
    while waiting:
        at = waiting.popleft()
        for following in sorted(graph[at]):
            if following == end:
                steps = [at]
                while before[steps[-1]]:
                    steps.append(before[steps[-1]])
                return [*reversed(steps), end]
            if following not in before:
                before[following] = at
                waiting.append(following)
    return None


def circles(graph):
    """Shortest circles, each in files that were in none before: enough to see what to break."""
    seen = set()
    for source in sorted(graph):
        circle = None if source in seen else way(graph, source, source)
        if circle and not seen.intersection(circle):
            seen.update(circle)
            yield circle


def describe(folder, graph, circle):
    steps = [os.path.relpath(circle[0], folder)]
    for one, other in zip(circle, circle[1:]):
        steps.append(f"needs {min(graph[one][other])} of {os.path.relpath(other, folder)}")
    return f"{folder}: {', which '.join(steps)}"


DRAWING = "Each file knows only those above it:"
DRAWN = re.compile(r"//   ([\w/*-]+(?:, [\w/*-]+)*)(?:  +.*)?")


def drawing(text):
    """[names of a line, …] of the drawing in a program's first comment."""
    comment = list(itertools.takewhile(lambda line: line.startswith("//"), text.splitlines()))
    lines = list(itertools.dropwhile(lambda line: not line.endswith(DRAWING), comment))[2:]
    return [match.group(1).split(", ") for match in
            itertools.takewhile(bool, map(DRAWN.fullmatch, lines))]


def wrongly_drawn(folder, graph, lines):
    """What a drawing says that is not so, or does not say."""
    rows = {}  # {file: (its row, whether that is a folder's)}
    for row, names in enumerate(lines):
        for name in names:
            meant = [source for source in graph if fnmatch.fnmatchcase(
                os.path.splitext(os.path.relpath(source, folder))[0], name)]
            if not meant:
                yield f"{folder}/main.c: draws {name}, which is not there"
            rows |= {source: (row, "*" in name) for source in meant}
    for source in sorted(graph):
        if source not in rows:
            yield f"{folder}/main.c: does not draw {os.path.relpath(source, folder)}"
            continue
        row, is_folder = rows[source]
        for other in sorted(rows.keys() & graph[source]):
            if rows[other][0] > row - (not is_folder):
                yield (f"{folder}/main.c: does not draw {os.path.relpath(other, folder)} above "
                       f"{os.path.relpath(source, folder)}, which needs it")


def drawn_errors(folder, graph):
    main = f"{folder}/main.c"
    if main not in graph or len(graph) == 1:
        return
    lines = drawing(tree.text(main))
    if not lines:
        yield f"{main}: its first comment does not draw the order of the files"
    else:
        yield from wrongly_drawn(folder, graph, lines)


def order_errors(not_yet):
    folders = collections.defaultdict(list)
    try:
        for one in objects.read(lambda source: tree.below(source, tree.USER)):
            folders[folder_of(one.source)].append(one)
    except objects.Unbuilt as error:
        yield str(error)
        return
    for folder, found in sorted(folders.items()):
        graph = needs(found)
        turns = [describe(folder, graph, circle) for circle in circles(graph)]
        if folder not in not_yet:
            yield from turns or drawn_errors(folder, graph)
        elif not turns:
            yield f"{folder}: has an order now: it leaves the list in tools/checks/order.py"
    for folder in sorted(set(not_yet) - set(folders)):
        yield f"{folder}: is on the list in tools/checks/order.py, but nothing is built of it"


def check_order():
    yield from order_errors(NOT_YET)
