# SPDX-License-Identifier: MIT
"""Reads a guest's screen: a picture is compared with the glyphs of its font, pixel by pixel."""
import sys
import time

KEYS = {" ": "spc", "\n": "ret", "/": "slash", ".": "dot", "-": "minus"}
POLL = 0.4  # seconds between two looks


def fonts(ctx):
    """{(width, height): {character: rows}} of the fonts that the build has."""
    sys.path.insert(0, str(ctx.root / "tools"))
    import mkfont
    sys.path.pop(0)
    return {(font.width, font.height): {chr(character): tuple(font.rows(character))
                                        for character in sorted(font.shows)}
            for font in map(mkfont.read, mkfont.fetched())}


class Picture:
    """A screendump: width, height and rows of RGB bytes."""

    def __init__(self, data):
        magic, size, depth, self.pixels = data.split(b"\n", 3)
        self.width, self.height = map(int, size.split())
        if magic != b"P6" or depth != b"255" or len(self.pixels) != 3 * self.width * self.height:
            raise ValueError("no picture of QEMU")

    def cell(self, x, y, width, height):
        """The rows of a cell, each a tuple of colours."""
        rows = []
        for line in range(y, y + height):
            start = 3 * (line * self.width + x)
            row = self.pixels[start:start + 3 * width]
            rows.append(tuple(row[i:i + 3] for i in range(0, 3 * width, 3)))
        return rows


def read_cell(rows, glyphs):
    """(character, ink, paper); the character is None if no glyph is so, ink if there is none."""
    colours = sorted({colour for row in rows for colour in row})
    if len(colours) == 1:
        return " ", None, colours[0]
    for ink, paper in (colours[::-1], colours) if len(colours) == 2 else ():
        bits = tuple(int("".join("1" if pixel == ink else "0" for pixel in row), 2)
                     for row in rows)
        if bits in glyphs:
            return glyphs[bits], ink, paper
    return None, None, None


class Screen:
    """What a guest shows, cell by cell."""

    def __init__(self, ctx, guest, size=(8, 16)):
        self.guest, self.size = guest, size
        self.file = ctx.folder / "screen.ppm"
        self.rows = fonts(ctx)[size]
        self.glyphs = {}  # of characters that look alike, the first
        for character, rows in self.rows.items():
            self.glyphs.setdefault(rows, character)
        self.known = {}  # cells that were read before

    def as_read(self, text):
        """What is read where this is shown."""
        return "".join(self.glyphs[self.rows[character]] for character in text)

    def cells(self):
        """Rows of (character, ink, paper), as they are now."""
        self.guest.qmp("screendump", filename=str(self.file))
        picture = Picture(self.file.read_bytes())
        width, height = self.size
        found = []
        for y in range(0, picture.height - height + 1, height):
            row = []
            for x in range(0, picture.width - width + 1, width):
                cell = tuple(picture.cell(x, y, width, height))
                if cell not in self.known:
                    self.known[cell] = read_cell(cell, self.glyphs)
                row.append(self.known[cell])
            found.append(row)
        return found

    def lines(self):
        return ["".join(cell[0] or "\0" for cell in row).rstrip() for row in self.cells()]

    def wait_for(self, look, what, timeout=60):
        """Waits until look(lines) is true; the lines."""
        return wait_for(self.guest, self.lines, look, what, timeout)


def wait_for(guest, read, look, what, timeout=60):
    deadline = time.monotonic() + timeout
    while not look(lines := read()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout} s: {what}\n" + "\n".join(lines))
        guest.drain(POLL)
    return lines


def press(guest, *keys):
    """Keys by QEMU's names: "a", "alt-f2", …"""
    for key in keys:
        problem = guest.qmp("human-monitor-command", **{"command-line": f"sendkey {key} 30"})
        if problem:
            raise AssertionError(f"sendkey {key}: {problem}")
        guest.drain(0.06)  # QEMU presses one after the other


def type_text(guest, text):
    press(guest, *(KEYS.get(character, character) for character in text))
