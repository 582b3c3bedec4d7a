"""Tests of tools/pageseeds.py: seeds that pass, a planted fault, and what it does not take.

The fault is in the kernel: who writes to a page takes it out of the cache, although others still
name its slot. So a process reads what another one has written, but only if it was out, the other
one in, and the slot never written: it takes chance to bring that about, and the same seed must
bring it about again.

Needs the compiler and QEMU, and a quarter of a minute.
Run alone: python3 tools/test/test_pageseeds.py
"""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import pageseeds
from trees import OBJECTS, TOP, ShopTest

FILE = "kern/mm/swap.c"
OLD = """    bool own = slot != 0 && !(page->flags & PG_LOCKED) && page_ref(page) == 2
        && slot_of(slot)->names == 1;
"""
NEW = """    bool own = slot != 0 && !(page->flags & PG_LOCKED) && page_ref(page) == 2;
"""
SUM = re.compile(r"^(\d+) seeds: (\d+) boots on (\d+) kinds of machines, (\d+) pages out, .*, "
                 r"(\d+) that did not page, (\d+) wrong", re.M)


def run(objects, *arguments):
    """Run the tool: (exit status, what it printed)."""
    result = subprocess.run([sys.executable, "tools/pageseeds.py", "--objects", objects, "-j2"]
                            + list(arguments), cwd=TOP, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    return result.returncode, result.stdout


class Seeds(ShopTest):
    SECONDS = 60

    def sums(self, text):
        """The numbers of the last line, but for the pages."""
        found = SUM.search(text)
        self.assertIsNotNone(found, text)
        return [int(number) for number in found.groups()]

    def test_a_right_kernel(self):
        before = set(os.listdir(os.path.join(TOP, OBJECTS)))
        status, text = run(OBJECTS, "--seeds", "2")
        self.assertEqual(status, 0, text)
        seeds, boots, kinds, pages, idle, wrong = self.sums(text)
        self.assertEqual((seeds, boots, kinds, idle, wrong), (2, 2, 2, 0, 0))
        self.assertGreater(pages, 1000)
        # What was copied is gone again.
        self.assertFalse([name for name in set(os.listdir(os.path.join(TOP, OBJECTS))) - before
                          if name.startswith("pageseeds-")])

    def test_a_planted_fault(self):
        with open(os.path.join(TOP, FILE), encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(text.count(OLD), 1)
        with self.shop.variant({FILE: text.replace(OLD, NEW)}) as built:
            self.assertTrue(built.succeeded, built.output)
            status, text = run(self.shop.objects, "--seeds", "3")
            self.assertEqual(status, 1, text)
            self.assertGreater(self.sums(text)[-1], 0)
            seed = re.search(r"again: python3 tools/pageseeds\.py --seed (\d+)$", text, re.M)
            status, again = run(self.shop.objects, "--seed", seed.group(1))
            self.assertEqual(status, 1)
            self.assertEqual(self.sums(again)[-1], 1)
            # The same seed is the same run: it is told in the same words.
            told = "(?m)^seed %s: .*\n(?:    .*\n)+" % seed.group(1)
            self.assertEqual(re.search(told, text).group(), re.search(told, again).group())


class Arguments(unittest.TestCase):
    def test_wrong_ones(self):
        for arguments, said in (
                (["--seeds", "0"], "numbers from 1 on"), (["--seed", "-1"], "numbers from 1 on"),
                (["-j", "0"], "numbers from 1 on"), (["--first", "x"], "invalid int value"),
                (["--objects", "obj/none"], "obj/none has no kernel: run make build")):
            status, text = run(OBJECTS, *arguments)
            self.assertEqual(status, 2)
            self.assertIn(said, text)
            self.assertNotIn("Traceback", text)

    def test_kinds(self):
        """Each kind of machine gets seeds, and each seed its own chaos."""
        tests = [pageseeds.boot(seed, None) for seed in range(1, 2 * len(pageseeds.KINDS) + 1)]
        self.assertEqual(len({test.boot_arguments for test in tests}), len(tests))
        for policy in ("swap=fifo", "swap=own", "swap=clock"):
            self.assertTrue(any(policy in test.append for test in tests), policy)


if __name__ == "__main__":
    unittest.main()
