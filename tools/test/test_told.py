"""Tests of what a student is told of a test that failed: equal things once, the first first.

Consoles, panics and outcomes are made up here, and the lines of grader/told.py are compared word by
word: failed checks with their values, the last lines of the output without what is told already,
call stacks with the lines of the calls, and which failures are "the same as" an earlier one.
If something is told twice, cut at the wrong place, or left out, the lists differ.

Nothing is built and no machine is booted.
Run alone: python3 tools/test/test_told.py
"""
import contextlib
import io
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader import told
from grader.model import Outcome, Test, Verdict
from grader.reports import Console, letters, tag
from grader.screen import Screen
from labs.catalogue import load

KEY = bytes(range(16))


def signed(line):
    """The line with the place that it was reported from, and with its tag."""
    line += " #" + letters(0, 8)
    return line + tag(KEY, line)


def console(*lines):
    """A Console that has printed these lines. Lines that begin with "ok:", "FAILED:" or "done"
    become signed and numbered reports."""
    out = ["OpenSBI", "Boot HART MEDELEG", "  type help; ctrl-A x leaves QEMU"]
    number = 0
    for line in lines:
        kind, _, rest = line.partition(" ")
        if kind in ("ok:", "FAILED:"):
            number += 1
            line = "[check] toy 2 %d %s %s" % (number, kind, rest)
            line = signed(line)
        elif kind == "done":
            number += 1
            line = "[done] toy 2 %d: %s" % (number, rest)
            line = signed(line)
        out.append(line)
    return Console("\n".join(out).encode(), KEY)


def source_lines(addresses):
    """It takes the place of the debug information: each address is its own line of a.c."""
    return [", at a.c:%d" % address for address in addresses]


class Checks(unittest.TestCase):
    """The lines of failed checks."""

    def test_equal_ones_are_told_once_with_the_first_values(self):
        many = ["FAILED: each is right: expected 7, got %d, at kern/a.c:5" % n for n in range(661)]
        many[4:4] = ["FAILED: the last one too, at kern/a.c:9"] * 2
        self.assertEqual(told.checks_failed(console(*many)), [
            "check failed: each is right: expected 7, got 0, at kern/a.c:5",
            "    and so 660 times more, at last: expected 7, got 660",
            "check failed: the last one too, at kern/a.c:9", "    and so 1 times more"])

    def test_another_place_or_title_is_another_check(self):
        lines = ["FAILED: a, at k.c:1", "FAILED: a, at k.c:2", "FAILED: b, at k.c:2"]
        self.assertEqual(len(told.checks_failed(console(*lines))), 3)

    def test_there_is_an_end(self):
        lines = told.checks_failed(console(*("FAILED: %d, at k.c:1" % n for n in range(50))))
        self.assertEqual(len(lines), told.MAX_CHECKS + 1)
        self.assertEqual(lines[-1], "and 40 other checks failed: see its output")

    def test_what_belongs_to_the_first_stands_below_it(self):
        lines = ["FAILED: list, at k.c:1", "    expected 1 2", "    found 2 1", "x", "    y",
                 "FAILED: list, at k.c:1", "    expected 3", "FAILED: other, at k.c:2"]
        self.assertEqual(told.checks_failed(console(*lines)), [
            "check failed: list, at k.c:1", "    expected 1 2", "    found 2 1",
            "    and so 1 times more", "check failed: other, at k.c:2"])
        before = told.checks_failed(console("ok: a", "no", "    it is 3", "FAILED: b, at k.c:1"))
        self.assertEqual(before, ["check failed: b, at k.c:1", "    it is 3"])


