# SPDX-License-Identifier: MIT
"""A copy of the sources, build/mutants/tree, with build folders of its own: mutants are made
there."""
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess

from .. import build
from ..console import CommandError

FOLDER = build.ROOT / "build" / "mutants"
ROOT = FOLDER / "tree"
HOST = ROOT / "build" / "host"


def tracked():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=build.ROOT, capture_output=True, check=True)
    return sorted(name for name in set(listing.stdout.decode().split("\0"))
                  if name and (build.ROOT / name).is_file())


def copy_if_other(name):
    source, target = build.ROOT / name, ROOT / name
    content = source.read_bytes()
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    shutil.copymode(source, target)


@contextlib.contextmanager
def own():
    """Nobody else is at work in the tree meanwhile."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"another run is in progress in {ROOT}") from None
        yield


def bring_up_to_date():
    """The tree has what the working tree has now. What is the same keeps its time."""
    names = tracked()
    for name in names:
        copy_if_other(name)
    known = set(names)
    for folder, folders, files in os.walk(ROOT):
        if folder == str(ROOT) and "build" in folders:
            folders.remove("build")
        for file in files:
            path = os.path.join(folder, file)
            if os.path.relpath(path, ROOT) not in known:
                os.remove(path)
    (ROOT / "build").mkdir(exist_ok=True)
    link = ROOT / "build" / "third-party"
    if not link.is_symlink():
        link.symlink_to(build.ROOT / "build" / "third-party")


def digest(names):
    """Of the contents of some files of the tree."""
    result = hashlib.sha256()
    for name in names:
        result.update(name.encode() + (ROOT / name).read_bytes())
    return result.hexdigest()[:16]


@contextlib.contextmanager
def changed(mutant):
    """The mutant's file is changed meanwhile."""
    path = ROOT / mutant.path
    source = path.read_text()
    path.write_text(mutant.applied(source))
    try:
        yield
    finally:
        path.write_text(source)
