"""Tests of tools/faults.py, of what judges its machines, and of tools/check_unfailing.py.

One boot in which an allocation fails, and one in which the disk does, are done as a user does them.
The planted faults are built by tools/faults_planted.py; here it is looked at whether each fits the
tree, and whether those of the page have been found.

Needs the compiler and QEMU, and some seconds.
Run alone: python3 tools/test/test_faults.py
"""
import os
import subprocess
import sys
import tempfile
import types
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import check_unfailing
import faults
import faults_planted
import planting
from grader import faulty
from grader.model import Outcome, Verdict
from trees import OBJECTS, TOP

MARKED = """/* Make it.%s */
void make_it(void)
{
    struct Page *page = alloc_page();

    if (page == NULL)
        panic("there is none");
}
"""


def run(*words, folder=TOP):
    """(exit status, what it prints) of faults.py with these words."""
    result = subprocess.run([sys.executable, "tools/faults.py", "--objects", OBJECTS] + list(words),
                            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode, result.stdout.decode("utf-8", "replace")


def judged(plan, *lines):
    """What unexplained() says of a console with these lines."""
    return faulty.unexplained(types.SimpleNamespace(append="poison fail=" + plan),
                              "\n".join(lines) + "\n")


class Judged(unittest.TestCase):
    """Which ends a failure explains."""

    KILLED = "prog (pid 5) was killed: %s, address 0x1000, at pc 0x800020 (main+0x2)"
    END = "init ended with code %s"

    def test_ends(self):
        killed = self.KILLED % "out of memory"
        for plan, lines, count in (
                ("alloc:5", [self.END % 0], 0),
                ("alloc:5", [self.END % "-4 E_NO_MEM"], 0),
                ("alloc:5", [killed, self.END % "-9 E_KILLED"], 0),
                ("alloc:5", [self.END % "-9 E_KILLED"], 1),
                ("alloc:5", [self.KILLED % "page fault", self.END % 0], 1),
                ("alloc:5", [self.END % 121], 1),
                ("alloc:5", [], 1)):
            self.assertEqual(len(judged(plan, *lines)), count, lines)

    def test_given_up(self):
        """One allocation that fails is no reason to give up; a disk whose write failed is one."""
        lines = "files: given up: mkdir(\"dir\") gave E_NO_MEM", self.END % 120
        for plan, count in (("alloc:5", 1), ("read:5", 1), ("disk:5", 0), ("alloc:3/50", 0)):
            self.assertEqual(len(judged(plan, *lines)), count, plan)
        unmounted = "ram0 cannot be mounted: there is no memory for it (E_NO_MEM)"
        self.assertEqual(judged("alloc:1", unmounted, *lines), [])


class Sweeps(unittest.TestCase):
    """What becomes of boots."""

    def sweep(self, failed, number, places=10):
        sweep = faults.Sweep("fail-memory", "alloc")
        sweep.places = places
        outcome = Outcome(sweep.test(number), Verdict.OK)
        outcome.failed, outcome.stacks = failed, []
        sweep.take(outcome)
        return sweep

    def test_ends_of_a_sweep(self):
        """At each place one fails, and behind the last one none."""
        for failed, number, bad in ((1, 10, 0), (0, 10, 1), (0, 11, 0), (1, 11, 1), (2, 3, 1)):
            self.assertEqual(len(self.sweep(failed, number).bad), bad, (failed, number))

    def test_sample(self):
        """A sample has the first place, the last one, and the one behind it where all are few."""
        self.assertEqual(faults.chosen(5, True), [1, 2, 3, 4, 5, 6])
        some = faults.chosen(500, True)
        self.assertEqual((some[0], some[-1], len(some)), (1, 501, faults.SAMPLE))
        self.assertEqual(faults.chosen(500, False), list(range(1, 502)))

    def test_page(self):
        """New rows replace those of the same sweep, and the sums are of all."""
        with tempfile.TemporaryDirectory() as folder:
            page = os.path.join(folder, "page.md")
            with open(page, "w") as file:
                file.write("head\n<!-- sweeps: by tools/faults.py -->\n<!-- end -->\ntail\n")
            with mock.patch.object(faults, "PAGE", page):
                for name, kind, runs in (("fail-files", "alloc", 5), ("fail-disk", "disk", 1000),
                                         ("fail-files", "alloc", 7)):
                    sweep = faults.Sweep(name, kind)
                    sweep.runs = sweep.faults = runs
                    faults.write_sweeps([sweep])
            with open(page) as file:
                text = file.read()
        self.assertRegex(text, r"(?s)^head\n.*\| fail-files .* \| 7 \| 7 \| 0 \| 0 \|\n"
                               r"\| fail-disk .* 1,000 .*\n\| all .* 1,007 \| 1,007 .*\ntail\n$")
        self.assertNotIn("| 5 |", text)


class Boots(unittest.TestCase):
    """The command, as a user runs it."""

    def test_one_boot(self):
        for workload, plan in (("fail-memory", "alloc:60"), ("fail-disk", "disk:40")):
            status, text = run(workload, "--plan", plan)
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r"(?s)fail: \w+ number \d+ fails\n  f.*leak check: ok.*: ok\n$")

    def test_bad_input(self):
        for words, said in ((["fail-nothing"], "there is no workload fail-nothing"),
                            (["--plan", "alloc:1"], "--plan is for one workload"),
                            (["-j", "0"], "-j takes a number"),
                            (["fail-disk", "--kind", "alloc"], "fail-disk has no sweep in which"),
                            (["fail-files", "--plan", "nonsense:1"], "init=|it is page:K")):
            status, text = run(*words)
            self.assertNotEqual(status, 0)
            self.assertNotIn("Traceback", text)
            self.assertRegex(text, said)


class Marks(unittest.TestCase):
    """tools/check_unfailing.py"""

    def test_marks(self):
        for words, said in (("", None), (" Must not fail: it is there.", "it is there."),
                            (" Must\n   not fail for long: so it\n   is.", "so it is.")):
            found = list(check_unfailing.places(MARKED % words, "kern/mm/new.c"))
            self.assertEqual([(name, text) for name, _, text, _ in found], [("make_it", said)])

    def test_harmless(self):
        text = MARKED.replace("panic(\"there is none\")", "return") % ""
        self.assertEqual(list(check_unfailing.places(text, "kern/mm/new.c")), [])


class Planted(unittest.TestCase):
    """tools/faults"""

    def test_table(self):
        """Each file fits the tree, and names a sweep; of those in the page each was found."""
        with open(faults.PAGE, encoding="utf-8") as file:
            table = faults.part_of(file.read(), "planted")[1]
        planted = [fault for fault, _ in planting.read_all([], faults_planted.FOLDER)]
        self.assertGreaterEqual(len(planted), 12)
        for fault in planted:
            name, kind = fault.test.split()
            self.assertIn(kind, faults.WORKLOADS[name].kinds)
        self.assertGreaterEqual(table.count("\n| "), 12)
        self.assertNotIn("| no |", table)


if __name__ == "__main__":
    unittest.main()
