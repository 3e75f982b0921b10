#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Renders the site: mksite.py --site apps/site --docs docs -o OUT.

Every Markdown file below DOCS becomes OUT/docs/….html in the site's template, a README its folder's
index.html; the site's own files are copied; the start page and each folder without a README get
lists of documents. The Markdown is the part that the documents use: headings, paragraphs, lists,
tables, code, quotes, links, pictures, emphasis. Pictures are the drawings of DOCS/images. Same
input, same output, byte by byte.
"""
import argparse
import html
import pathlib
import re
import shutil

NAVIGATION = '<nav><a href="/">Tessera</a></nav>'
BULLET = re.compile(r"^(\s*)([-*]|\d+\.)\s+(.*)$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
INLINE = re.compile(
    r"(?P<code>`+)(?P<code_text>.+?)(?P=code)(?!`)"
    r"|!\[(?P<picture>[^\]]+)\]\((?P<source>[^)\s]+)\)"
    r"|\[(?P<label>[^\]]+)\]\((?P<target>[^)\s]+)\)"
    r"|\*\*(?P<strong>.+?)\*\*"
    r"|(?<![\w*])\*(?P<em>[^*\s](?:[^*]*[^*\s])?)\*(?![\w*])"
    r"|<(?P<auto>https?://[^>\s]+)>")


def inline(text):
    """Text of a paragraph: escaped, with its marks turned into elements."""
    out, at = [], 0
    for match in INLINE.finditer(text):
        out.append(html.escape(text[at:match.start()], quote=False))
        at = match.end()
        if match["code"]:
            out.append(f"<code>{html.escape(match['code_text'].strip(), quote=False)}</code>")
        elif match["picture"]:
            out.append(f'<img src="{html.escape(link(match["source"]))}" '
                       f'alt="{html.escape(match["picture"])}">')
        elif match["label"]:
            out.append(f'<a href="{html.escape(link(match["target"]))}">{inline(match["label"])}</a>')
        elif match["strong"]:
            out.append(f"<strong>{inline(match['strong'])}</strong>")
        elif match["em"]:
            out.append(f"<em>{inline(match['em'])}</em>")
        else:
            address = html.escape(match["auto"])
            out.append(f'<a href="{address}">{address}</a>')
    out.append(html.escape(text[at:], quote=False))
    return "".join(out)


def link(target):
    """Links between documents go to their pages; a script has no place in one."""
    if re.match(r"(?i)\s*(javascript|data|vbscript):", target):
        return "#"
    if "://" in target:
        return target
    path, mark, anchor = target.partition("#")
    if path.endswith(".md"):
        path = page_name(path)
    return path + mark + anchor


def page_name(path):
    """A document's page; a README is its folder's."""
    return re.sub(r"\bREADME\.html$", "index.html", path[:-3] + ".html")


def anchor_of(text):
    plain = re.sub(r"[`*\[\]()]", "", text).lower()
    return re.sub(r"[^\w]+", "-", plain).strip("-")


def cells(line):
    line = line.strip().strip("|")
    return [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)]


class Renderer:
    """Turns the lines of one document into HTML, block by block."""

    def __init__(self, text):
        self.lines = text.expandtabs(4).splitlines()
        self.at = 0
        self.out = []
        self.title = None

    def render(self):
        while self.at < len(self.lines):
            self.block()
        return "\n".join(self.out)

    def block(self):
        line = self.lines[self.at]
        heading = HEADING.match(line)
        if not line.strip():
            self.at += 1
        elif line.lstrip().startswith("```"):
            self.fence()
        elif heading:
            self.heading(heading)
        elif re.match(r"^\s*([-*_])(\s*\1){2,}\s*$", line):
            self.out.append("<hr>")
            self.at += 1
        elif line.startswith(">"):
            self.quote()
        elif BULLET.match(line):
            self.list(len(BULLET.match(line)[1]))
        elif "|" in line and TABLE_RULE.match(self.peek(1)):
            self.table()
        elif line.startswith("    "):
            self.indented()
        else:
            self.paragraph()

    def peek(self, ahead):
        at = self.at + ahead
        return self.lines[at] if at < len(self.lines) else ""

    def heading(self, match):
        level, text = len(match[1]), match[2]
        if self.title is None:
            self.title = re.sub(r"[`*]", "", text)
        self.out.append(f'<h{level} id="{anchor_of(text)}">{inline(text)}</h{level}>')
        self.at += 1

    def code(self, lines):
        self.out.append("<pre><code>" + html.escape("\n".join(lines), quote=False) + "\n</code></pre>")

    def fence(self):
        indent = len(self.lines[self.at]) - len(self.lines[self.at].lstrip())
        self.at += 1
        body = []
        while self.at < len(self.lines) and not self.lines[self.at].lstrip().startswith("```"):
            body.append(self.lines[self.at][indent:])
            self.at += 1
        self.at += 1
        self.code(body)

    def indented(self):
        body = []
        while self.at < len(self.lines) and (self.lines[self.at].startswith("    ") or
                                             not self.lines[self.at].strip()):
            body.append(self.lines[self.at][4:])
            self.at += 1
        while body and not body[-1].strip():
            body.pop()
        self.code(body)

    def quote(self):
        body = []
        while self.at < len(self.lines) and self.lines[self.at].startswith(">"):
            body.append(re.sub(r"^> ?", "", self.lines[self.at]))
            self.at += 1
        self.out.append(f"<blockquote>{Renderer(chr(10).join(body)).render()}</blockquote>")

    def table(self):
        head = cells(self.lines[self.at])
        self.at += 2
        self.out.append('<div class="wide"><table><thead><tr>' +
                        "".join(f"<th>{inline(c)}</th>" for c in head) + "</tr></thead>")
        while self.at < len(self.lines) and "|" in self.lines[self.at]:
            row = (cells(self.lines[self.at]) + [""] * len(head))[:len(head)]
            self.out.append("<tr>" + "".join(f"<td>{inline(c)}</td>" for c in row) + "</tr>")
            self.at += 1
        self.out.append("</table></div>")

    def list(self, indent):
        """Items at this indentation; what is indented more belongs to the item above it."""
        ordered = BULLET.match(self.lines[self.at])[2][0].isdigit()
        tag = "ol" if ordered else "ul"
        self.out.append(f"<{tag}>")
        while self.at < len(self.lines):
            match = BULLET.match(self.lines[self.at])
            if not match or len(match[1]) != indent or match[2][0].isdigit() != ordered:
                break
            body = [match[3]]
            self.at += 1
            while self.at < len(self.lines) and self.belongs(indent):
                body.append(self.lines[self.at])
                self.at += 1
            self.item(body)
        self.out.append(f"</{tag}>")

    def belongs(self, indent):
        line = self.lines[self.at]
        if not line.strip():
            after = self.peek(1)
            return len(after) - len(after.lstrip()) > indent and bool(after.strip())
        return len(line) - len(line.lstrip()) > indent

    def item(self, body):
        depth = min((len(line) - len(line.lstrip()) for line in body[1:] if line.strip()), default=0)
        inner = Renderer("\n".join([body[0]] + [line[depth:] for line in body[1:]])).render()
        if inner.startswith("<p>") and inner.count("<p>") == 1:
            inner = inner.replace("<p>", "", 1).replace("</p>", "", 1)
        self.out.append(f"<li>{inner}</li>")

    def paragraph(self):
        body = [self.lines[self.at].strip()]
        self.at += 1
        while self.at < len(self.lines) and self.lines[self.at].strip() and not self.interrupts():
            body.append(self.lines[self.at].strip())
            self.at += 1
        self.out.append(f"<p>{inline(' '.join(body))}</p>")

    def interrupts(self):
        line = self.lines[self.at]
        return bool(HEADING.match(line) or line.lstrip().startswith("```") or BULLET.match(line) or
                    line.startswith(">"))


def page(template, title, body, navigation=""):
    result = template
    for key, value in (("title", html.escape(title)), ("navigation", navigation), ("body", body)):
        result = result.replace("{{" + key + "}}", value, 1)
    return result


def first_sentence(rendered):
    match = re.search(r"<p>(.*?)</p>", rendered, re.S)
    plain = html.unescape(re.sub(r"<[^>]+>", "", match[1])) if match else ""
    sentence = re.split(r"(?<=[.:])\s", plain, maxsplit=1)[0].rstrip(":")
    return sentence if len(sentence) <= 110 else sentence[:107].rsplit(" ", 1)[0] + "…"


def render_documents(docs, out, template):
    """Renders all documents; the list of (group, path, title, sentence)."""
    entries = []
    for source in sorted(docs.rglob("*.md")):
        relative = pathlib.Path(page_name(source.relative_to(docs).as_posix()))
        renderer = Renderer(source.read_text(encoding="utf-8"))
        body = renderer.render()
        title = renderer.title or source.stem
        target = out / "docs" / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(template, f"{title} · Tessera", body, NAVIGATION), encoding="utf-8")
        group = relative.parent.as_posix()
        entries.append((group, f"/docs/{relative.as_posix()}", title, first_sentence(body)))
    return entries


def render_beside(docs, out, template):
    """The page beside the documents that they link to."""
    source = docs.parent / "CONTRIBUTING.md"
    if source.is_file():
        renderer = Renderer(source.read_text(encoding="utf-8"))
        body = renderer.render()
        (out / "CONTRIBUTING.html").write_text(
            page(template, f"{renderer.title} · Tessera", body, NAVIGATION), encoding="utf-8")


def copy_drawings(docs, out):
    for source in sorted((docs / "images").glob("*.svg")):
        target = out / "docs" / "images" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def render_folders(entries, out, template):
    """A list for each folder that has no README."""
    for group in {entry[0] for entry in entries}:
        own = [(".", *entry[1:]) for entry in entries if entry[0] == group]
        target = out / "docs" / group / "index.html"
        if not target.exists():
            body = f'<h1>{html.escape(group)}</h1>\n{document_list(own)}'
            target.write_text(page(template, f"{group} · Tessera", body, NAVIGATION),
                              encoding="utf-8")


def document_list(entries):
    out = []
    groups = sorted({entry[0] for entry in entries}, key=lambda group: (group != ".", group))
    for group in groups:
        if group != ".":
            out.append(f"<h3>{html.escape(group)}</h3>")
        out.append('<ul class="cards">')
        for _, path, title, sentence in (entry for entry in entries if entry[0] == group):
            out.append(f'<li><a href="{html.escape(path)}">{html.escape(title)}'
                       f"<small>{html.escape(sentence)}</small></a></li>")
        out.append("</ul>")
    return "\n".join(out) if out else "<p>None yet.</p>"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--site", type=pathlib.Path, required=True)
    parser.add_argument("--docs", type=pathlib.Path, required=True)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    out = options.output
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    template = (options.site / "page.html").read_text(encoding="utf-8")
    entries = render_documents(options.docs, out, template)
    render_folders(entries, out, template)
    render_beside(options.docs, out, template)
    copy_drawings(options.docs, out)
    for source in sorted(options.site.iterdir()):
        if source.suffix in (".css", ".svg", ".png", ".txt"):
            shutil.copyfile(source, out / source.name)
    mark = '<div class="mark">' + "<i></i>" * 12 + "</div>"
    start = (options.site / "index.html").read_text(encoding="utf-8")
    start = start.replace("{{documents}}", document_list(entries), 1)
    (out / "index.html").write_text(page(template, "Tessera", start, mark), encoding="utf-8")


if __name__ == "__main__":
    main()
