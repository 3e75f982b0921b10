# SPDX-License-Identifier: MIT
"""What must be installed: the one list of packages, looking for them, and installing them."""
import os
import pathlib
import shutil
import subprocess
import sys

from .console import CommandError, say

BUILD, IMAGE, RUN, TEST = "build", "image", "run", "test"

# Package, what it is needed for, and a command or file (or pattern of one) that it brings.
PACKAGES = (
    ("clang-14", BUILD, "clang-14"),
    ("lld-14", BUILD, "ld.lld-14"),
    ("llvm-14", BUILD, "llvm-objcopy-14"),
    ("libclang-rt-14-dev", BUILD, "/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.builtins-x86_64.a"),
    ("cmake", BUILD, "cmake"),
    ("ninja-build", BUILD, "ninja"),
    ("make", BUILD, "make"),
    ("patch", BUILD, "patch"),
    ("xz-utils", BUILD, "xz"),
    ("xkb-data", BUILD, "/usr/share/X11/xkb/rules/evdev"),
    ("libxkbcommon0", BUILD, "/usr/lib/*/libxkbcommon.so.0"),
    ("libx11-data", BUILD, "/usr/share/X11/locale/en_US.UTF-8/Compose"),
    ("grub-common", IMAGE, "grub-mkrescue"),
    ("grub-pc-bin", IMAGE, "/usr/lib/grub/i386-pc/multiboot2.mod"),
    ("grub-efi-amd64-bin", IMAGE, "/usr/lib/grub/x86_64-efi/multiboot2.mod"),
    ("xorriso", IMAGE, "xorriso"),
    ("mtools", IMAGE, "mformat"),
    ("qemu-system-x86", RUN, "qemu-system-x86_64"),
    ("qemu-system-gui", "window", "/usr/lib/x86_64-linux-gnu/qemu/ui-gtk.so"),
    ("ovmf", "uefi", "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    ("bochs", "bochs", "bochs"),
    ("bochs-sdl", "bochs", "/usr/lib/*/bochs/plugins/libbx_sdl2_gui.so"),
    ("bochsbios", "bochs", "/usr/share/bochs/BIOS-bochs-latest"),
    ("vgabios", "bochs", "/usr/share/vgabios/vgabios.bin"),
    ("libc6-dev", TEST, "/usr/include/x86_64-linux-gnu/bits/types.h"),
    ("gcc", TEST, "gcc"),
    ("clang-format-15", TEST, "clang-format-15"),
    ("python3-clang-14", TEST, "/usr/lib/python3/dist-packages/clang/cindex.py"),
    ("git", TEST, "git"),
    ("curl", TEST, "curl"),
    ("wrk", TEST, "wrk"),
    ("gdb", TEST, "gdb"),
)
EVERYTHING_FOR_TESTS = (BUILD, IMAGE, RUN, "uefi", "bochs", TEST)


def present(probe):
    if probe.startswith("/"):
        root, pattern = "/", probe[1:]
        return any(True for _ in pathlib.Path(root).glob(pattern))
    return shutil.which(probe) is not None


def missing(purposes):
    return [package for package, purpose, probe in PACKAGES
            if purpose in purposes and not present(probe)]


def require(*purposes):
    """Returns when all packages of these purposes are there; installs the missing ones."""
    names = missing(purposes)
    if not names:
        return
    say("missing packages: " + " ".join(names))
    if shutil.which("apt-get") is None:
        raise CommandError("no apt-get: install the packages by other means")
    prefix = [] if os.getuid() == 0 else ["sudo"]
    command = prefix + ["apt-get", "install", "-y", "--no-install-recommends", *names]
    if prefix:
        if shutil.which("sudo") is None:
            raise CommandError("no sudo; as root: " + " ".join(command[1:]))
        if os.environ.get("CI") != "true" and not agreed(command):
            raise CommandError("not installed; by hand: " + " ".join(command))
    install(prefix, command)
    still = missing(purposes)
    if still:
        raise CommandError("still missing after the installation: " + " ".join(still))


def agreed(command):
    """Asks on the terminal itself, since stdin may be the guest's input."""
    try:
        with open("/dev/tty", "r+b", buffering=0) as terminal:
            terminal.write(f"tessera: run `{' '.join(command)}`? [Y/n] ".encode())
            return terminal.readline().strip().lower() in (b"", b"y", b"yes")
    except OSError:
        return False


def install(prefix, command):
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    lists = pathlib.Path("/var/lib/apt/lists")
    if not any(lists.glob("*_Packages*")):
        subprocess.run([*prefix, "apt-get", "update"], stdout=sys.stderr, check=False)
    for attempt in range(2):
        if subprocess.run(command, stdout=sys.stderr, stdin=subprocess.DEVNULL,
                          env=environment).returncode == 0:
            return
        if attempt == 0:  # old lists name versions which the mirror has no more
            subprocess.run([*prefix, "apt-get", "update"], stdout=sys.stderr, check=False)
    raise CommandError("the installation failed")
