#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Draws the pictures of the documents: tools/mkdrawings.py [--check] [FILE.draw…]

Each docs/images/NAME.draw is a text that describes a picture; this makes NAME.svg beside it, which
is committed. --check writes nothing and fails if a picture is not what its text says. A picture has
its own background and follows the reader's light or dark scheme. A text that is wider than its box, or stands on another one, is an error.

Statements, one a line; '#' starts a comment, ' | ' breaks a text into lines, units are pixels:

    title TEXT                        what the picture shows, for readers who cannot see it
    size WIDTH HEIGHT
    area X Y WIDTH HEIGHT: TEXT       a region with a dashed border and a heading
    box NAME X Y WIDTH HEIGHT [STYLE]: TEXT    the first line is bold; STYLE: plain, strong, quiet
    text X Y [small|note]: TEXT       starts at X; Y is the first baseline
    arrow FROM TO [STYLE] [via X,Y…] [at X,Y]: TEXT
                                      FROM and TO: NAME.SIDE[+OFFSET], SIDE is left, right, top or
                                      bottom, OFFSET moves along that side from its middle; or X,Y.
                                      STYLE: plain, back (dashed), both; `at` is where TEXT is centred
"""
import argparse
import html
import pathlib
import re
import sys

IMAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "images"
LINE = 17  # pixels from one line of text to the next
LETTER = 6.6  # pixels of an average letter

STYLE = """
    svg { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
    .paper { fill: #fbfaf7; stroke: #dfdcd3; }
    .area { fill: none; stroke: #9aa3b2; stroke-dasharray: 5 4; }
    .box { fill: #ffffff; stroke: #5b6475; }
    .strong { fill: #fbe9e1; stroke: #b4461f; stroke-width: 1.5; }
    .quiet { fill: #f0eee8; stroke: #b9b5a8; }
    text { fill: #1d2330; }
    .head { font-weight: 600; }
    .heading, .small { fill: #5b6475; font-size: 12px; }
    .heading { font-weight: 600; letter-spacing: .04em; }
    .note { fill: #b4461f; font-size: 12px; }
    .label { font-size: 12px; stroke: #fbfaf7; stroke-width: 4px; paint-order: stroke; }
    .arrow { fill: none; stroke: #b4461f; stroke-width: 1.5; }
    .back { stroke-dasharray: 4 3; }
    .tip { fill: #b4461f; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #15181e; stroke: #323843; }
      .area { stroke: #5b6475; }
      .box { fill: #1c2027; stroke: #7d8798; }
      .strong { fill: #33211a; stroke: #f0895a; }
      .quiet { fill: #191c22; stroke: #454d5b; }
      text { fill: #e6e4de; }
      .heading, .small { fill: #9aa3b2; }
      .note { fill: #f0895a; }
      .label { stroke: #15181e; }
      .arrow { stroke: #f0895a; }
      .tip { fill: #f0895a; }
    }
"""


class Problem(Exception):
    """A statement that cannot be drawn."""


def lines_of(text):
    return [html.escape(line.strip(), quote=False) for line in text.split(" | ")]


def text_element(x, y, lines, kinds, anchor="start"):
    """One text element; kinds: the class of the first line, and of the others."""
    out = []
    for number, line in enumerate(lines):
        kind = kinds[min(number, len(kinds) - 1)]
        out.append(f'<text class="{kind}" x="{x:g}" y="{y + number * LINE:g}" '
                   f'text-anchor="{anchor}">{line}</text>')
    return out


class Drawing:
    """The statements of one file, turned into elements."""

    def __init__(self):
        self.title = ""
        self.size = None
        self.boxes = {}
        self.written = []               # where text stands: x0, y0, x1, y1, text
        self.under, self.over = [], []  # areas and boxes; arrows and their texts

    def write(self, x, y, lines, kinds, anchor="start"):
        """Elements of some lines of text, which stand on no other."""
        for number, line in enumerate(lines):
            width = len(html.unescape(line)) * LETTER
            left = x - (width / 2 if anchor == "middle" else 0)
            base = y + number * LINE
            for x0, y0, x1, y1, other in self.written:
                if left < x1 and x0 < left + width and base - 10 < y1 and y0 < base + 2:
                    raise Problem(f"'{line}' stands on '{other}'")
            self.written.append((left, base - 10, left + width, base + 2, line))
        return text_element(x, y, lines, kinds, anchor)

    def statement(self, line):
        head, colon, text = line.partition(": ")
        words = head.split()
        if words[0] == "title":
            self.title = line[len("title"):].strip()
            return
        known = {"size": self.take_size, "area": self.area, "box": self.box, "text": self.text,
                 "arrow": self.arrow}
        if words[0] not in known:
            raise Problem(f"unknown statement '{words[0]}'")
        known[words[0]](words[1:], text.strip() if colon else "")

    def take_size(self, words, _text):
        self.size = numbers(words, 2)

    def area(self, words, text):
        x, y, width, height = numbers(words, 4)
        self.under.append(f'<rect class="area" x="{x:g}" y="{y:g}" width="{width:g}" '
                          f'height="{height:g}" rx="10"/>')
        self.under += self.write(x + 14, y + 21, lines_of(text), ("heading", "small"))

    def box(self, words, text):
        name, style = words[0], words[5] if len(words) > 5 else "plain"
        x, y, width, height = numbers(words[1:5], 4)
        if style not in ("plain", "strong", "quiet"):
            raise Problem(f"unknown style '{style}'")
        if name in self.boxes:
            raise Problem(f"a second box '{name}'")
        self.boxes[name] = (x, y, width, height)
        kind = "box" if style == "plain" else f"box {style}"
        self.under.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" '
                          f'height="{height:g}" rx="6"/>')
        lines = lines_of(text)
        for line in lines:
            if len(html.unescape(line)) * LETTER > width - 8:
                raise Problem(f"'{line}' is wider than its box")
        top = y + height / 2 - (len(lines) - 1) * LINE / 2 + 4.5
        self.under += self.write(x + width / 2, top, lines, ("head", "small"), "middle")

    def text(self, words, text):
        x, y = numbers(words[:2], 2)
        self.over += self.write(x, y, lines_of(text), (words[2] if len(words) > 2 else "plain",))

    def point(self, word):
        if match := re.fullmatch(r"(-?[\d.]+),(-?[\d.]+)", word):
            return float(match[1]), float(match[2])
        match = re.fullmatch(r"(\w+)\.(left|right|top|bottom)([+-]\d+)?", word)
        if not match or match[1] not in self.boxes:
            raise Problem(f"no such place '{word}'")
        x, y, width, height = self.boxes[match[1]]
        along = float(match[3] or 0)
        return {"left": (x, y + height / 2 + along), "right": (x + width, y + height / 2 + along),
                "top": (x + width / 2 + along, y),
                "bottom": (x + width / 2 + along, y + height)}[match[2]]

    def arrow(self, words, text):
        points, style, place = [self.point(words[0])], "plain", None
        end, rest = self.point(words[1]), words[2:]
        while rest:
            word = rest.pop(0)
            if word in ("plain", "back", "both"):
                style = word
            elif word == "via":
                while rest and re.fullmatch(r"-?[\d.]+,-?[\d.]+", rest[0]):
                    points.append(self.point(rest.pop(0)))
            elif word == "at" and rest:
                place = self.point(rest.pop(0))
            else:
                raise Problem(f"unexpected '{word}'")
        points.append(end)
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        kind = "arrow back" if style == "back" else "arrow"
        tips = 'marker-end="url(#tip)"' + (' marker-start="url(#tip)"' if style == "both" else "")
        self.over.append(f'<path class="{kind}" d="{path}" {tips}/>')
        if text:
            (x0, y0), (x1, y1) = points[0], points[-1]
            x, y = place or ((x0 + x1) / 2, (y0 + y1) / 2 - 6)
            self.over += self.write(x, y, lines_of(text), ("label",), "middle")

    def svg(self):
        if not self.size or not self.title:
            raise Problem("no size or no title")
        width, height = self.size
        title = html.escape(self.title, quote=False)
        body = "\n  ".join(self.under + self.over)
        return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" \
width="{width:g}" height="{height:g}" role="img" aria-label="{html.escape(self.title)}">
  <!-- Made by tools/mkdrawings.py. -->
  <title>{title}</title>
  <style>{STYLE}  </style>
  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" \
orient="auto-start-reverse"><path class="tip" d="M0 0 L10 5 L0 10 z"/></marker></defs>
  <rect class="paper" x=".5" y=".5" width="{width - 1:g}" height="{height - 1:g}" rx="12"/>
  {body}
</svg>
"""


def numbers(words, count):
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise Problem(f"not a number: {' '.join(words)}") from error
    if len(values) != count:
        raise Problem(f"{count} numbers expected")
    return values


def draw(text, name="drawing"):
    """The picture that a text describes."""
    drawing, number = Drawing(), 0
    try:
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if line and not line.startswith("#"):
                drawing.statement(line)
        return drawing.svg()
    except (Problem, IndexError) as error:
        raise SystemExit(f"{name}:{number}: {error}") from error


def stale(images):
    """Pictures that are not what their texts say."""
    for source in sorted(images.glob("*.draw")):
        picture = source.with_suffix(".svg")
        if not picture.is_file() or picture.read_text() != draw(source.read_text(), source):
            yield picture


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one is stale")
    parser.add_argument("files", nargs="*", type=pathlib.Path, metavar="FILE.draw")
    options = parser.parse_args()
    if options.check:
        wrong = list(stale(IMAGES))
        for picture in wrong:
            print(f"{picture}: stale; tools/mkdrawings.py makes it")
        return 1 if wrong else 0
    for source in options.files or sorted(IMAGES.glob("*.draw")):
        source.with_suffix(".svg").write_text(draw(source.read_text(), source))
    return 0


if __name__ == "__main__":
    sys.exit(main())