class LastLines(unittest.TestCase):
    """The last lines of the output, and what was lost."""

    def test_nothing_is_told_twice(self):
        lines = ["hello", "ok: a", "FAILED: b, at k.c:1", "    more of b", "killed: c",
                 "    more of c", "done 1 of 2 checks failed", "init ended with code 1",
                 "leak check: ok"]
        self.assertEqual(told.last_lines(console(*lines)), ["hello", "killed: c", "    more of c"])

    def test_without_failed_checks_all_is_news(self):
        lines = ["ok: a", "done 1 checks passed", "leak check: 2 pages"]
        self.assertEqual(len(told.last_lines(console(*lines))), 3)

    def test_how_far_it_came(self):
        lines = ["FAILED: a, at k.c:1", "init ended with code -9", "leak check: ok"]
        self.assertEqual(told.last_lines(console(*lines)),
                         ["init ended with code -9", "leak check: ok"])

    def test_what_was_lost(self):
        text = "x\nleak check: 2 pages, 0 processes, 1 objects lost; objects in use are\n   1 mm"
        self.assertEqual(told.lost(text), ["at the end something was not given back: 2 pages, "
                                           "0 processes, 1 objects lost"])
        self.assertEqual(told.lost("leak check: ok\n"), [])


def frames(*addresses):
    """The lines of a call stack, as the kernel prints them."""
    return "".join("  %016x f%d+0x4\n" % (address, address) for address in addresses)


class Stacks(unittest.TestCase):
    """Call stacks of panics and deadlocks."""

    def test_of_a_panic(self):
        head = "kern/a.c:7 on hart 0:\n    why\ncall stack, innermost first:\n"
        for place, first in (("kern/a.c:7", 15), ("f16+0x4", 16), ("0xffffffe000012345", 16)):
            part = "kernel panic at %s on hart 0:\n    %s" % (place, head) + frames(16, 33)
            self.assertEqual(told.stack(part, source_lines),
                             ["f16+0x4, at a.c:%d" % first, "f33+0x4, at a.c:32"])

    def test_of_a_jump_to_nowhere(self):
        """The address before 0 is -1. The tool that looks up lines must not get it, because it
        looks like an option."""
        for place in ("0x0", "kern/a.c:7"):
            part = "kernel panic at %s on hart 0:\n    why\n" % place + frames(0, 33)
            self.assertEqual(told.stack(part, source_lines),
                             ["f0+0x4, at a.c:0", "f33+0x4, at a.c:32"])

    def test_of_a_deadlock(self):
        bell = "waits for a bell that nobody rings"
        part = "deadlock: all 4 processes sleep, and nothing can wake one\n" \
               "initproc (pid 1) waits for a child to end:\n" + frames(17, 33)
        part += "".join("eater %d (pid %d) %s:\n" % (n, n, bell) + frames(49, 65) for n in (2, 3))
        part += "old (pid 9) has ended, and its parent did not wait:\n" + frames(81)
        part += "\nkernel panic at k.c:1 on hart 0, running idle (pid 0):\n    deadlock\n" \
                "call stack, innermost first:\n" + frames(97)
        self.assertEqual(told.stacks(part, source_lines), [
            "initproc (pid 1) waits for a child to end", "  f17+0x4, at a.c:16",
            "  f33+0x4, at a.c:32",
            "eater 2 (pid 2) %s, and so do 1 others: eater 3 (pid 3)" % bell,
            "  f49+0x4, at a.c:48", "  f65+0x4, at a.c:64",
            "old (pid 9) has ended, and its parent did not wait", "  f81+0x4, at a.c:80"])

    def test_a_large_deadlock(self):
        part = "".join("p (pid %d) waits for %d:\n" % (n, n) + frames(*range(n, n + 20))
                       for n in range(1, 50))
        lines = told.stacks(part, source_lines)
        self.assertEqual(len(lines), told.MAX_STACKS * (1 + told.STACK_FRAMES) + 1)
        self.assertEqual(lines[-1], "and 41 more: see its output")


