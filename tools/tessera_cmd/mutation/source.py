# SPDX-License-Identifier: MIT
"""Single changes that can be made to a C file: a condition negated, a bound off by one, a statement
left out. Found by its words alone, within functions; what an assertion says is left as it is."""
import collections
import hashlib
import re
from typing import NamedTuple

WORD = re.compile(r"""
    (?P<gap>\s+|//[^\n]*|/\*.*?\*/|^[ \t]*\#(?:[^\n\\]|\\.)*)
  | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<name>[A-Za-z_]\w*)
  | (?P<number>\d[\w.]*)
  | (?P<sign><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)
""", re.X | re.S | re.M)

NEXT_BOUND = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
OTHER_TRUTH = {"==": "!=", "!=": "==", "&&": "||", "||": "&&"}
# Words whose parentheses say what must hold anyway, or are no code of the kernel's own.
LEFT_ALONE = {"KASSERT", "KREQUIRE", "_Static_assert", "assert", "panic", "sizeof", "offsetof",
              "__attribute__", "__asm__"}
# First words of a declaration: to leave one out does not compile.
DECLARES = {"struct", "union", "enum", "const", "static", "void", "bool", "char", "int", "unsigned",
            "long", "short", "volatile", "register", "extern", "typedef", "_Static_assert"}
HEADS = ("if", "while", "for", "switch")


class Mutant(NamedTuple):
    """`text` in place of the file's bytes from `start` to `end`."""
    path: str
    kind: str  # negated, bound, truth, step, left_out
    start: int
    end: int
    text: str
    line: int      # its number
    function: str
    before: str    # the line, or what is left out, without space at its ends
    after: str
    ordinal: int   # of those in the function that are the same but for their place

    @property
    def name(self):
        """Says which one it is as long as these words are the same, whatever is around them."""
        which = f" ({self.ordinal})" if self.ordinal > 1 else ""
        return f"{self.path}: {self.function}: {self.before} => {self.after}{which}"

    def applied(self, source):
        return source[:self.start] + self.text + source[self.end:]

    def rank(self, seed):
        """Its place in the order that a seed makes."""
        return hashlib.sha256(f"{seed}/{self.name}".encode()).digest()


class Word(NamedTuple):
    text: str
    kind: str
    start: int

    @property
    def end(self):
        return self.start + len(self.text)


def words_of(source):
    return [Word(match.group(), match.lastgroup, match.start())
            for match in WORD.finditer(source) if match.lastgroup != "gap"]


def pairs_of(words):
    """{index of a bracket: index of its other one}, both ways."""
    other, open_ones = {}, []
    for i, word in enumerate(words):
        if word.kind == "sign" and word.text in "([{":
            open_ones.append(i)
        elif word.kind == "sign" and word.text in ")]}" and open_ones:
            other[i] = open_ones.pop()
            other[other[i]] = i
    return other


def bodies_of(words, other):
    """The functions' bodies, as pairs of indices: a brace behind a parenthesis, outside of any."""
    i = 0
    while i < len(words):
        if words[i].text == "{" and words[i].kind == "sign" and i in other:
            if i > 0 and words[i - 1].text == ")":
                yield i, other[i]
            i = other[i]
        i += 1


