"""Tests of chaos=SEED and of tests with seeds: one seed is one run, the first that fails is told.

The machines boot the built kernel. Which seeds the grader boots, and what it tells, is tried with a
judge that boots nothing: it fails the seeds that it is told to.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_chaos.py
"""
import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from trees import OBJECTS, TOP

sys.path.insert(0, os.path.join(TOP, "tools"))

import debug
import planting
import races
from grader import formats
from grader.host import Host
from grader.machine import Machine
from grader.model import Lab, Outcome, Test, Verdict
from grader.reports import Console
from grader.runner import Runner
from grader.screen import Screen
from labs import catalogue
from recording import Recording

TAG = re.compile(r" #\w+$", re.MULTILINE)       # of a signed line: each boot has another key
QEMU = "qemu-system-riscv64"


def boot(test, seed):
    """(all that a boot with this seed prints, without tags; the count of instructions)."""
    with tempfile.TemporaryDirectory() as folder:
        run = Machine(test.seeded(seed), Host(OBJECTS, QEMU, folder)).run()
    assert run.error is None, run.error
    return TAG.sub("", run.console.text), run.instructions


class TestSeeds(unittest.TestCase):
    """The kernel: what a seed stands for."""

    def test_one_seed_is_one_run(self):
        for test in (Test("forktree", prog="forktree"), Test("mutex", selftest="mutex"),
                     Test("sleep", prog="sleep")):
            with self.subTest(test.name):
                runs = {seed: boot(test, seed) for seed in (5, 6, 7)}
                self.assertEqual(boot(test, 5), runs[5])
                self.assertEqual(len({count for text, count in runs.values()}), 3,
                                 "other seeds are other runs")

    def test_the_order_differs(self):
        test = Test("forktree", prog="forktree")
        texts = {re.sub("seed [0-9]+", "", boot(test, seed)[0]) for seed in range(1, 6)}
        self.assertGreater(len(texts), 2)

    def test_a_replay_is_the_graded_run(self):
        os.chdir(TOP)
        for name, seed in (("forktree", 3), ("waitkill-chaos", 2)):
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                session = debug.Session(types.SimpleNamespace(
                    objects=OBJECTS, qemu=QEMU, mem="128M", harts=1, prog="", append="",
                    test=name, seed=seed, replay=True), folder)
                recording = Recording(folder, session.test, session.command())
                text = Console(recording.record(), debug.KEY).text
                self.assertIn("chaos with seed %d\n" % seed, text)
                graded = boot(catalogue.find_test(name), seed)[0]
                self.assertEqual(TAG.sub("", text).splitlines(), graded.splitlines())


class TestRaces(unittest.TestCase):
    """make races: planted faults are found within the seeds of their tests."""

    SECONDS = 30

    def test_some_are_found(self):
        names = ["counter", "clears-and-hands-over", "unlocked-before-joining"]
        result = subprocess.run([sys.executable, "tools/races.py", "--seeds-only", "--toolchain",
                                 os.path.basename(OBJECTS)] + names, cwd=TOP,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 0, text)
        for name in names:
            self.assertRegex(text, "(?m)^%s +found at seed [0-9]+ of [0-9]+$" % name)

    def test_the_table_has_each_fault(self):
        with open(races.TABLE, encoding="utf-8") as file:
            rows = [line.split(" | ")[0] for line in file if line.startswith("| ")][2:]
        faults = [planting.read(path)[0] for path in planting.sources([], races.FOLDER)]
        self.assertEqual(rows, ["| " + fault.title for fault in faults])

    def test_no_seed_finds_no_fault(self):
        fault = planting.parse("title: none\ntest: races-event\nfile: user/races.c\n---\n#define "
                            "THREADS     4\n+++\n#define THREADS     4\n", "none",
                            ("title", "test"))
        self.assertEqual(races.row(fault, None, False, 0),
                         "| none | user/races.c | races-event | none of 20 | not found "
                         "| never found |\n")
        for text, told in (("title: a\nfile: user/races.c\n---\nx\n+++\ny\n", "no test:"),
                           ("title: a\ntest: b\nfile: user/races.c\n---\nx\n+++\ny\n",
                            "the old lines are not just once in user/races.c")):
            with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
                file.write(text)
                file.flush()
                with self.assertRaises(planting.MutantError) as error:
                    planting.read(file.name)
            self.assertIn(told, str(error.exception))


