# SPDX-License-Identifier: MIT
"""tools/fetch: which apt entries it takes over, and what it accepts as a source."""
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "fetch"
loader = importlib.machinery.SourceFileLoader("fetch", str(TOOL))
fetch = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch", loader))
loader.exec_module(fetch)


class Entries(unittest.TestCase):
    def setUp(self):
        self.addCleanup(setattr, fetch, "release_name", fetch.release_name)
        fetch.release_name = lambda: "bookworm"

    def test_own_suites(self):
        for suite in ("bookworm", "bookworm-updates", "bookworm-security", "bookworm/updates"):
            self.assertTrue(fetch.is_own_suite(suite), suite)
        for suite in ("nodistro", "cloud-sdk-bookworm", "bookworm-pgdg", "./"):
            self.assertFalse(fetch.is_own_suite(suite), suite)

    def test_deb822(self):
        text = ("Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
                "Components: main\n# a remark\n\n"
                "Types: deb\nURIs: http://x\nSuites: nodistro\n\n"
                "Enabled: no\nTypes: deb\nURIs: http://y\nSuites: bookworm\n\n"
                "Types: deb-src\nURIs: http://z\nSuites: bookworm\n")
        self.assertEqual(fetch.deb822_entries(text),
                         ["Types: deb deb-src", "URIs: http://mirror.example/debian",
                          "Suites: bookworm", "Components: main", ""])

    def test_one_line_style(self):
        text = ("# deb http://a bookworm main\n"
                "deb [arch=amd64 signed-by=/k.gpg] http://b bookworm main contrib\n"
                "deb http://c stable main\n"
                "deb-src http://d bookworm main\n"
                "deb https://packages.example cloud-sdk main\n")
        self.assertEqual(fetch.line_entries(text),
                         ["deb [arch=amd64 signed-by=/k.gpg] http://b bookworm main contrib",
                          "deb-src [arch=amd64 signed-by=/k.gpg] http://b bookworm main contrib",
                          "deb http://c stable main", "deb-src http://c stable main"])


class Cache(unittest.TestCase):
    def test_only_the_right_checksum_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            self.addCleanup(setattr, fetch, "CACHE", fetch.CACHE)
            fetch.CACHE = pathlib.Path(folder)
            (fetch.CACHE / "x.tar").write_bytes(b"abc")
            right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
            source = fetch.Source("x", "deb-src", "x", "1", "x.tar", right)
            self.assertTrue(fetch.cached(source))
            self.assertFalse(fetch.cached(source._replace(sha256="0" * 64)))
            self.assertFalse(fetch.cached(source._replace(file="y.tar")))

    def test_lock_file_is_sound(self):
        sources = fetch.read_lock()
        self.assertEqual(len({source.name for source in sources}), len(sources))
        for source in sources:
            self.assertRegex(source.sha256, r"^[0-9a-f]{64}$")


if __name__ == "__main__":
    unittest.main()
