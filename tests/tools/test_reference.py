# SPDX-License-Identifier: MIT
"""Pages that repeat the source are compared with it, drawings with their texts, examples with a compiler."""
import unittest

from planted import Planted
import mkdrawings
from checks import examples, reference, tree, words

PICTURE = """# SPDX-License-Identifier: MIT
title Two boxes
size 300 100
box a 10 10 80 40: one | more
box b 200 10 80 40 strong: two
arrow a.right b.left: to
"""


class Reference(Planted):
    def limits(self, *rows):
        self.tree({"a/a.h": "#define A_MAX (UINT64_C(1) << 20) // many\n#define B_MAX (A_MAX / 2)\n"
                            "#define C_SIZE 8192u\n#define TWICE 1\n",
                   "a/b.h": "#define TWICE 2\n", "tests/t.c": "#define C_SIZE 1\n",
                   "docs/limits.md": "| bound | value | defined as | beyond it |\n"
                                     "| --- | --- | --- | --- |\n" + "".join(rows)})
        return list(reference.check_limits())

    def test_right_limits(self):
        self.assertEqual(self.limits("| a | 2^20 | `A_MAX` | x |\n", "| b | 524,288 | `B_MAX` | x |\n",
                                     "| c | 8 KiB | `C_SIZE` | x |\n",
                                     "| d | 2 | `TWICE` in `b.h` | x |\n"), [])

    def test_wrong_limits(self):
        for row in ("| a | 2^21 | `A_MAX` | x |\n", "| a | many | `A_MAX` | x |\n",
                    "| a | 1 | `GONE` | x |\n", "| a | 1 | `TWICE` | x |\n",
                    "| a | 2 | `TWICE` in `a.h` | x |\n", ""):
            self.assertEqual(len(self.limits(row)), 1, row)

    def test_locks(self):
        self.tree({"kernel/a.c": 'static struct spinlock l = SPINLOCK_INIT("one");\n',
                   "arch/b.c": 'spin_init(&a->lock, "two");\n', "tests/c.c": 'SPINLOCK_INIT("no")',
                   "docs/locks.md": "| `one` | what |\n| `gone` | what |\n"})
        errors = list(reference.check_locks())
        self.assertEqual(len(errors), 2)
        self.assertIn('"two" is not in', errors[0])
        self.assertIn('"gone"', errors[1])

    def test_drawings(self):
        self.tree({"docs/images/a.draw": PICTURE, "docs/images/b.draw": PICTURE,
                   "docs/images/b.svg": mkdrawings.draw(PICTURE)})
        self.assertEqual([error.split(":")[0] for error in reference.check_drawings()],
                         ["docs/images/a.svg"])

    def test_what_cannot_be_drawn(self):
        for line in ("box c 0 0 20 40: wider than its box", "text 20 30: over", "circle 1 2",
                     "arrow a.right c.left", "box a 0 0 90 90: again", "box c 0 0 90: three",
                     "arrow a.right b.left sideways"):
            with self.assertRaises(SystemExit, msg=line):
                mkdrawings.draw(PICTURE + line + "\n")

    def test_prose(self):
        self.tree({"a.c": 'f("he"); // it asks\n', "b.c": "// Whoever asks is told.\n",
                   "c.h": "int his; // for him\n", "d.md": "The shell then theirs.\n",
                   "e.md": "A thread and his queue.\n"})
        self.assertEqual([error.split(":")[0] for error in words.check_prose()],
                         ["b.c", "c.h", "e.md"])

    def test_examples(self):
        head = "#pragma once\n// What it is.\n//\n"
        self.tree({"ipc/lib/good.h": head + "//     int one = 1, two;\n//     …\n//     two = one;\n",
                   "ipc/lib/whole.h": head + "//     static int f(void)\n//     {\n"
                                             "//         return 1;\n//     }\n",
                   "ipc/lib/words.h": head + "//     config    what is to run\n",
                   "ipc/lib/bad.h": head + "//     unknown(x);\n", "ipc/lib/a.c": ""})
        commands = [("ipc/lib/a.c", ["clang-14", "-std=c17", "-Werror"])]
        self.assertEqual([error.split(":")[0] for error in examples.example_errors(commands)],
                         ["ipc/lib/bad.h"])


if __name__ == "__main__":
    unittest.main()
