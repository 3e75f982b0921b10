# SPDX-License-Identifier: MIT
"""Units that run side by side."""
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from tessera_cmd.testing import lanes  # noqa: E402
from tessera_cmd.testing.suites import Result, Unit  # noqa: E402


def unit(name, action=lambda: None, **fields):
    def run():
        begin = time.monotonic()
        action()
        yield Result(name, "passed", 0, f"{os.getpid()} {begin} {time.monotonic()}")
    return Unit(name, run, (), **fields)


def fields(result):
    pid, begin, end = result.detail.split()
    return int(pid), float(begin), float(end)


def nap():
    time.sleep(0.2)


class Lanes(unittest.TestCase):
    def run_all(self, units, jobs=2):
        results = list(lanes.run(units, jobs))
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        return {result.name: result for result in results}

    def test_two_lanes_run_at_the_same_time(self):
        results = self.run_all([unit("a", nap), unit("b", nap)])
        self.assertLess(fields(results["a"])[1], fields(results["b"])[2])
        self.assertLess(fields(results["b"])[1], fields(results["a"])[2])
        self.assertNotEqual(fields(results["a"])[0], fields(results["b"])[0])

    def test_no_more_than_jobs(self):
        results = self.run_all([unit(name, nap) for name in "abc"], 1)
        self.assertLessEqual(fields(results["a"])[2], fields(results["b"])[1])
        self.assertLessEqual(fields(results["b"])[2], fields(results["c"])[1])

    def test_a_lane_is_one_process_in_order(self):
        results = self.run_all([unit("a", nap, lane="x"), unit("b"), unit("c", lane="x")])
        self.assertEqual(fields(results["a"])[0], fields(results["c"])[0])
        self.assertLessEqual(fields(results["a"])[2], fields(results["c"])[1])
        self.assertNotEqual(fields(results["a"])[0], fields(results["b"])[0])

    def test_what_is_alone_has_no_neighbour(self):
        results = self.run_all([unit("a", nap, alone=True), unit("b", nap), unit("c", nap)])
        for name in "bc":
            self.assertLessEqual(fields(results[name])[2], fields(results["a"])[1])

    def test_a_large_result_comes_whole(self):
        def run():
            yield Result("a", "failed", 1, "x" * 500_000)
        result = self.run_all([Unit("a", run, ())])["a"]
        self.assertEqual(result, Result("a", "failed", 1, "x" * 500_000))

    def test_an_exception_is_a_failure_and_the_lane_goes_on(self):
        results = self.run_all([unit("a", lambda: 1 // 0, lane="x"), unit("b", lane="x")])
        self.assertEqual(results["a"].verdict, "failed")
        self.assertIn("ZeroDivisionError", results["a"].detail)
        self.assertEqual(results["b"].verdict, "passed")

    def test_a_process_that_dies_is_a_failure(self):
        results = self.run_all([unit("a", lambda: os._exit(3))])
        self.assertEqual(results["a"].verdict, "failed")

    def test_who_stops_leaves_no_process(self):
        running = lanes.run([unit("a"), unit("b", lambda: time.sleep(60))], 2)
        self.assertEqual(next(running).name, "a")
        running.close()
        with self.assertRaises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


if __name__ == "__main__":
    unittest.main()
