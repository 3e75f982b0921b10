#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Makes the screen's fonts: mkfont.py -o FILE.c FONT.psf.gz…

Each is a PC screen font (version 1 or 2) with a table of the characters that its glyphs show. They
become one C file (drivers/screen/framebuffer/font.h): the characters in order, and for each font
its glyphs and which of them shows which character. One that a font lacks is shown as U+FFFD.
"""
import argparse
import gzip
import pathlib
import struct
import subprocess
import sys
from typing import NamedTuple

TOOLS = pathlib.Path(__file__).resolve().parent
NAMES = ("terminus-16", "terminus-24", "terminus-32")
UNKNOWN = 0xFFFD


class Font(NamedTuple):
    width: int
    height: int
    glyphs: list  # of bytes: rows from above, each padded to whole bytes, the left pixel highest
    shows: dict   # character -> index of a glyph

    def rows(self, character):
        """The rows of a character's glyph: numbers whose highest bit of `width` is on the left."""
        glyph = self.glyphs[self.shows.get(character, self.shows[UNKNOWN])]
        line = (self.width + 7) // 8
        return [int.from_bytes(glyph[y * line:(y + 1) * line], "big") >> (line * 8 - self.width)
                for y in range(self.height)]


def version_1(data):
    mode, height = data[2], data[3]
    count = 512 if mode & 1 else 256
    if not mode & 2:
        raise ValueError("no table of characters")
    glyphs = [data[4 + i * height:4 + (i + 1) * height] for i in range(count)]
    shows, glyph, sequence = {}, 0, False
    for (word,) in struct.iter_unpack("<H", data[4 + count * height:]):
        if word == 0xFFFF:
            glyph, sequence = glyph + 1, False
        elif word == 0xFFFE:
            sequence = True  # of several characters: these are not single ones
        elif not sequence:
            shows.setdefault(word, glyph)
    return Font(8, height, glyphs, shows)


def version_2(data):
    start, flags, count, size, height, width = struct.unpack_from("<6I", data, 8)
    if not flags & 1:
        raise ValueError("no table of characters")
    glyphs = [data[start + i * size:start + (i + 1) * size] for i in range(count)]
    shows = {}
    for glyph, record in enumerate(data[start + count * size:].split(b"\xff")[:count]):
        for character in record.split(b"\xfe")[0].decode():
            shows.setdefault(ord(character), glyph)
    return Font(width, height, glyphs, shows)


def read(path):
    """A font from its file."""
    data = gzip.decompress(pathlib.Path(path).read_bytes())
    if data[:2] == b"\x36\x04":
        font = version_1(data)
    elif data[:4] == b"\x72\xb5\x4a\x86":
        font = version_2(data)
    else:
        raise ValueError("no PC screen font")
    if UNKNOWN not in font.shows:
        raise ValueError("no glyph for what is not known")
    return font


def fetched():
    """Paths of the pinned fonts, from the smallest."""
    return subprocess.run([TOOLS / "fetch", *NAMES], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.split()


def numbers(values, width):
    """Lines of an initialiser."""
    texts = [f"{value:#0{width}x}," for value in values]
    return "".join("    " + " ".join(texts[i:i + 12]) + "\n" for i in range(0, len(texts), 12))


def source(fonts):
    characters = sorted(set().union(*(font.shows for font in fonts)))
    characters = [character for character in characters if character <= 0xFFFF]
    parts = ["// Made by tools/mkfont.py.\n#include \"font.h\"\n\n",
             f"const uint32_t font_character_count = {len(characters)};\n",
             f"const uint32_t font_count = {len(fonts)};\n",
             "const uint16_t font_characters[] = {\n", numbers(characters, 6), "};\n"]
    entries = []
    for font in fonts:
        name = f"{font.width}x{font.height}"
        shown = [font.shows.get(character, font.shows[UNKNOWN]) for character in characters]
        parts += [f"static const uint16_t shown_{name}[] = {{\n", numbers(shown, 6), "};\n",
                  f"static const uint8_t glyphs_{name}[] = {{\n",
                  numbers(b"".join(font.glyphs), 4), "};\n"]
        entries.append(f"    {{{font.width}, {font.height}, shown_{name}, glyphs_{name}}},\n")
    return "".join([*parts, "const struct font fonts[] = {\n", *entries, "};\n"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0],
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", dest="out", type=pathlib.Path, required=True)
    parser.add_argument("fonts", nargs="*", metavar="FONT", help="default: those pinned")
    options = parser.parse_args()
    try:
        options.out.write_text(source([read(path) for path in options.fonts or fetched()]))
    except (OSError, ValueError, IndexError, struct.error, subprocess.CalledProcessError) as error:
        sys.exit(f"mkfont: {error}")


if __name__ == "__main__":
    main()
