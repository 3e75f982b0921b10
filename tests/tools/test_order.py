# SPDX-License-Identifier: MIT
"""tools/check order: a planted circle is found, on the objects of a small build."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from checks import objects, order, tree  # noqa: E402

LOW = "int low(void) { return 1; }\n"
HIGH = "int low(void);\nint high(void) { return low(); }\n"
MAIN = ("// What it is.\n//\n// Each file knows only those above it:\n//\n"
        "//   part/*   ends\n//   high     goes on\n//   main     begins\n"
        "int high(void);\nint main(void) { return high(); }\n")


class Order(unittest.TestCase):
    def build(self, files, folders=("apps/srv/x",)):
        """A tree with these sources and a build of it; every folder is a program's."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, tree, "ROOT", tree.ROOT)
        tree.ROOT = pathlib.Path(folder.name)
        base = tree.ROOT / "build/debug"
        base.mkdir(parents=True)
        commands = []
        for name, text in files.items():
            source, made = tree.ROOT / name, f"CMakeFiles/p.dir/{name}.obj"
            for path in (source, base / made):
                path.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(text)
            command = ["clang-14", "-o", made, "-c", str(source)]
            subprocess.run(command, cwd=base, check=True)
            commands.append({"directory": str(base), "file": str(source),
                             "command": " ".join(command)})
        for name in folders:
            (tree.ROOT / name / "CMakeLists.txt").write_text("")
        (base / "compile_commands.json").write_text(json.dumps(commands))

    def errors(self, not_yet=()):
        return list(order.order_errors(not_yet))

    def test_an_order_is_right(self):
        self.build({"apps/srv/x/main.c": MAIN, "apps/srv/x/high.c": HIGH,
                    "apps/srv/x/part/low.c": LOW})
        self.assertEqual(self.errors(), [])

    def test_a_circle_is_found(self):
        back = "int high(void);\nint low(void) { return high(); }\n"
        self.build({"apps/srv/x/main.c": MAIN, "apps/srv/x/high.c": HIGH,
                    "apps/srv/x/part/low.c": back})
        self.assertEqual(self.errors(), [
            "apps/srv/x: high.c, which needs low of part/low.c, which needs high of high.c"])

    def drawn(self, *rows):
        """What is wrong with a program whose main.c draws these rows."""
        drawing = "".join(f"//   {row}\n" for row in rows)
        self.build({"apps/srv/x/main.c": f"// Each file knows only those above it:\n//\n{drawing}"
                    "int high(void);\nint main(void) { return high(); }\n",
                    "apps/srv/x/high.c": HIGH, "apps/srv/x/low.c": LOW})
        return self.errors()

    def test_a_drawing_is_held_to(self):
        self.assertEqual(self.drawn("low", "high  goes on", "main  begins"), [])
        self.assertEqual(self.drawn("high", "low", "main"), [
            "apps/srv/x/main.c: does not draw low.c above high.c, which needs it"])
        self.assertEqual(self.drawn("high, low   at once", "main"), [
            "apps/srv/x/main.c: does not draw low.c above high.c, which needs it"])
        self.assertEqual(self.drawn("high", "main"), ["apps/srv/x/main.c: does not draw low.c"])
        self.assertEqual(self.drawn("low", "other", "high", "main"), [
            "apps/srv/x/main.c: draws other, which is not there"])

    def test_a_program_without_a_drawing(self):
        self.build({"apps/srv/x/main.c": MAIN.replace("Each ", ""), "apps/srv/x/high.c": HIGH,
                    "apps/srv/x/part/low.c": LOW})
        self.assertIn("does not draw the order", self.errors()[0])

    def test_data_counts_too(self):
        main = "int low(void);\nint counter;\nint main(void) { return low(); }\n"
        low = "extern int counter;\nint low(void) { return ++counter; }\n"
        self.build({"apps/srv/x/main.c": main, "apps/srv/x/low.c": low})
        self.assertEqual(len(self.errors()), 1)

    def test_a_long_way_round_is_found(self):
        self.build({f"apps/srv/x/f{i}.c": f"int f{(i + 1) % 5}(void);\n"
                    f"int f{i}(void) {{ return f{(i + 1) % 5}(); }}\n" for i in range(5)})
        self.assertEqual(len(self.errors()), 1)

    def test_programs_are_apart(self):
        self.build({"apps/srv/x/a.c": "int b(void);\nint a(void) { return b(); }\n",
                    "apps/srv/y/b.c": "int a(void);\nint b(void) { return a(); }\n",
                    "kernel/core/c.c": "int d(void);\nint c(void) { return d(); }\n",
                    "kernel/core/d.c": "int c(void);\nint d(void) { return c(); }\n"},
                   ("apps/srv/x", "apps/srv/y"))
        self.assertEqual(self.errors(), [])

    def test_the_list_only_shrinks(self):
        self.build({"apps/srv/x/main.c": MAIN, "apps/srv/x/high.c": HIGH,
                    "apps/srv/x/part/low.c": LOW})
        self.assertIn("leaves the list", self.errors({"apps/srv/x"})[0])
        self.assertIn("nothing is built of it", self.errors({"apps/srv/y"})[0])

    def test_an_old_object_is_no_answer(self):
        self.build({"apps/srv/x/low.c": LOW})
        os.utime(tree.ROOT / "apps/srv/x/low.c", (2 ** 31, 2 ** 31))
        self.assertIn("apps/srv/x/low.c is newer", self.errors()[0])
        (objects.build_folder() / "compile_commands.json").unlink()
        self.assertIn("there is no debug build", self.errors()[0])

    def test_names_of_an_object(self):
        self.build({"apps/srv/x/high.c": HIGH})
        found = objects.read(lambda source: True)
        self.assertEqual([(one.source, one.program, set(one.defines), set(one.uses))
                          for one in found],
                         [("apps/srv/x/high.c", "p", {"high"}, {"low"})])


if __name__ == "__main__":
    unittest.main()
