# SPDX-License-Identifier: MIT
"""A small tree with something wrong planted in it, for tests of the checks. Import it before `checks`."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from checks import tree  # noqa: E402


class Planted(unittest.TestCase):
    def tree(self, files):
        """For the rest of the test the tree that is checked is {name: text}, and nothing else."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(setattr, tree, "ROOT", tree.ROOT)
        tree.ROOT = pathlib.Path(folder.name)
        subprocess.run(["git", "init", "-q", folder.name], check=True)
        for name, text in files.items():
            path = tree.ROOT / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
