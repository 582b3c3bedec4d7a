"""Tests of tools/unittests.py: whatever a test does, it counts as Python's own runner counts it.

Some small tests, good and bad, are run by both: they pass, fail, are skipped, raise an exception,
cannot begin, or end their process. Two that wait for each other show that they run side by side.
Nothing is built, and no machine is booted.
Run alone: python3 tools/test/test_unittests.py
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

RUNNER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unittests.py")
MIXED = '''
import os, unittest
class Good(unittest.TestCase):
    SECONDS = 5
    def test_one(self): print("printed by a test")
    def test_two(self): pass
    @unittest.skip("not here")
    def test_three(self): self.fail("it was not skipped")
class Bad(unittest.TestCase):
    def test_wrong(self): self.assertEqual(1, 2)
    def test_parts(self):
        for number in range(3):
            with self.subTest(number): self.assertEqual(number, 1)
    def test_error(self): raise OSError("no such thing")
    @unittest.expectedFailure
    def test_known(self): self.fail("known")
class Early(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("nothing is set up")
    def test_never(self): pass
'''
DEAD = '''
import os, unittest
class Dies(unittest.TestCase):
    def test_first(self): os._exit(0)
    def test_second(self): pass
class Lives(unittest.TestCase):
    def test_it(self): pass
'''
TOGETHER = '''
import os, time, unittest
def meet(mine, other):
    open(mine, "w").close()
    for _ in range(600):
        if os.path.exists(other): return
        time.sleep(0.1)
    raise AssertionError("nobody runs beside this one")
class A(unittest.TestCase):
    def test(self): meet("a", "b")
class B(unittest.TestCase):
    def test(self): meet("b", "a")
'''


class Runner(unittest.TestCase):
    """Each test runs a file of tests in a folder of its own."""

    def run_file(self, text, *command):
        """(exit status, output) of a runner on a file with this text."""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "test_some.py"), "w") as file:
                file.write(text)
            done = subprocess.run(
                [sys.executable, *command, "test_some.py"], cwd=folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.decode("utf-8")

    def test_counts_as_the_other_does(self):
        ours, said = self.run_file(MIXED, RUNNER, "-j2")
        theirs, wanted = self.run_file(MIXED, "-m", "unittest")
        self.assertEqual((ours, theirs), (1, 1))
        for pattern in (r"(?m)^Ran \d+ tests in ", r"(?m)^(ERROR|FAIL): (.*)$"):
            self.assertEqual(sorted(re.findall(pattern, said)),
                             sorted(re.findall(pattern, wanted)))
        self.assertIn("\nFAILED (failures=3, errors=2, skipped=1)\n", said)
        self.assertIn("\nFAILED (failures=3, errors=2, skipped=1, expected failures=1)\n", wanted)
        self.assertIn("printed by a test\n", said)
        self.assertIn("AssertionError: 1 != 2\n", said)

    def test_a_worker_that_dies(self):
        status, said = self.run_file(DEAD, RUNNER)
        self.assertEqual(status, 1)
        self.assertIn("ERROR: test_some.Dies\n", said)
        self.assertRegex(said, r"\nRan 3 tests in .*\n\nFAILED \(errors=1\)\n")

    def test_side_by_side(self):
        status, said = self.run_file(TOGETHER, RUNNER, "-j2")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"\nRan 2 tests in .*\n\nOK\n")

    def test_some(self):
        status, said = self.run_file(MIXED, RUNNER, "--slow", "2", "-k", "Good*two")
        self.assertEqual(status, 0, said)
        self.assertRegex(said, r"(?m)^ +\d+\.\d  test_some\.Good\.test_two$")
        self.assertRegex(said, r"\nRan 1 test in .*\n\nOK\n")

    def test_a_file_that_is_not_there(self):
        done = subprocess.run([sys.executable, RUNNER, "nothing.py"], stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"nothing.py is not there", done.stderr)


if __name__ == "__main__":
    unittest.main()
