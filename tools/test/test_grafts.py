"""Tests of tools/grafts.py: a right hand-in passes, a wrong one fails, and what it does not take.

One kept hand-in of lab 3 with one test, which is in seconds; tools/grafts.py alone runs all kept
ones with all tests. The wrong one counts uses of pages wrong, and a test of lab 9 says so.

Needs the compiler and QEMU, and a quarter of a minute.
Run alone: python3 tools/test/test_grafts.py
"""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import grafts
from exercise import handout
from exercise.marks import Reference
from labs.catalogue import load
from trees import OBJECTS, TOP

SOLVED, WRONG = ("tools/test/corpus/lab3-%s.txt" % name for name in ("solved", "wrong3"))


def run(*arguments):
    """Run the tool: (exit status, what it printed)."""
    result = subprocess.run([sys.executable, "tools/grafts.py", "-j2", "--toolchain",
                             os.path.basename(OBJECTS)] + list(arguments), cwd=TOP,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


class Machines(unittest.TestCase):
    SECONDS = 60

    def test_a_right_one_and_a_wrong_one(self):
        status, text = run(SOLVED, WRONG, "--tests", "swap-in")
        self.assertEqual(status, 1, text)
        self.assertEqual(text.splitlines()[0], "lab3-solved.txt, 3.1 3.2 3.3 3.4: 1 tests passed")
        self.assertRegex(text.splitlines()[1], r"^lab3-wrong3\.txt, .*: 0 tests passed$")
        self.assertRegex(text.splitlines()[2], "^    FAILED: swap-in, ")
        self.assertEqual(text.splitlines()[3], "2 hand-ins in 2 grafts, 1 tests each: 1 passed all")


class Chosen(unittest.TestCase):
    """What is grafted, and what is not taken; no machine is booted."""

    @classmethod
    def setUpClass(cls):
        cls.labs = load()
        cls.reference = Reference(TOP, cls.labs, handout.version_of(TOP))

    def test_kept_ones_with_full_marks(self):
        chosen = grafts.full_marks(self.reference)
        self.assertEqual(sorted(map(os.path.basename, chosen)), [
            "lab3-first.txt", "lab3-other1.txt", "lab3-solved.txt", "lab5-first.txt",
            "lab5-other1.txt", "lab5-solved.txt", "lab5-tree-solved.tar.gz"])
        found = list(grafts.grafts(self.reference, chosen))
        both, = grafts.together(self.labs, found)
        self.assertEqual(both.name, "lab3-other1.txt + lab5-other1.txt")
        self.assertEqual(both.exercises, ["3.1", "3.2", "3.3", "3.4"]
                         + ["5.1", "5.2", "5.3", "5.4", "5.5", "5.C"])
        self.assertTrue(self.reference.variant(both.texts))      # not the reference's own texts

    def test_what_is_not_taken(self):
        for arguments, said in (
                (["--tests", "none"], "labs 3, 5 and 9 have no test that is called so: none"),
                (["tools/test/corpus/lab2-solved.txt"], "it has no text for an exercise of labs"),
                (["tools/test/corpus/lab3-blank.txt"], "it has no text for an exercise of labs"),
                (["tools/labs/lab3.py"], "tools/labs/lab3.py: "), (["none"], "none")):
            status, text = run(*arguments)
            self.assertNotEqual(status, 0, text)
            self.assertIn(said, text)
            self.assertNotIn("Traceback", text)


if __name__ == "__main__":
    unittest.main()