class Finder:
    def __init__(self, path, source):
        self.path, self.source = path, source
        self.words = words_of(source)
        self.other = pairs_of(self.words)
        self.found = []
        self.function = ""
        self.seen = collections.Counter()

    def add(self, kind, start, end, text, whole=None):
        """`whole`: where the words begin and end that name the mutant; else its line."""
        line_start = self.source.rfind("\n", 0, start) + 1
        line_end = self.source.find("\n", end)
        first, last = whole or (line_start, line_end)
        before = " ".join(self.source[first:last].split())
        after = " ".join((self.source[first:start] + text + self.source[end:last]).split())
        self.seen[self.function, before, after] += 1
        self.found.append(Mutant(self.path, kind, start, end, text,
                                 self.source.count("\n", 0, start) + 1, self.function, before,
                                 after, self.seen[self.function, before, after]))

    def all(self):
        for first, last in bodies_of(self.words, self.other):
            self.function = self.name_of(first)
            self.within(first + 1, last)
        return self.found

    def name_of(self, body):
        """Of the function: what stands before its parameters, past what is said of locks."""
        i = self.other[body - 1] - 1
        while self.words[i].text.isupper() and self.words[i - 1].text == ")":
            i = self.other[i - 1] - 1
        return self.words[i].text

    def within(self, i, last):
        begins = True  # a statement
        inert = i      # up to there none does: within parentheses or an initialiser
        while i < last:
            word = self.words[i]
            if word.text in LEFT_ALONE and self.words[i + 1].text == "(":
                i, begins = self.other[i + 1] + 1, False
                continue
            if begins and i >= inert and word.text not in (*HEADS, "else", "do", "{", "}"):
                self.statement(i, last)
            self.sign(i)
            if word.text in HEADS and self.words[i + 1].text == "(":
                self.head(word.text, i + 1)
            if word.text == "(" or (word.text == "{" and not begins):
                inert = max(inert, self.other[i])
            begins = i >= inert and (word.text in (";", "{", "}", "else", "do") or
                                     self.ends_a_head(i))
            i += 1

    def ends_a_head(self, i):
        """A `)` that ends `if (…)` and the like, or the colon of a label."""
        word = self.words[i]
        if word.text == ")" and i in self.other:
            return self.words[self.other[i] - 1].text in HEADS
        return word.text == ":" and (self.words[i - 2].text in ("case", ";", "}", "{") or
                                     self.words[i - 1].text == "default")

    def head(self, kind, opening):
        start, end = self.words[opening].end, self.words[self.other[opening]].start
        if kind == "for":
            parts = [i for i in range(opening + 1, self.other[opening])
                     if self.words[i].text == ";" and self.depth(opening, i) == 0]
            if len(parts) != 2 or parts[1] == parts[0] + 1:
                return
            start, end = self.words[parts[0]].end + 1, self.words[parts[1]].start
        if kind != "switch":
            condition = self.source[start:end]
            self.add("negated", start, end, f"!({condition})", (start, end))

    def depth(self, first, last):
        inside = [word.text for word in self.words[first + 1:last] if word.kind == "sign"]
        return sum(inside.count(c) for c in "([{") - sum(inside.count(c) for c in ")]}")

    def sign(self, i):
        word = self.words[i]
        if word.text in NEXT_BOUND and not self.chooses(i):
            self.add("bound", word.start, word.end, NEXT_BOUND[word.text])
        elif word.text in OTHER_TRUTH:
            self.add("truth", word.start, word.end, OTHER_TRUTH[word.text])
        elif word.text in "+-" and self.words[i + 1].text == "1" and self.is_operand(i - 1):
            self.add("step", word.start, self.words[i + 1].end, "")

    def is_operand(self, i):
        """Whether a value ends there, so that a sign behind it adds or takes away."""
        word = self.words[i]
        return word.text in ")]" or (word.kind in ("name", "number") and
                                     word.text not in ("return", "case"))

    def chooses(self, i):
        """`a < b ? a : b`: with or without equality is the same."""
        before = self.source[max(0, self.words[i].start - 60):self.words[i].start]
        left = re.search(r"([\w.>\[\]-]+) $", before)
        after = re.match(r"[<>]=? (\S+)\s+\? (\S+)\s+: ([^\s;,)]+)",
                         self.source[self.words[i].start:self.words[i].start + 160])
        return bool(left and after) and {left[1], after[1]} == {after[2], after[3]}

    def statement(self, i, last):
        """Up to its semicolon, if it is an expression or a jump."""
        word = self.words[i]
        if (word.text in DECLARES or word.text.endswith("_t") or
                word.text in ("case", "default", ";")):
            return
        if (word.text == "(" and self.words[i + 1].text == "void" and
                self.words[i + 4].text in ",;"):
            return  # (void)name
        if word.kind == "name" and self.words[i + 1].kind == "name" and word.text not in (
                "return", "goto") or self.words[i + 1].text == ":":
            return
        end = i
        while end < last and self.words[end].text != ";":
            if self.words[end].text in "([" and end in self.other:
                end = self.other[end]
            elif self.words[end].text == "{" and end in self.other:
                end = self.other[end]
            end += 1
        if end < last and not (word.text == "return" and end == last - 1):
            start, stop = word.start, self.words[end].end
            self.add("left_out", start, stop, "{}", (start, stop))


def mutants_of(path, source):
    """All of them, in the file's order."""
    return Finder(path, source).all()
