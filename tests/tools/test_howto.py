# SPDX-License-Identifier: MIT
"""The blocks of a how-to mean what docs/howto/README.md says."""
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "system"))
import howto  # noqa: E402

PAGE = """# Add

**2 files:** so.

`a/new.c`:

```c
int a;
```

```diff
--- b.c
@@
 one
+two
@@
-four
```

```sh
mkdir -p c && echo x > c/y && echo x > c/z
```

````markdown
```c
```
````

```console
$ say it
… it
$ say more; echo $?
more
```
"""


class HowTo(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name)
        (self.tree / "b.c").write_text("one\nthree\nfour\n")

    def test_blocks_are_applied_and_counted(self):
        before = howto.contents(self.tree)
        blocks = howto.blocks(PAGE)
        for block in blocks:
            howto.apply(self.tree, block)
        self.assertEqual(howto.promise(PAGE), 2)
        self.assertEqual((self.tree / "a/new.c").read_text(), "int a;\n")
        self.assertEqual((self.tree / "b.c").read_text(), "one\ntwo\nthree\n")
        self.assertEqual(howto.touched(before, howto.contents(self.tree)), ["a", "b.c", "c"])
        self.assertEqual(blocks[-1].session, [("say it", "… it\n"),
                                              ("say more; echo $?", "more\n")])

    def test_a_change_wants_its_place_once(self):
        for text in ("one\none\n", "two\n"):
            (self.tree / "b.c").write_text(text)
            with self.assertRaises(AssertionError):
                howto.apply(self.tree, howto.Block("diff", None, "--- b.c\n@@\n one\n+two\n"))

    def test_answers(self):
        self.assertTrue(howto.answers("ok … - reset\n", "1..2\nok 7 - reset\n"))
        self.assertFalse(howto.answers("ok … - reset\n", "not ok 7 - reset\n"))
        self.assertFalse(howto.answers("a\nb\n", "b\na\n"))

    def test_one_new_folder(self):
        self.assertEqual(howto.promise("**One new folder:** all.\n"), 1)
        self.assertIsNone(howto.promise("Some files.\n"))


if __name__ == "__main__":
    unittest.main()
