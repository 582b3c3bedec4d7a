"""Tests of tools/check_pairs.py: which uses of an order lack a partner, and which partner is none.

Each is a small file of C, which the check takes for one of the kernel. The check must complain of
what is wrong in it, in words that tell what to do, and of nothing else.
That the kernel itself has no such use is a test of tools/labs/beyond.py.

Run alone: python3 tools/test/test_pairs.py
"""
import os
import sys
import unittest
from unittest import mock

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tools"))

import check_pairs

STORE = "static void give(void)\n{\n%s    atomic_store_release(&x, 1);%s\n}\n"
LOAD = ("void take(void)\n{\n    while (atomic_load_acquire(&x))     /* pairs with give() */\n"
        "        cpu_relax();\n}\nvoid idle(void)\n{\n    x = 1;\n}\n")


def complaints(text, path="kern/sched/some.c", others=None):
    """What is wrong with a file of this text; `others` are {path: text}."""
    files = dict(others or {}, **{path: text})
    with mock.patch("builtins.open", lambda name, **_: mock.mock_open(read_data=files[name])()):
        sources = [check_pairs.Source(name) for name in files]
    source = sources[list(files).index(path)]
    found = [check_pairs.complaint(sources, source, number) for number in source.uses()]
    return [why for why in found if why]


class Pairs(unittest.TestCase):
    """Comments of uses, good and bad."""

    def test_a_use_without_a_comment(self):
        found = complaints(STORE % ("", "") + LOAD)
        self.assertEqual(found, ["says neither 'pairs with FUNCTION()' nor 'no pair: WHY'"])

    def test_where_the_comment_may_stand(self):
        self.assertEqual(complaints(STORE % ("", "  /* pairs with take() */") + LOAD), [])
        above = "    /* pairs with\n       take() */\n"
        self.assertEqual(complaints(STORE % (above, "") + LOAD), [])
        self.assertEqual(complaints("/* It pairs with take(). */\n" + STORE % ("", "") + LOAD), [])
        self.assertEqual(len(complaints("/* It pairs with take(). */\n" + STORE % (
            "", "\n    atomic_add(&y, 1);") + LOAD)), 2)

    def test_a_partner_that_is_not_there(self):
        self.assertEqual(complaints(STORE % ("", "  /* pairs with took() */") + LOAD),
                         ["pairs with took(), which is not in this file"])
        self.assertEqual(complaints(STORE % ("", "  /* pairs with take() in b.c */") + LOAD),
                         ["pairs with take(), which is not in b.c"])

    def test_a_partner_that_orders_nothing(self):
        self.assertEqual(complaints(STORE % ("", "  /* pairs with idle() */") + LOAD),
                         ["pairs with idle(), which orders nothing"])

    def test_a_partner_elsewhere(self):
        there = {"kern/sync/b.c": LOAD.replace("give()", "give() in some.c")}
        self.assertEqual(complaints(STORE % ("", "  /* pairs with take() in sync/b.c */"),
                                    others=there), [])
        self.assertEqual(len(complaints(STORE % ("", "  /* pairs with take() */"),
                                        others=there)), 1)

    def test_what_needs_none(self):
        for said in ("no pair: a count", "pairs with the device: it looks at the index"):
            self.assertEqual(complaints(STORE % ("", "  /* %s */" % said)), [])
        self.assertEqual(len(complaints(STORE % ("", "  /* no pair */"))), 1)

    def test_regions_are_left_out(self):
        text = STORE % ("    /* EXERCISE 1.1 begin: give */\n", "\n    /* EXERCISE 1.1 end */")
        self.assertEqual(complaints(text), [])


if __name__ == "__main__":
    unittest.main()
