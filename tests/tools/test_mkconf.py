# SPDX-License-Identifier: MIT
"""tools/mkconf.py: init's configuration has the blocks of the drivers' folders."""
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "mkconf.py"
spec = importlib.util.spec_from_file_location("mkconf", TOOL)
mkconf = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mkconf)

LICENCE = "# SPDX-License-Identifier: MIT\n"


class Assembled(unittest.TestCase):
    def assembled(self, conf, **manifests):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = {"iso/etc/init.conf": conf,
                     **{f"drivers/{name}/service.conf": text for name, text in manifests.items()}}
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return mkconf.assembled(root)

    def test_blocks_come_where_the_mark_is(self):
        text = self.assembled(f"mount\n{mkconf.MARK}\nservice last\n",
                              **{"b/x": LICENCE + "service x\n", "a/y": LICENCE + "service y\n"})
        self.assertEqual(text, "mount\nservice y\n\nservice x\n\nservice last\n")

    def test_who_begins_alone_is_first(self):
        text = self.assembled(mkconf.MARK, **{"a/y": "service y\n",
                                              "b/x": "service x\n    alone\n"})
        self.assertEqual(text, "service x\n    alone\n\nservice y\n")

    def test_a_template_is_no_driver(self):
        self.assertEqual(self.assembled(mkconf.MARK, template="service t\n"), "")

    def test_a_mark_is_needed(self):
        for text in ("service last\n", mkconf.MARK * 2):
            with self.assertRaises(SystemExit):
                self.assembled(text, **{"a/y": "service y\n"})


if __name__ == "__main__":
    unittest.main()
