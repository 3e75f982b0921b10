# SPDX-License-Identifier: MIT
"""The reader of TAP between other lines of a console."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from tessera_cmd.testing.tap import Report  # noqa: E402


class Reports(unittest.TestCase):
    def test_points_between_other_lines(self):
        report = Report("boot noise\r\n1..3\r\nok 1 - first\r\n# why\n# not\nnot ok 2 - second\n"
                        "something else\nok 3 - third # SKIP no device\n$ ")
        self.assertEqual([(point.name, point.passed, point.skipped) for point in report.points],
                         [("first", True, False), ("second", False, False), ("third", True, True)])
        self.assertEqual(report.points[1].detail, "# why\n# not")
        self.assertEqual(report.problem, "")

    def test_plan_may_come_last_and_numbers_may_lack(self):
        report = Report("ok - a\nok b\n1..2\n")
        self.assertEqual([point.name for point in report.points], ["a", "b"])
        self.assertEqual(report.problem, "")

    def test_missing_plan_is_a_problem(self):
        self.assertIn("no plan", Report("ok 1 - a\n").problem)

    def test_too_few_points_are_a_problem(self):
        self.assertIn("1 of 2", Report("1..2\nok 1 - a\n").problem)

    def test_same_name_twice_is_a_problem(self):
        self.assertIn("used twice: a", Report("1..2\nok 1 - a\nok 2 - a\n").problem)

    def test_nothing_at_all_is_a_problem(self):
        self.assertNotEqual(Report("").problem, "")


if __name__ == "__main__":
    unittest.main()
