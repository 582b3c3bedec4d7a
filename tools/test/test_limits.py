"""tools/limits.py: what follows from a figure, what is refused, and that the limits of the tests
are near what is measured now.

Rules needs nothing. Sources looks for each limit in the sources of the tests, and in its last test
measures all of them, for which it needs the built objects and QEMU: half a minute. Room: the
reference solution needs less than half of the instructions that each test of a lab allows.

Run alone: python3 tools/test/test_limits.py
"""
import argparse
import copy
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import bench
import limits
from grader import passed
from grader.host import Host
from grader.judge import Judge
from labs.catalogue import load
from trees import OBJECTS, TOP


def limit(rule, wrong=None):
    return limits.Limit("made up", ("none", "1M"), "", ("", ""), rule, wrong, "")


class Rules(unittest.TestCase):
    def test_what_follows(self):
        self.assertEqual(limits.derived("quarter", 3366), 4210)
        self.assertEqual(limits.derived("quarter", 384), 480)
        self.assertEqual(limits.derived("quarter", 10), 13)
        self.assertEqual(limits.derived("double", 5000), 30)
        self.assertIsNone(limits.derived("between", 5))

    def test_a_limit_that_follows_is_near(self):
        for value, good in ((4210, True), (4050, True), (3900, False), (5050, False)):
            self.assertEqual(limits.holds(limit("quarter"), 3366, value), good, value)

    def test_a_limit_between_has_room_on_both_sides(self):
        for value, good in ((199, False), (200, True), (500, True), (501, False)):
            self.assertEqual(limits.holds(limit("between", 1000), 100, value), good, value)

    def test_a_least_one(self):
        """The right one is above the limit, the wrong one below it."""
        for value, good in ((19, False), (20, True), (50, True), (51, False)):
            self.assertEqual(limits.holds(limit("between", 10), 100, value), good, value)


class Sources(unittest.TestCase):
    def setUp(self):
        before = os.getcwd()
        os.chdir(TOP)
        self.addCleanup(os.chdir, before)

    def test_each_limit_is_found_once(self):
        for column in (0, 1):
            places = [(path, match.start(1)) for path, _, match in
                      (limits.place_of(limit, column) for limit in limits.LIMITS)]
            self.assertEqual(len(set(places)), len(limits.LIMITS))

    def test_what_clang_tells(self):
        """Nothing that would overwrite what follows from GCC's figures."""
        self.assertEqual(limits.of_compiler(0), limits.LIMITS)
        self.assertEqual({one.rule for one in limits.of_compiler(1)}, {"quarter", "between"})

    def test_clang_has_its_own(self):
        of_gcc, of_clang = ([limits.place_of(limit, column)[2].group(1)
                             for limit in limits.LIMITS if limit.rule == "quarter"]
                            for column in (0, 1))
        self.assertTrue(all(int(a) <= int(b) for a, b in zip(of_gcc, of_clang)))

    def test_one_that_is_not_there(self):
        gone = limit("quarter")._replace(source=("sfs_cost.c", "no such (text)"))
        with self.assertRaisesRegex(SystemExit, 'no limit of "made up"'):
            limits.place_of(gone, 0)

    @unittest.skipIf(bench.Compiler(OBJECTS).tolerance, "the limits are of the course's compiler")
    def test_measured_now(self):
        found = limits.measure(argparse.Namespace(objects=OBJECTS, qemu="qemu-system-riscv64"))
        for one in limits.LIMITS:
            value = int(limits.place_of(one, 0)[2].group(1))
            self.assertTrue(limits.holds(one, found[one.what], value),
                            "%s: measured %d, the limit is %d: python3 tools/limits.py --write"
                            % (one.what, found[one.what], value))


class Room(unittest.TestCase):
    """The limits of instructions leave room for slower solutions."""

    SECONDS = 20

    def test_the_reference_needs_less_than_half(self):
        """This holds with each compiler, because an honest solution may be slower than ours. If
        make grade has kept the count of a test, no machine is needed. Calls from outside have no
        limit of instructions."""
        with tempfile.TemporaryDirectory() as logs:
            host = Host(os.path.join(TOP, OBJECTS), "qemu-system-riscv64", logs)
            judge, known = Judge(host), passed.entries(host, os.path.join(TOP, OBJECTS))
            for test in (copy.copy(test) for lab in load() for test in lab.tests
                         if test.points and test.harts == 1):
                test.limit, test.outside = test.limit // 2, None
                count = known.get(test.name, (0, None))[1]
                with self.subTest(test.name):
                    if count is not None:
                        self.assertLess(count, test.limit * 10 ** 6)
                    else:
                        self.assertEqual(judge.run(test, 1).reasons, [])


if __name__ == "__main__":
    unittest.main()
