"""Which pages are missed: the counts of tools/grader/trace.py are right, and the kernel's policies
miss as often.

fifo() and clock() are tried on examples that can be followed by hand, and optimal() against all
choices that there are, on traces so short that these can be tried. Needs the built objects
(RVLAB_OBJECTS, or obj/unknown-elf) and QEMU.
"""
import itertools
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))
from grader import trace                                                    # noqa: E402

OBJECTS = os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf")


def fewest(accesses, frames):
    """The fewest misses that any choices lead to, by trying all of them."""
    states = {frozenset(): 0}
    for page in accesses:
        after = {}
        for there, misses in states.items():
            if page in there:
                choices = [(there, misses)]
            elif len(there) < frames:
                choices = [(there | {page}, misses + 1)]
            else:
                choices = [((there - {gone}) | {page}, misses + 1) for gone in there]
            for state, count in choices:
                after[state] = min(count, after.get(state, count))
        states = after
    return min(states.values())


class Counts(unittest.TestCase):
    def test_fifo_by_hand(self):
        """Belady's example: more frames, and more misses."""
        accesses = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
        self.assertEqual((trace.fifo(accesses, 3), trace.fifo(accesses, 4)), (9, 10))

    def test_clock_by_hand(self):
        # All are used when 4 comes: one round clears them, and 1 goes. 2 is used again then, so 3
        # goes for 5, and 2 is still there.
        self.assertEqual(trace.clock([1, 2, 3, 4, 2, 5, 2], 3), 5)
        self.assertEqual(trace.fifo([1, 2, 3, 4, 2, 5, 2], 3), 6)

    def test_optimal_is_the_fewest(self):
        for number, accesses in enumerate(itertools.product(range(4), repeat=7)):
            if number % 37 == 0:
                self.assertEqual(trace.optimal(accesses, 2), fewest(accesses, 2), accesses)

    def test_each_pattern_tells_policies_apart(self):
        for name in trace.PATTERNS:
            for seed in range(1, 6):
                accesses = trace.pattern(name, seed)
                self.assertEqual(len(accesses), trace.LENGTH)
                self.assertLess(max(accesses), trace.PAGES)
                self.assertLess(trace.optimal(accesses), 0.7 * trace.fifo(accesses), name)


class Kernel(unittest.TestCase):
    def misses(self, *words):
        return subprocess.run([sys.executable, "tools/misses.py", "--objects", OBJECTS]
                              + list(words), cwd=TOP, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True)

    def test_the_kernel_misses_as_often(self):
        result = self.misses("--policies", "fifo,clock", "--seed", "3")
        self.assertEqual(result.returncode, 0, result.stdout)
        for name in trace.PATTERNS:
            self.assertIn(" %6d " % trace.clock(trace.pattern(name, 3)), result.stdout)

    def test_a_policy_that_is_not_there(self):
        result = self.misses("--policies", "none")
        self.assertEqual(result.returncode, 1)
        self.assertIn("none", result.stdout)
        self.assertNotIn("Traceback", result.stdout)

    def test_a_tree_without_a_kernel(self):
        with tempfile.TemporaryDirectory() as folder:
            result = self.misses("--rank", folder)
        self.assertEqual(result.returncode, 2)
        self.assertIn("has no kernel: run make build there", result.stdout)

    def test_a_rank(self):
        result = self.misses("--rank", ".", ".")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"(?m)^  1 +\d+  \.$")


if __name__ == "__main__":
    unittest.main()