class FakeJudge:
    """A judge that boots nothing. The seeds in `bad` fail; `done` has all that were asked for."""

    def __init__(self, bad):
        self.bad, self.done = bad, []
        self.host = types.SimpleNamespace(cancelled=False)

    def run(self, test, number):
        """An Outcome of the boot with this seed."""
        self.done.append(number)
        outcome = Outcome(test, Verdict.WRONG if number in self.bad else Verdict.OK)
        outcome.reasons = ["two eat at seed %d" % number] if number in self.bad else []
        outcome.run = number
        return outcome


def graded(bad, jobs, test):
    """(the Outcome of a test, the seeds that were booted)."""
    judge, outcomes = FakeJudge(bad), []
    Runner([test], judge, jobs, "obj").run(outcomes.append, lambda *progress: None)
    return outcomes[0], judge.done


class TestVerdicts(unittest.TestCase):
    """The grader: which seeds are booted, and what is told."""

    def test_the_first_seed_that_fails(self):
        for jobs in (1, 2, 5):
            outcome, done = graded({4, 7}, jobs, Test("t", prog="t", seeds=10))
            self.assertEqual((outcome.run, outcome.reasons), (4, ["two eat at seed 4"]))
            self.assertTrue({1, 2, 3, 4} <= set(done) and len(done) < 4 + jobs, done)
            outcome, done = graded(set(), jobs, Test("t", prog="t", seeds=10))
            self.assertTrue(outcome.passed)
            self.assertEqual(sorted(done), list(range(1, 11)))

    def test_the_host_boots_more_afterwards(self):
        """Whether all were run or the last ones were cancelled: tools go on with the same host."""
        judge = FakeJudge(set())
        Runner([Test("t", prog="t", seeds=3)], judge, 2, "obj").run(lambda outcome: None,
                                                                   lambda *progress: None)
        self.assertFalse(judge.host.cancelled)

        def interrupt(outcome):
            raise KeyboardInterrupt
        with self.assertRaises(KeyboardInterrupt):
            Runner([Test("t", prog="t", seeds=3)], judge, 2, "obj").run(interrupt,
                                                                       lambda *progress: None)
        self.assertFalse(judge.host.cancelled)

    def test_all_tell_the_seed(self):
        test = Test("t", prog="t", seeds=10)
        lab = Lab(7, "x", [], [test])
        outcome = graded({4}, 1, test)[0]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            Screen([lab], [test]).show(outcome)
            Screen([lab], [test]).score([outcome])
        for text in ("with the boot argument chaos=4: seed 4 of 10",
                     "make debug TEST=t SEED=4 ", "make replay TEST=t SEED=4 ",
                     "make trace TEST=t SEED=4",
                     "Begin with t: make replay TEST=t SEED=4 "):
            self.assertIn(text, out.getvalue())
        result = formats.json_test(outcome)
        self.assertEqual((result["seed"], result["run"], result["runs"]), (4, 4, 10))
        grading = formats.Grading([lab], [outcome])
        for name in ("junit", "gradescope", "autolab", "markdown"):
            self.assertIn("with the boot argument chaos=4", formats.WRITERS[name](grading), name)
        self.assertIn("run: 4\n  seed: 4\n", formats.to_tap(grading))

    def test_long(self):
        test = Test("t", prog="t", seeds=10)
        self.assertEqual((test.runs, test.lengthened().runs, test.lengthened().seeds),
                         (10, 100, 100))
        self.assertEqual(Test("t", seeds=10, long_seeds=15).lengthened().runs, 15)

    def test_boot_arguments(self):
        test = Test("t", prog="t 1", append="sched=rr", harts=2, seeds=3).seeded(2)
        self.assertEqual((test.boot_arguments, test.runs, test.harts),
                         ("chaos=2 sched=rr init=t 1", 1, 2))

    def test_wrong_seeds_are_refused(self):
        for words, told in ((["--test", "hello", "--seed", "0"], "give a number from 1 to"),
                            (["--test", "hello", "--seed", "x"], "give a number from 1 to"),
                            (["--prog", "hello", "--seed", "2"], "--append chaos=2")):
            with contextlib.redirect_stderr(io.StringIO()) as errors, \
                    self.assertRaises(SystemExit):
                old, sys.argv = sys.argv, ["debug.py"] + words
                try:
                    debug.arguments()
                finally:
                    sys.argv = old
            self.assertIn(told, errors.getvalue())


if __name__ == "__main__":
    unittest.main()
