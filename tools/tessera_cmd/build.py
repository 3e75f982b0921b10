# SPDX-License-Identifier: MIT
"""Configuring and building with CMake, and images other than the plain one."""
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from . import packages
from .console import CommandError, Step, say

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARCH = os.environ.get("TESSERA_ARCH", "x86_64")  # a folder of arch/
KINDS = ("release", "debug")
SEPARATORS = " \t\n:#$%&*?;|<>()[]{}'\"`\\"  # of words, for make and the shell


def folder(kind):
    return ROOT / "build" / kind


def run_logged(command, log):
    """Runs a build step; on a terminal its progress is shown, else only what goes wrong."""
    if sys.stderr.isatty():
        result = subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL)
        shown = True
    else:
        with open(log, "wb") as out:
            result = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT,
                                    stdin=subprocess.DEVNULL)
        shown = False
    if result.returncode == 0:
        return
    if not shown:
        sys.stderr.write(log.read_text(errors="replace")[-8000:])
    raise CommandError(f"`{' '.join(map(str, command[:3]))} …` failed")


def check_place():
    """Whether this tree can be built where it is."""
    if bad := sorted(set(SEPARATORS).intersection(str(ROOT))):
        raise CommandError(f"{ROOT}: make and newlib's configure take a path with {bad[0]!r} apart: "
                           "move the tree to another")


@contextlib.contextmanager
def writing():
    """What is written below build/ in here may be refused to this user."""
    try:
        yield
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror.lower()}: what is built comes there, "
                           "so this user needs a tree of their own") from error


def make_folder(path):
    with writing():
        path.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def locked(kind):
    """One command at a time builds in a folder: a second one waits."""
    check_place()
    make_folder(folder(kind))
    with writing():
        lock = open(folder(kind) / "lock", "wb")
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def forget_lost_toolchain(out):
    """CMake cannot even run again in a folder whose toolchain file has another name by now."""
    for system in out.glob("CMakeFiles/*/CMakeSystem.cmake"):
        if match := re.search(r'^include\("(.*)"\)', system.read_text(), re.M):
            if not os.path.exists(match.group(1)):
                shutil.rmtree(out / "CMakeFiles")
                for name in ("CMakeCache.txt", "build.ninja"):
                    (out / name).unlink(missing_ok=True)
                return


def configure(kind, source=ROOT, build_type=None, always=False):
    """Runs CMake where it has not run; from then on the build does so itself when it must."""
    out = folder(kind)
    forget_lost_toolchain(out)
    if (out / "build.ninja").exists() and not always:
        return
    out.mkdir(parents=True, exist_ok=True)
    words = ["cmake", "-S", source, "-B", out, "-G", "Ninja", f"-DTESSERA_ARCH={ARCH}"]
    if build_type:
        words.append(f"-DCMAKE_BUILD_TYPE={build_type}")
    run_logged(words, out / "configure.log")


def build(kind, *targets):
    """Brings targets of the cross build up to date."""
    packages.require(packages.BUILD, packages.IMAGE)
    with Step(f"building {', '.join(targets)} ({kind})"), locked(kind):
        configure(kind, build_type=kind.capitalize())
        run_logged(["ninja", "-C", folder(kind), *targets], folder(kind) / "build.log")
    for target in targets:
        if target.startswith("iso") and not image(kind, target).exists():
            raise CommandError(f"the build made no {image(kind, target)}")
    if kind == "release" and "sdk" in targets:
        link = ROOT / "build" / "sdk"
        if not link.is_symlink():
            link.symlink_to("release/sdk")


def build_host():
    """Brings the native tests up to date."""
    packages.require(packages.BUILD, packages.TEST)
    with Step("building the host tests"), locked("host"):
        configure("host", source=ROOT / "tests" / "host")
        run_logged(["ninja", "-C", folder("host")], folder("host") / "build.log")


def image(kind, target="iso"):
    """The file that an `iso…` target makes."""
    return folder(kind) / ("tessera" + target[len("iso"):] + ".iso")


def archive_name(test=False):
    return "archive-test" if test else "archive"


def pack_archive(out, kind, entries, test=False):
    """The boot archive with other entries (PATH=FILE) as well."""
    base = f"@{folder(kind) / archive_name(test)}.list"
    subprocess.run([ROOT / "tools" / "mkarchive.py", "-o", out, base, *entries], check=True)


def archive_paths(kind):
    """What is in the boot archive, folders as they were given."""
    lines = (folder(kind) / f"{archive_name()}.list").read_text().splitlines()
    return {line.partition("=")[0].strip("/") for line in lines if line}


def special_image(out, kind="release", append="", add=(), test=False, kernel="kernel", entries=(),
                  archive=None, template=None):
    """Makes at `out` an image with another command line, with programs added to /bin, with other
    entries (PATH=FILE) of the boot archive, with another archive or configuration of GRUB."""
    base = folder(kind)
    entries = [*(f"bin/{os.path.basename(file)}={file}" for file in add), *entries]
    with tempfile.TemporaryDirectory(prefix="tessera-") as temporary:
        if archive is None:
            archive = base / f"{archive_name(test)}.img"
            if entries:
                archive = pathlib.Path(temporary) / "archive"
                pack_archive(archive, kind, entries, test)
        result = subprocess.run([ROOT / "tools" / "mkiso.py", "-o", out,
                                 "--kernel", base / "kernel" / f"{kernel}.stripped",
                                 "--archive", archive, "--append", append,
                                 *(("--template", template) if template else ())])
    if result.returncode:
        raise CommandError("the image could not be made")


def init_conf():
    """The text of the image's /etc/init.conf."""
    return subprocess.run([ROOT / "tools" / "mkconf.py"], capture_output=True, text=True,
                          check=True).stdout


def httpd_conf(file):
    """The entries of the boot archive that make `file`, if it is given, the web server's."""
    if not file:
        return []
    if not os.path.isfile(file):
        raise CommandError(f"{file}: no such file")
    return [f"etc/httpd.conf={file}"]


def pack_disk(directory, out):
    """Packs a directory as the disk that the guest's file server reads."""
    if not os.path.isdir(directory):
        raise CommandError(f"{directory}: not a directory")
    result = subprocess.run([ROOT / "tools" / "mkarchive.py", "-o", out, f"={directory}"])
    if result.returncode:
        raise CommandError(f"{directory} could not be packed")


def clean(everything=False):
    """Removes what was built; third-party code only if everything is to go."""
    keep = () if everything else ("third-party",)
    base = ROOT / "build"
    for entry in sorted(base.glob("*")) if base.is_dir() else ():
        if entry.name not in keep:
            removal = subprocess.run(["rm", "-rf", "--", entry], stderr=subprocess.PIPE, text=True)
            if removal.returncode:
                raise CommandError(removal.stderr.splitlines()[0])
            say(f"removed {entry.relative_to(ROOT)}")
