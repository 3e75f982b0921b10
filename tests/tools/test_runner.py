# SPDX-License-Identifier: MIT
"""What the runner of tests lets pass."""
import pathlib
import sys
import tempfile
import types
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from tessera_cmd.testing import runner, suites  # noqa: E402
from tessera_cmd.testing.suites import Result, report_results  # noqa: E402
from tessera_cmd.testing.tap import Report  # noqa: E402

SKIPS = {"user@2/a.one": "needs one CPU"}


class Skips(unittest.TestCase):
    def judged(self, name, text):
        results = list(report_results(name, Report(text), 1))
        return [(result.name, runner.judged(result, SKIPS).verdict) for result in results]

    def test_a_skip_that_is_listed_with_its_reason(self):
        self.assertEqual(self.judged("user@2/a", "1..1\nok 1 - one # SKIP needs one CPU\n"),
                         [("user@2/a.one", "skipped")])

    def test_any_other_skip_is_a_failure(self):
        for name, reason in (("user@2/a", "no file tree"), ("user@2/a", ""),
                             ("user@4/a", "needs one CPU"), ("user@2/b", "needs one CPU")):
            self.assertEqual(self.judged(name, f"1..1\nok 1 - one # SKIP {reason}\n"),
                             [(f"{name}.one", "failed")])

    def test_a_leave_that_is_not_used_is_a_failure(self):
        self.assertEqual(self.judged("user@2/a", "1..1\nok 1 - one\n"),
                         [("user@2/a.one", "failed")])

    def test_what_fails_and_says_skip_has_failed(self):
        self.assertEqual(self.judged("user@2/a", "1..1\nnot ok 1 - one # SKIP needs one CPU\n"),
                         [("user@2/a.one", "failed")])

    def test_the_detail_names_the_reason(self):
        result = runner.judged(Result("x", "skipped", 0, "no disk"), {})
        self.assertIn("no disk", result.detail)

    def test_lines_of_the_list(self):
        text = "# a comment\n\nuser@2/a.one   needs one CPU\nbare\n"
        self.assertEqual(runner.allowed_skips(text), SKIPS)

    def test_what_is_listed_is_expected_to_run(self):
        names = set(runner.expected_names())
        for name in runner.allowed_skips(runner.SKIPS.read_text()):
            self.assertIn(name, names)


class Named(unittest.TestCase):
    def test_what_a_source_names_is_expected_to_run(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in (("tests/user/new.c", "{TAP(one), TAP(two)};\n"),
                               ("docs/abi/sing.md", "# sing\n"),
                               ("tests/system/machines.txt", "always q35 usb\nlong pc usb\n")):
                (root / name).parent.mkdir(parents=True)
                (root / name).write_text(text)
            with unittest.mock.patch.object(runner.build, "ROOT", root):
                names = runner.expected_names()
        for name in ("user@1/new.one", "user@4/new.two", "user@2/examples.sing", "machines/q35.usb"):
            self.assertIn(name, names)
        self.assertNotIn("machines/pc.usb", names)


class Wanted(unittest.TestCase):
    def wanted(self, name, *names, long=False):
        unit = suites.Unit(name, None, (), long=True)
        return runner.wanted(unit, types.SimpleNamespace(names=names, long=long))

    def test_long_ones(self):
        """They are asked for: all, by name, or with all other machines."""
        self.assertFalse(self.wanted("machines/pc.usb"))
        self.assertFalse(self.wanted("system/leak.long", "system"))
        self.assertFalse(self.wanted("machines/pc.usb", "system"))
        self.assertTrue(self.wanted("machines/pc.usb", long=True))
        self.assertTrue(self.wanted("machines/pc.usb", "machines/pc.usb"))
        self.assertTrue(self.wanted("machines/pc.usb", "machines"))


class Missing(unittest.TestCase):
    def test_what_did_not_run_is_a_failure(self):
        missing = runner.missing_results([], ["tools/runner"])
        self.assertEqual([(result.name, result.verdict) for result in missing],
                         [("tools/runner", "failed")])
        self.assertEqual(runner.missing_results(missing, ["tools/runner"]), [])


if __name__ == "__main__":
    unittest.main()
