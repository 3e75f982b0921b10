#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the bootable ISO image, for BIOS and UEFI, of a kernel and a boot archive.

    mkiso.py -o OUT --kernel ELF --archive FILE [--append WORDS]

The kernel's command line is WORDS. The image boots as CD-ROM and as disk.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "iso" / "boot" / "grub" / "grub.cfg"
PLATFORMS = ("i386-pc", "x86_64-efi")
# What grub.cfg needs; every module that is left out is one that GRUB need not read at boot.
MODULES = ("multiboot2 normal serial terminal all_video part_msdos part_gpt iso9660 "
           "search configfile echo boot gzio part_acorn part_amiga part_bsd part_dfly part_dvh "
           "part_plan part_sun part_sunpc")


def quote_for_grub(words):
    """Words as they are, each in quotes where GRUB's shell would take it apart."""
    quoted = []
    for word in words.split():
        if any(character in word for character in "'\n"):
            raise ValueError(f"not possible on a kernel command line: {word}")
        safe = all(character.isalnum() or character in "=/_-.,:+@%" for character in word)
        quoted.append(word if safe else f"'{word}'")
    return " ".join(quoted)


def make_iso(out, kernel, archive, append="", template=TEMPLATE):
    with tempfile.TemporaryDirectory(prefix="tessera-iso-") as folder:
        boot = pathlib.Path(folder) / "boot"
        (boot / "grub").mkdir(parents=True)
        shutil.copyfile(kernel, boot / "kernel.elf")
        shutil.copyfile(archive, boot / "archive")
        text = pathlib.Path(template).read_text().replace("@COMMAND_LINE@", quote_for_grub(append))
        (boot / "grub" / "grub.cfg").write_text(text)
        partial = f"{out}.{os.getpid()}"
        command = ["grub-mkrescue", "-o", partial, f"--install-modules={MODULES}", "--fonts=",
                   "--locales=", "--themes=", folder]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode or not os.path.exists(partial):
            raise OSError(f"grub-mkrescue failed:\n{result.stdout}{result.stderr}")
        os.replace(partial, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out", required=True)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--archive", required=True)
    parser.add_argument("--append", default="")
    parser.add_argument("--template", default=TEMPLATE, help="of grub.cfg")
    options = parser.parse_args()
    try:
        make_iso(options.out, options.kernel, options.archive, options.append,
                 options.template)
    except (OSError, ValueError) as error:
        sys.exit(f"mkiso: {error}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("mkiso: interrupted")
