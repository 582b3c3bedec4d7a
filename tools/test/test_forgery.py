"""Tests that kernels and programs which want marks for nothing get none, and why is told.

Each forgery of forgeries.py is put into a copy of the tree, built and graded. Its tests must have
0 points, the expected words must be among the reasons, the grading must end within a minute, and
the log must stay small. If the grader loses one of its defences (signed reports, places of calls,
text compared with the file, limits, the leak check), the forgery for it gets points here.

Needs the built objects, their compiler and QEMU. Several minutes.
Run alone: python3 tools/test/test_forgery.py
"""
import glob
import os
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from forgeries import forgeries
from trees import OBJECTS, Edited, TreeTest, grade, run_grader

SECONDS = 900                    # nobody waits for ever, however busy the host is
LOG_BYTES = 5 << 20


class Forgery(TreeTest):
    """The forgeries, one after the other, in one copy of the tree."""

    SECONDS = 75

    def test_the_unchanged_tree_gets_its_points(self):
        results, output = grade(self.tree, "hello", "cow")
        self.assertEqual([result["verdict"] for result in results.values()], ["ok", "ok"], output)

    def test_forgeries(self):
        for forgery in forgeries():
            with self.subTest(forgery.name), Edited(self.tree, forgery.edits):
                started = time.monotonic()
                results, output = grade(self.tree, *(forgery.tests + forgery.paid))
                self.assertLess(time.monotonic() - started, SECONDS)
                for test in forgery.paid:
                    self.assertGreater(results[test]["points"], 0, output)
                for test in forgery.tests:
                    self.assertEqual(results[test]["points"], 0, output)
                    self.assertIn(forgery.words, "\n".join(results[test]["reasons"]), output)
                    logs = glob.glob(os.path.join(self.tree, OBJECTS, "grade", test + ".*log"))
                    self.assertTrue(logs)
                    self.assertLess(max(map(os.path.getsize, logs)), LOG_BYTES)

    def test_a_makefile_that_echoes(self):
        """The grader reads what its own machines print, not what a build prints."""
        folder = tempfile.mkdtemp(prefix="rvlab-echo-")
        self.addCleanup(shutil.rmtree, folder)
        with open(os.path.join(folder, "Makefile"), "w") as file:
            file.write("all:\n\t@echo 'hello pass.'\n\t@echo 'leak check: ok'\n"
                       "\t@echo 'Total Score: 600/600'\n")
        status, output = run_grader(folder, "--build", "make", "hello")
        self.assertNotEqual(status, 0)
        self.assertIn("kernel is not there", output)
        self.assertNotIn("Total Score", output)


if __name__ == "__main__":
    unittest.main()
