"""Tests of what a graded test must report: the record of it, and the places that report.

Record: the lines of a test are saved and compared with others; a line that is missing, other, or
in another order must be told, while pids and the order between processes do not matter. The record
in tools/labs must have each test with points that reports, and no other. Sites: the addresses from
which a program or the kernel may report are found in the built files, as many as the sources have
calls. If a call is not found, honest reports would count as forged.

Needs the built objects; no QEMU.
Run alone: python3 tools/test/test_record.py
"""
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from grader import record
from grader.image import Image
from grader.model import Outcome, Report, Test, Verdict
from grader.sites import REPORTERS, sites
from labs.catalogue import load
from tasks import catalogue as tasks
from trees import OBJECTS, TOP


def reports(*texts, pid=3):
    """Reports of the program cow with these texts, numbered from 1."""
    return [Report("check", "cow", pid, number, text) for number, text in enumerate(texts, 1)]


class Record(unittest.TestCase):
    """What was recorded of a test is compared with what it reports now."""

    LINES = reports("ok: one", "ok: two")

    def setUp(self):
        file = tempfile.NamedTemporaryFile()
        self.addCleanup(file.close)
        self.test, self.path = Test("cow", points=1), file.name
        outcome = Outcome(self.test, Verdict.OK)
        outcome.reports = self.LINES
        record.save([outcome], self.path)
        self.known = record.load(self.path)

    def wrong(self, *lines):
        return " ".join(record.wrong(self.known, self.test, sum(lines, [])))

    def test_the_same_lines(self):
        self.assertEqual(self.wrong(self.LINES), "")

    def test_another_pid(self):
        self.assertEqual(self.wrong(reports("ok: one", "ok: two", pid=7)), "")

    def test_checks_are_missing(self):
        self.assertIn("reported 1 lines, expected 2", self.wrong(self.LINES[:1]))

    def test_other_checks(self):
        self.assertIn("did not report the checks", self.wrong(reports("ok: one", "ok: three")))

    def test_another_order(self):
        self.assertIn("did not report the checks", self.wrong(reports("ok: two", "ok: one")))

    def test_processes_may_report_in_any_order(self):
        child = reports("ok: a child", pid=4)
        both = record.digest(self.LINES + child)
        self.assertEqual(record.digest(child + self.LINES), both)
        self.assertNotEqual(record.digest(self.LINES + reports("ok: a child", pid=3)), both)

    def test_a_failed_test_is_not_taken(self):
        record.save([Outcome(self.test, Verdict.WRONG)], self.path)
        self.assertEqual(record.load(self.path), self.known)

    def test_the_record_is_complete(self):
        """Each test with points that reports is in the record, and nothing else is."""
        tests = [test for each in load() + tasks.load() for test in each.tests if test.points]
        tests += [test.needs for test in tests if test.needs]
        self.assertEqual(sorted({test.name for test in tests if test.reports}),
                         sorted(record.load()))


class Sites(unittest.TestCase):
    """The places that are found are the return addresses of the calls that the sources have."""

    def image(self, name):
        return Image(os.path.join(TOP, OBJECTS, name))

    def test_a_program(self):
        found = sites(self.image("user/cow"))
        with open(os.path.join(TOP, "user", "cow.c"), encoding="utf-8") as file:
            calls = len(re.findall(r"\bcheck(?:_eq)?\(", file.read()))
        self.assertGreaterEqual(len(found["check"]), calls)
        self.assertEqual((len(found["checkpoint"]), len(found["done"])), (1, 1))

    def test_the_kernel(self):
        image = self.image("kernel")
        found = sites(image)
        self.assertGreater(len(found["check"]), 500)
        self.assertGreater(len(found["done"]), 0)
        self.assertEqual(set(found), set(REPORTERS.values()))
        low = {image.address("kernel_test_" + edge) & 0xffffffff for edge in ("start", "end")}
        for places in found.values():
            self.assertTrue(all(min(low) < place <= max(low) for place in places))

    def test_a_library_is_not_the_program(self):
        image = self.image("user/cow")
        image.symbols["program_end"] = image.symbols["program_start"]
        self.assertEqual(sites(image)["check"], set())


if __name__ == "__main__":
    unittest.main()
