# SPDX-License-Identifier: MIT
"""Mutants: what changes are found in a source, and how the sum of them is judged."""
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from tessera_cmd.mutation import choice, report, source  # noqa: E402
from tessera_cmd.mutation.judge import Verdict  # noqa: E402


def changes(text, kind=None):
    """(kind, what the file becomes) of a function's mutants, by its body."""
    head = "static int f(int a, int b)\n{\n"
    whole = f"{head}{text}\n}}\n"
    return [(mutant.kind, mutant.applied(whole)[len(head):-3])
            for mutant in source.mutants_of("f.c", whole) if kind in (None, mutant.kind)]


class Changes(unittest.TestCase):
    def test_conditions(self):
        self.assertEqual(changes("if (a) b++;", "negated"), [("negated", "if (!(a)) b++;")])
        self.assertEqual(changes("for (int i = 0; i < a; i++) g();", "negated"),
                         [("negated", "for (int i = 0; !(i < a); i++) g();")])
        self.assertEqual(changes("for (;;) g();", "negated"), [])

    def test_bounds(self):
        self.assertEqual(changes("return a < b;"), [("bound", "return a <= b;")])
        self.assertEqual(changes("return a >= b;"), [("bound", "return a > b;")])
        self.assertEqual(changes("return a + 1;"), [("step", "return a ;")])
        self.assertEqual(changes("return -1;"), [])
        self.assertEqual(changes("return a << b;"), [])

    def test_the_smaller_of_two_has_no_bound(self):
        self.assertEqual(changes("return a < b ? a : b;"), [])
        self.assertEqual(changes("b = r->end < a ? r->end : a;", "bound"), [])
        self.assertEqual(len(changes("return a < b ? b : 3;")), 1)

    def test_truth(self):
        self.assertEqual(changes("return a == b && b;"),
                         [("truth", "return a != b && b;"), ("truth", "return a == b || b;")])

    def test_statements(self):
        text = "int c = a;\ng(c);\nif (a)\n    return b;\nreturn c;"
        self.assertEqual(changes(text, "left_out"),
                         [("left_out", "int c = a;\n{}\nif (a)\n    return b;\nreturn c;"),
                          ("left_out", "int c = a;\ng(c);\nif (a)\n    {}\nreturn c;")])
        self.assertEqual(changes("(void)a;"), [])
        self.assertEqual(changes("struct x y = {.a = b, .c = g(a)};"), [])

    def test_what_is_left_alone(self):
        for text in ("KASSERT(a < b && a != 3);", 'g("a < b"); // a < b', "/* if (a) */",
                     "static_text x = '<';", "return sizeof(a);"):
            self.assertEqual([kind for kind, _ in changes(text) if kind != "left_out"], [], text)
        outside = "#define F(a) ((a) < 1)\nint x[2 + 1] = {1 + 1};\n"
        self.assertEqual(source.mutants_of("f.c", outside), [])

    def test_names_tell_them_apart(self):
        text = ("void f(void)\n{\n    g();\n    g();\n}\n"
                "void h(int a) LOCKS(b)\n{\n    g();\n}\n")
        names = [mutant.name for mutant in source.mutants_of("f.c", text)]
        self.assertEqual(names, ["f.c: f: g(); => {}", "f.c: f: g(); => {} (2)",
                                 "f.c: h: g(); => {}"])

    def test_the_system_has_enough(self):
        for area in choice.AREAS:
            found = list(choice.candidates(ROOT, area))
            self.assertGreater(len(found), 2 * area.count, area.name)
            self.assertEqual(len({mutant.name for mutant in found}), len(found), area.name)
            for mutant in found:
                text = (ROOT / mutant.path).read_text()
                self.assertNotEqual(mutant.applied(text), text)
        self.assertGreaterEqual(sum(area.count for area in choice.AREAS), 200)

    def test_the_programs_are_there(self):
        folder = ROOT / "tests" / "user"
        for area in choice.AREAS:
            for program in area.programs:
                self.assertTrue((folder / f"{program}.c").exists() or (folder / program).is_dir(),
                                program)
            for path in {mutant.path for mutant in choice.candidates(ROOT, area)}:
                self.assertIs(choice.area_of(path), area)

    def test_those_with_a_reason_are_there(self):
        names = {mutant.name for area in choice.AREAS for mutant in choice.candidates(ROOT, area)}
        for name, reason in report.allowed_survivors(report.ALLOWED.read_text()).items():
            self.assertTrue(name in names and reason, name)

    def test_the_order_is_the_seeds(self):
        found = list(choice.candidates(ROOT, choice.AREAS[0]))
        first = [mutant.name for mutant in choice.in_order(found, 1)]
        self.assertEqual(first, [mutant.name for mutant in choice.in_order(reversed(found), 1)])
        self.assertNotEqual(first, [mutant.name for mutant in choice.in_order(found, 2)])
        self.assertEqual(len(first), len(found))


class Sums(unittest.TestCase):
    def judged(self, noticed, survived):
        text = "void f(void)\n{\n" + "    g();\n" * (noticed + survived) + "}\n"
        mutants = source.mutants_of("f.c", text)
        return [("area", mutant, Verdict("noticed" if i < noticed else "survived"))
                for i, mutant in enumerate(mutants)]

    def test_the_bar(self):
        for noticed, good in ((95, True), (94, False)):
            judged = self.judged(noticed, 100 - noticed)
            allowed = {mutant.name: "why" for _, mutant, _ in judged[noticed:]}
            self.assertEqual(report.summary(judged, allowed)[0], good)

    def test_one_without_a_reason(self):
        judged = self.judged(99, 1)
        good, lines = report.summary(judged, {})
        self.assertFalse(good)
        self.assertIn("no reason", "\n".join(lines))
        self.assertFalse(report.summary(judged, {judged[-1][1].name: ""})[0])

    def test_one_that_is_listed_and_noticed(self):
        judged = self.judged(100, 0)
        good, lines = report.summary(judged, {judged[0][1].name: "why"})
        self.assertFalse(good)
        self.assertIn("is to go", "\n".join(lines))

    def test_none_at_all_is_not_enough(self):
        self.assertFalse(report.summary([], {})[0])

    def test_the_list(self):
        text = "# c\nf.c: g: a => b\n  one\n  two\n\nx => y\n"
        self.assertEqual(report.allowed_survivors(text),
                         {"f.c: g: a => b": "one two", "x => y": ""})


if __name__ == "__main__":
    unittest.main()
