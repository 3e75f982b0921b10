# SPDX-License-Identifier: MIT
"""The command line of ./tessera."""
import argparse
import os
import subprocess
import sys

from . import build
from .console import CommandError, coloured


def add_run(commands):
    parser = commands.add_parser(
        "run", help="boot Tessera in an emulator and serve web pages",
        description="Builds Tessera, boots it in QEMU, and forwards http://127.0.0.1:8080/ to it. "
        "The terminal is the guest's console (Ctrl-] quits); input that is not from a "
        "terminal is typed at the shell. Exits with 0 when the guest powers off, or with its status.")
    parser.add_argument("--port", type=port_number, default=8080, metavar="N",
                        help="host port for the web server (8080)")
    parser.add_argument("--smp", type=cpu_count, default=1, metavar="N", help="CPUs (1)")
    parser.add_argument("--memory", default="256M", metavar="SIZE", help="memory (256M)")
    parser.add_argument("--debug", action="store_true", help="use the debug build, with assertions")
    parser.add_argument("--uefi", action="store_true", help="boot by UEFI instead of BIOS")
    parser.add_argument("--bochs", action="store_true", help="use Bochs instead of QEMU")
    parser.add_argument("--iommu", choices=("intel", "amd"), default="intel",
                        help="kind of the machine's IOMMU (intel)")
    parser.add_argument("--no-iommu", action="store_const", dest="iommu", const="",
                        help="no IOMMU: devices reach all memory")
    add_nic(parser, None, "virtio; in Bochs e1000")
    parser.add_argument("--window", action="store_true", help="show the screen in a window")
    parser.add_argument("--headless", action="store_true", help="show the console, but read no input")
    parser.add_argument("--www", metavar="DIR", help="serve the files of DIR")
    parser.add_argument("--disk", metavar="FILE", action="append", default=[],
                        help="attach a disk, read-only: FILE is not touched")
    add_httpd_conf(parser)
    parser.add_argument("--add", metavar="FILE", action="append", default=[],
                        help="add a program to the image, in /bin")
    parser.add_argument("--exec", metavar="'NAME ARGS'",
                        help="run a program instead of the shell, and exit with its status")
    parser.add_argument("--append", metavar="WORDS", action="append", default=[],
                        help="words for the kernel's command line")
    parser.add_argument("qemu", nargs="*", metavar="-- QEMU ARGUMENTS",
                        help="further arguments for QEMU")

    def action(options):
        from .run import run
        return run(options)
    parser.set_defaults(action=action)


def add_nic(parser, default="virtio", words="virtio"):
    parser.add_argument("--nic", choices=("virtio", "e1000", "e1000e", "rtl8139", "ne2k"),
                        default=default, help=f"kind of the machine's network card ({words})")


def add_httpd_conf(parser):
    parser.add_argument("--httpd-conf", metavar="FILE",
                        help="the web server's configuration, /etc/httpd.conf of the image")


def add_test(commands):
    parser = commands.add_parser(
        "test", help="run the checks and tests",
        description="Runs the checks of the sources, the native tests, and the tests in emulators. "
        "NAME is a test's name or the start of some (host, system/www).")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="print the tests' names")
    parser.add_argument("--long", action="store_true", help="run the long tests too")
    parser.add_argument("--minutes", type=int, default=10, metavar="N",
                        help="time for each long test (10)")
    parser.add_argument("--seed", type=int, metavar="S", help="seed of random choices")
    parser.add_argument("--jobs", type=cpu_count, default=len(os.sched_getaffinity(0)), metavar="N",
                        help="tests that run at the same time (the number of CPUs)")

    def action(options):
        from .testing.runner import run
        return run(options)
    parser.set_defaults(action=action)


def add_build(commands):
    parser = commands.add_parser("build", help="build everything",
                                 description="Builds kernel, programs, archive and image, and the SDK "
                                 "(build/sdk/bin/tessera-cc), or the targets that are named.")
    parser.add_argument("--debug", action="store_true", help="make the debug build")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="CMake target (iso sdk)")

    def action(options):
        kind = "debug" if options.debug else "release"
        build.build(kind, *(options.targets or ["iso", "sdk"]))
        if not options.targets:
            print(build.image(kind))
        return 0
    parser.set_defaults(action=action)


def add_iso(commands):
    parser = commands.add_parser(
        "iso", help="make a bootable image",
        description="Makes an ISO image that boots by BIOS and UEFI, from CD or disk.")
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (build/<kind>/tessera.iso)")
    parser.add_argument("--debug", action="store_true", help="use the debug build")
    parser.add_argument("--append", metavar="WORDS", default="",
                        help="the kernel's command line")
    parser.add_argument("--add", metavar="FILE", action="append", default=[],
                        help="add a program, in /bin")
    add_httpd_conf(parser)

    def action(options):
        kind = "debug" if options.debug else "release"
        build.build(kind, "iso")
        out = options.output or build.image(kind)
        entries = build.httpd_conf(options.httpd_conf)
        if options.append or options.add or options.output or entries:
            build.special_image(out, kind, append=options.append, add=options.add, entries=entries)
        print(out)
        return 0
    parser.set_defaults(action=action)


def add_bench(commands):
    parser = commands.add_parser(
        "bench", help="run the benchmarks",
        description="Runs the benchmarks in QEMU with instruction counting and prints each row of "
        "bench/budget.def with bar, goal and result. `contain [BOMB…]` measures other programs while "
        "the largest bombs end, `loss [LINE…]` a file over bad lines; each fails if a bar is missed.")
    parser.add_argument("names", nargs="*", metavar="ROW")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--profile", action="store_true",
                        help="print the instructions of the named rows by function")
    add_nic(parser)
    parser.add_argument("--peer", choices=("linux",), help="loss: compare with a Linux guest")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="loss: runs of each line")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="loss: seed of the first line")

    def action(options):
        from .bench import run
        return run(options)
    parser.set_defaults(action=action)


def add_clean(commands):
    parser = commands.add_parser("clean", help="remove what was built")
    parser.add_argument("--all", action="store_true", help="remove third-party code too")

    def action(options):
        build.clean(options.all)
        return 0
    parser.set_defaults(action=action)


def port_number(text):
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text}: expected a port, 1 to 65535")
    return int(text)


def cpu_count(text):
    if not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 to 64")
    return int(text)


def main(words):
    parser = argparse.ArgumentParser(
        prog="./tessera", description="Builds, boots, tests and measures Tessera.",
        epilog="`./tessera COMMAND --help` prints the options of a command.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add in (add_run, add_test, add_build, add_iso, add_bench, add_clean):
        add(commands)
    commands.add_parser("help", help="print this").set_defaults(
        action=lambda _: parser.print_help() or 0)
    options = parser.parse_args(words)
    if options.command is None:
        parser.print_help()
        return 2
    try:
        return options.action(options)
    except (CommandError, subprocess.CalledProcessError) as error:
        print(f"{coloured('tessera:', '1;31')} {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
