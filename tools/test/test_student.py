"""Tests of fail=, chaos= and the tools that use them on a student's tree.

A handout is made, its regions are filled with the reference's, and the tools that the handout
carries run there, as a student runs them. Then mistakes are made in the filled regions, which the
tools must find; and a region that is blank must be told as one.

Needs the built objects, the compiler and QEMU.
Run alone: python3 tools/test/test_student.py
"""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from exercise import check_handouts, handout
from trees import OBJECTS, TOP, Edited

TOOLCHAIN = os.path.basename(OBJECTS)
LAB = 8
KEPT = ("kern/fs/file.c", """    if (to >= FILES_MAX) {
        file_put(file);
        return -E_INVAL;
    }
""", """    if (to >= FILES_MAX)
        return -E_INVAL;
""")
FORGOTTEN = ("kern/process/fork.c", """    if (result < 0)
        free_proc(proc);
    return result;
    /* EXERCISE 4.2 end */
""", """    return result;
    /* EXERCISE 4.2 end */
""")


class Student(unittest.TestCase):
    """A handout of lab 8, blank at first, then filled."""

    SECONDS = 30

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="rvlab-")
        cls.addClassCleanup(folder.cleanup)
        cls.tree = os.path.join(folder.name, "tree")
        handout.make(TOP, handout.plan_of(LAB), cls.tree)
        check_handouts.seed(cls.tree, TOP, [TOOLCHAIN])
        cls.build()
        cls.blank = cls.run_tool("tools/fuzz.py", "--seed", "1", "--rounds", "1-1", "--no-shorten")
        cls.wrong = list(check_handouts.solve(cls.tree))
        cls.build()

    @classmethod
    def build(cls):
        problem = check_handouts.build(cls.tree, TOOLCHAIN)
        if problem:
            raise AssertionError(problem)

    @classmethod
    def run_tool(cls, *words):
        """(exit status, what it prints) of a tool of the handout, in the handout."""
        result = subprocess.run([sys.executable, *words, "--objects", "obj/" + TOOLCHAIN],
                                cwd=cls.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return result.returncode, result.stdout.decode("utf-8", "replace")

    def test_it_was_filled(self):
        self.assertEqual(self.wrong, [])

    def test_a_blank_region_is_told(self):
        status, text = self.blank
        self.assertEqual(status, 1, text)
        self.assertIn("is not written yet", text)
        self.assertIn("1 panics, 0 leaks", text)

    def test_what_fails(self):
        for workload, plan in (("fail-memory", "alloc:60"), ("fail-files", "alloc:3/60"),
                               ("fail-disk", "disk:40")):
            status, text = self.run_tool("tools/faults.py", workload, "--plan", plan)
            self.assertEqual(status, 0, text)
            self.assertRegex(text, r"(?s)fail: \w+ number \d+ fails\n  f.*leak check: ok.*: ok\n$")

    def test_random_calls_and_chance(self):
        status, text = self.run_tool("tools/fuzz.py", "--seed", "5", "--rounds", "2-2")
        self.assertEqual(status, 0, text)               # its machine has chaos=5
        self.assertRegex(text, r"\n?\d,\d\d\d calls, 1 boot: 0 panics, 0 leaks, 0 hangs, 0 differ")

    def test_mistakes_are_found(self):
        """One is on the way of a wrong argument, the other one on that of memory that is out."""
        self.addCleanup(self.build)
        with Edited(self.tree, [KEPT, FORGOTTEN]):
            self.build()
            status, text = self.run_tool("tools/fuzz.py", "--seed", "1", "--rounds", "1-2",
                                         "--no-shorten")
            failed, told = self.run_tool("tools/faults.py", "fail-memory", "--plan", "alloc:1/60")
        self.assertEqual(failed, 1, told)
        self.assertRegex(told, r"leak check: .*lost|not given back|in use, expected")
        self.assertRegex(told, r"fail-memory alloc:1/60: ")
        self.assertEqual(status, 1, text)
        self.assertIn("again: python3 tools/fuzz.py --seed 1 --rounds 1-2", text)
        self.assertIn("0 panics, 1 leaks", text)


if __name__ == "__main__":
    unittest.main()
