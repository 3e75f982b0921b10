#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Assembles init's configuration: mkconf.py [-o FILE].

A driver's folder says itself what the driver is given: drivers/CLASS/CHIP/service.conf, a block of
statements as in iso/etc/init.conf. They come where the latter has its line MARK; drivers that
begin alone come first, since the others wait for those that have begun.
"""
import argparse
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARK = "# (drivers/*/*/service.conf)\n"


def block(path):
    """What a manifest says, without its licence."""
    lines = path.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if "SPDX-License-Identifier" not in line).strip() + "\n"


def begins_alone(text):
    return any(line.split() == ["alone"] for line in text.splitlines())


def assembled(root=ROOT):
    """The whole text."""
    text = (root / "iso" / "etc" / "init.conf").read_text()
    if text.count(MARK) != 1:
        sys.exit(f"iso/etc/init.conf: not one line {MARK.strip()}")
    blocks = [block(path) for path in sorted(root.glob("drivers/*/*/service.conf"))]
    blocks.sort(key=lambda text: not begins_alone(text))
    return text.replace(MARK, "\n".join(blocks))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=pathlib.Path)
    options = parser.parse_args()
    if options.output:
        options.output.write_text(assembled())
    else:
        sys.stdout.write(assembled())


if __name__ == "__main__":
    main()