class Likeness(unittest.TestCase):
    """Failures that are told as "the same as" an earlier one."""

    def outcome(self, verdict, *reasons, **more):
        return Outcome(Test("toy", **more), verdict, reasons)

    def alike(self, verdict, first, second):
        return told.likeness(self.outcome(verdict, *first)) == \
            told.likeness(self.outcome(verdict, *second))

    def test_panics(self):
        def at(place, who, why):
            return ("kernel panic at %s on hart %d, running p (pid %d):" % (place, who, who),
                    "    " + why)
        one = at("kern/a.c:7", 0, "page 0x80201000 is in use")
        self.assertTrue(self.alike(Verdict.PANIC, one, at("kern/a.c:7", 1,
                                                          "page 0x80202000 is in use")))
        self.assertFalse(self.alike(Verdict.PANIC, one, at("kern/a.c:8", 0, one[1].strip())))
        self.assertFalse(self.alike(Verdict.PANIC, one, at("kern/a.c:7", 0, "page 0x0 is free")))

    def test_others(self):
        hang = "no end after %d million instructions; it is in the kernel, at f+0x%x, at k.c:%d"
        self.assertTrue(self.alike(Verdict.HANG, [hang % (100, 8, 3)], [hang % (200, 9, 4)]))
        check = "check failed: a: expected 1, got %d, at k.c:1"
        self.assertTrue(self.alike(Verdict.WRONG, [check % 2], [check % 2]))
        self.assertFalse(self.alike(Verdict.WRONG, [check % 2], [check % 3]))
        self.assertIsNone(told.likeness(self.outcome(Verdict.OK)))
        self.assertIsNone(told.likeness(self.outcome(Verdict.SETUP, "QEMU does not start")))
        self.assertIsNone(told.likeness(self.outcome(Verdict.WRONG, "x", command=["x"])))

    def test_on_the_screen(self):
        """A mistake that ends all tests is told once."""
        labs = load()
        tests = [test for lab in labs for test in lab.tests if test.points]
        with contextlib.redirect_stdout(io.StringIO()) as output:
            screen = Screen(labs, tests)
            for test in tests:
                screen.show(Outcome(test, Verdict.PANIC, [
                    "kernel panic at kern/a.c:7 on hart 0, running %s (pid 2):" % test.name,
                    "    no memory for %d pages" % test.limit]))
        lines = output.getvalue().rstrip().split("\n")
        self.assertLess(len(lines), len(tests) + 12)
        self.assertEqual(len([line for line in lines if "kernel panic" in line]), 1)
        self.assertEqual(len([line for line in lines if "the same as %s above" % tests[0].name
                              in line]), len(tests) - 1)

    def test_an_exercise_asks_once(self):
        labs = load()
        tests = [test for lab in labs for test in lab.tests if test.exercise == "1.1"]
        with contextlib.redirect_stdout(io.StringIO()) as output:
            screen = Screen(labs, tests)
            for test in tests:
                screen.show(Outcome(test, Verdict.WRONG, [test.name]))
        self.assertEqual(output.getvalue().count("asked: "), 1)

    def test_what_is_blank_is_one_line_an_exercise(self):
        labs = load()
        tests = [test for lab in labs[1:6] for test in lab.tests if test.exercise]
        panic = "exercise 4.2 (fork_named) is not written yet, at kern/process/fork.c:%d"
        with contextlib.redirect_stdout(io.StringIO()) as output:
            screen = Screen(labs, tests)
            for test in tests:
                screen.show(Outcome(test, Verdict.NOT_WRITTEN,
                                    ["kernel panic at k.c:1 on hart 0, running x (pid 1):",
                                     "    " + panic % (7 if test.exercise < "3" else 9)]))
            screen.show_blank()
        lines = output.getvalue().rstrip().split("\n")
        numbers = [test.exercise for test in tests]
        self.assertEqual([line.split()[0] for line in lines], list(dict.fromkeys(numbers)))
        for line in lines:
            number, count = line.split()[0], int(line.split()[1])
            self.assertEqual(count, numbers.count(number))
            self.assertIn("not written yet  fork_named (exercise 4.2), kern/process/fork.c:%d"
                          % (7 if number < "3" else 9), line)

    def test_what_is_blank_stands_below_what_is_not(self):
        """What was tried and is wrong is told as ever; and a table without a name has no place."""
        labs = load()
        tests = [test for lab in labs for test in lab.tests if test.exercise == "2.C"][:2]
        with contextlib.redirect_stdout(io.StringIO()) as output:
            screen = Screen(labs, tests)
            screen.show(Outcome(tests[0], Verdict.NOT_WRITTEN, ["nothing is named own"]))
            screen.show(Outcome(tests[1], Verdict.WRONG, ["that was wrong"]))
            screen.score([])
        text = output.getvalue()
        self.assertRegex(text, r"(?s)%s .*that was wrong.*\n2\.C  1 test: not written yet  nothing "
                               r"is named own\n" % tests[1].name)


if __name__ == "__main__":
    unittest.main()
