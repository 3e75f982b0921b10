# SPDX-License-Identifier: MIT
"""`./tessera run`: boots the image in an emulator, joined to this terminal."""
import os
import pathlib
import shutil
import sys
import tempfile

from . import bochs, build, packages, terminal
from .console import CommandError, say
from .machine import Machine, Options, port_problem

NIC = "virtio"  # the card that QEMU has if none is asked for
MEMORY_LEAST, MEMORY_MOST = 24, 65536  # MiB; with less no page is served


def megabytes(text):
    """`64M`, `1G` or a number of MiB."""
    unit = {"M": 1, "G": 1024}.get(text[-1:].upper())
    number = text[:-1] if unit else text
    if not number.isdigit() or not MEMORY_LEAST <= int(number) * (unit or 1) <= MEMORY_MOST:
        raise CommandError(f"--memory {text}: expected {MEMORY_LEAST}M to {MEMORY_MOST // 1024}G")
    return int(number) * (unit or 1)


def check_program(options, kind):
    """The program of --exec is in the image."""
    words = options.exec.split()
    path = words[0] if words else ""
    path = path[1:] if path.startswith("/") else f"bin/{path}"
    if path not in build.archive_paths(kind) | {f"bin/{os.path.basename(file)}"
                                                for file in options.add}:
        raise CommandError(f"--exec '{options.exec}': no /{path} in the image")


def boot_image(options, kind, temporary):
    """The image to boot: the plain one, or one made for these options."""
    append = list(options.append)
    for file in options.add:
        if not os.path.isfile(file):
            raise CommandError(f"{file}: no such file")
    if options.exec is not None:
        check_program(options, kind)
        append.append(f"exec={options.exec}")  # reaches to the end of the line, so it is last
    entries = build.httpd_conf(options.httpd_conf)
    if not append and not options.add and not entries:
        return build.image(kind)
    image = pathlib.Path(temporary) / "tessera.iso"
    build.special_image(image, kind, append=" ".join(append), add=options.add, entries=entries)
    return image


def check_disk(file):
    """One can be attached: a file or a device that this user may read. It is never written."""
    try:
        with open(file, "rb"):
            pass
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror.lower()}") from error


def prepare(options, temporary):
    """Builds what is needed; returns the machine's options."""
    packages.require(packages.RUN, *(purpose for purpose in ("window", "uefi", "bochs")
                                     if getattr(options, purpose)))
    problem = port_problem(options.port)
    if problem:
        raise CommandError(f"{problem}; choose another with --port N")
    if options.bochs and (options.www or options.disk or options.uefi or options.window or
                          options.qemu or options.nic not in (None, bochs.NIC)):
        raise CommandError("--bochs has a CD-ROM drive and the network card e1000: "
                           "no --www, --disk, --uefi, --window, other --nic or words for QEMU")
    for file in options.disk:
        check_disk(file)
    kind = "debug" if options.debug else "release"
    memory = megabytes(options.memory)
    build.build(kind, "iso")
    disk = None
    if options.www:
        disk = pathlib.Path(temporary) / "www.img"
        say(f"packing {options.www}; a change in it needs a restart")
        build.pack_disk(options.www, disk)
    return Options(image=boot_image(options, kind, temporary), memory=memory, smp=options.smp,
                   uefi=options.uefi, bochs=options.bochs, window=options.window,
                   iommu=options.iommu, nic=options.nic or NIC, port=options.port, disk=disk,
                   disks=tuple(os.path.abspath(file) for file in options.disk),
                   reboot=not options.exec, extra=tuple(options.qemu))


def connect(machine, options):
    if options.headless:
        return terminal.headless(machine)
    if sys.stdin.isatty():
        return terminal.interactive(machine)
    return terminal.fed(machine)


def run(options):
    temporary = tempfile.mkdtemp(prefix="tessera-")
    try:
        with terminal.stop_signals():
            machine_options = prepare(options, temporary)
            with Machine(machine_options) as machine:
                if machine_options.port:
                    say(f"point a browser at http://127.0.0.1:{machine_options.port}/")
                ended = connect(machine, options)
                return machine.exit_status() if ended else 0
    except terminal.Stopped as stopped:
        return 128 + stopped.args[0]
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
