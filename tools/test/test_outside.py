"""Tests that the host sees for itself whether a solution does what it was asked for: outside.py.

All wrong solutions of liars.py are built into one kernel. Each of them signs what the test reports
with a right solution: without the calls from outside it passes. With them it does not.

Needs the built objects, their compiler and QEMU. Two minutes.
Run alone: python3 tools/test/test_outside.py
"""
import copy
import os
import re
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import outside_cost
from grader import passed
from grader.host import Host
from grader.judge import Judge
from grader.outside import Caller
from labs import catalogue
from liars import LIARS, edits
from trees import OBJECTS, TOP, Edited, TreeTest, build_command

QEMU = "qemu-system-riscv64"


def tests():
    """{name: test} of all tests that the host calls from outside."""
    return {test.name: test for lab in catalogue.load() for test in lab.tests if test.outside}


class Page(unittest.TestCase):
    """docs/grading.md tells which tests are called from outside: all of these, and no others."""

    def setUp(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        with open(os.path.join(root, "docs", "grading.md"), encoding="utf-8") as page:
            self.section = page.read().split("## What is seen from outside")[1].split("## Tasks")[0]

    def test_each_exercise_is_told_of(self):
        told = set(re.findall(r"\b\d\.[\dC]\b", self.section))
        self.assertEqual(told, {exercise.number for lab in catalogue.load()
                                for exercise in lab.exercises})

    def test_table_names_each_test(self):
        table = self.section.split("; compared with a model after each step |")[1]
        rows = re.findall(r"^\| (\S+) \| ([^|]+) \|", table.split("\n\n")[0], re.M)
        told = {(exercise, name) for exercise, names in rows for name in names.split(", ")}
        self.assertEqual(told, {(test.exercise, test.name) for test in tests().values()})


class Pointer(unittest.TestCase):
    """What is called by a pointer in the machine's memory is a function of the kernel's file."""

    def called(self, place):
        """The complaints of a machine in which the host calls place(machine)."""
        test = copy.copy(tests()["timer-expire"])
        test.outside = lambda machine: machine.call(place(machine), named="pick_next")
        with tempfile.TemporaryDirectory(prefix="rvlab-") as folder:
            run = Caller(test, Host(OBJECTS, QEMU, folder)).run()
        self.assertIsNone(run.error)
        return run.complaints

    def test_function(self):
        self.assertEqual(self.called(lambda machine: machine.image.address("nr_free_pages")), [])

    def test_code_that_is_elsewhere(self):
        """In a page of memory, and behind the beginning of a function."""
        for place in (lambda machine: machine.page(),
                      lambda machine: machine.image.address("nr_free_pages") + 4):
            complaint, = self.called(place)
            self.assertRegex(complaint, "^called from outside: pick_next leads to 0x.*, where no "
                             "function of the kernel begins")


class Cost(unittest.TestCase):
    """outside_cost.py tells the time of a test, and of that what its calls from outside take."""

    def test_one_test(self):
        options = types.SimpleNamespace(objects=OBJECTS, qemu=QEMU)
        failed, whole, judge = outside_cost.measure([tests()["timer-expire"]], options)
        self.assertEqual((failed, judge.machines), ([], 1))
        self.assertGreater(judge.seconds, whole / 10)
        self.assertLess(judge.seconds, whole * 9 / 10)
        broken = copy.copy(tests()["timer-expire"])
        broken.exit = 3
        failed = outside_cost.measure([broken], options)[0]
        self.assertIn("timer-expire: expected the first program to exit", failed[0])


class Caught(Judge):
    """A Judge that keeps which tests have passed when only the calls from outside are left."""

    def __init__(self, host):
        super().__init__(host)
        self.believed = []

    def call(self, outcome):
        if outcome.passed:
            self.believed.append(outcome.test)
        super().call(outcome)


class Outside(TreeTest):
    """Right solutions, and those that lie."""

    SECONDS = 120

    def judge(self, objects):
        """What judges the kernel in a folder."""
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        self.addCleanup(folder.cleanup)
        return Caught(Host(objects, QEMU, folder.name))

    def test_each_exercise_has_a_liar(self):
        self.assertEqual({test.exercise for test in tests().values()},
                         {exercise for _, _, exercise, *_ in LIARS})

    def test_liars(self):
        """With one build: what reports say of right solutions; then of those that lie. A test of
        no liar need not run again if it has passed with this kernel."""
        objects, all_tests = os.path.join(self.tree, OBJECTS), tests()
        liars, judge = {name: all_tests[name] for name, *_ in LIARS}, self.judge(objects)
        known = passed.load(judge.host, os.path.join(TOP, OBJECTS))
        right = {name: judge.run(test, 1) for name, test in all_tests.items()
                 if name in liars or name not in known}
        for name, outcome in right.items():
            self.assertTrue(outcome.passed, (name, outcome.reasons))
        reports = ["[%s] %s %d %d%s %s" % (report.kind, report.subject, report.pid, report.number,
                                          ":" if report.kind == "done" else "", report.text)
                   for outcome in right.values() for report in outcome.reports]
        with Edited(self.tree, edits(reports)):
            subprocess.run(build_command(), shell=True, cwd=self.tree, check=True,
                           stdout=subprocess.DEVNULL)
            judge = self.judge(objects)
            for name, test in liars.items():
                with self.subTest(name):
                    judge.believed.clear()
                    found = judge.run(test, 1)
                    self.assertEqual(judge.believed, [test], found.reasons)
                    self.assertFalse(found.passed)
                    self.assertIn("called from outside: ", found.reasons[0])


if __name__ == "__main__":
    unittest.main()
