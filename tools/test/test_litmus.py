"""Tests of the litmus tests: each rule of the memory model is needed, and mistakes are found.

The known results of tools/litmus/known.litmus prove the model; here it is shown that they miss a
rule that is taken away. Of the kernel's patterns a change of the code is planted, in the text that
the tool reads. Needs the built objects for their compiler.
Run alone: python3 tools/test/test_litmus.py
"""
import contextlib
import io
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import litmus
import rvwmo
from trees import OBJECTS

TESTS = {test.name: test for test in litmus.load()}
KNOWN = [test for test in TESTS.values() if not test.has_code()]


def complaints(test):
    """What the tool says of a test."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        litmus.Tally().run(test)
    return text.getvalue()


class Model(unittest.TestCase):
    """rvwmo.py"""

    def test_known(self):
        for test in KNOWN:
            self.assertEqual(complaints(test), "")

    def test_each_rule(self):
        """Without a rule some test has another end. Rule 8 says what rule 1 does, if an lr and its
        sc are for one word; others are not in the tests."""
        for rule in sorted(rvwmo.RULES - {8}):
            with mock.patch.object(rvwmo, "RULES", rvwmo.RULES - {rule}):
                self.assertTrue(any(map(complaints, KNOWN)), "rule %d is not missed" % rule)

    def test_atomicity(self):
        with mock.patch.object(rvwmo.Search, "alone", lambda *_: True):
            self.assertIn("the end is allowed", complaints(TESTS["LR-SC"]))


class Kernel(unittest.TestCase):
    """litmus.py"""

    def planted(self, name, old, new):
        """What is said of a test if its functions have `new` in the place of `old`."""
        def changed(path, function, body=litmus.body):
            return body(path, function).replace(old, new)
        with mock.patch.object(litmus, "body", changed):
            return complaints(TESTS[name])

    def test_drift(self):
        self.assertEqual(complaints(TESTS["flush-enter"]), "")
        self.assertIn("tlb_flush() does not have memory_barrier",
                      self.planted("flush-enter", "memory_barrier();", ""))
        self.assertIn("addrspace_switch() does not have sfence_all",
                      self.planted("flush-enter", "sfence_all();", ""))
        self.assertIn("start() does not have atomic_store_release of 'index'",
                      self.planted("disk-request", "atomic_store_release", "atomic_store"))
        self.assertIn("spin_unlock_to() does not have amoxor.d.rl",
                      self.planted("spinlock", "amoxor.d.rl", "amoxor.d"))

    def test_needed(self):
        """What is not needed must say why, and what is needed must not."""
        test, = litmus.parse("test: a\nexpect: forbidden\nhart P0: store x 1\n"
                             "  in kern/mm/pagetable.h set_pte\n  atomic_store_release y 1\n"
                             "hart P1: a = load y; fence r,r; b = load x\n"
                             "final: P1:a=1 & P1:b=2\n", "a.litmus")
        self.assertIn("not needed: set_pte: fence rw,w of atomic_store_release y", complaints(test))
        test.final = litmus.parse_final("P1:a=1 & P1:b=0")
        test.spare["set_pte: fence rw,w of atomic_store_release y"] = "because"
        self.assertIn("without it the end is allowed", complaints(test))

    def test_forms(self):
        for text, told in (("hart a: store x 1\n", "begins with test"),
                           ("test: a\nexpect: forbidden\n", "needs expect:"),
                           ("test: a\nfinal: x\n", "is not HART:REGISTER=VALUE"),
                           ("test: a\n  store x 1\n", "before the first hart"),
                           ("test: a\nspare: b\n", "WHAT -- WHY")):
            with self.assertRaises(litmus.LitmusError) as error:
                litmus.parse(text, "a.litmus")
            self.assertIn(told, str(error.exception))
        with self.assertRaises(litmus.LitmusError):
            litmus.instruction("stor x 1", 0)

    def test_compiled(self):
        self.assertEqual(list(litmus.weak(OBJECTS)), [])
        for name, steps in (("atomic_load", "R = load W"), ("memory_barrier", "fence rw,rw")):
            with mock.patch.dict(litmus.CALLS, {name: "return atomic_load(W)"}), \
                    mock.patch.dict(litmus.PRIMITIVES, {name: steps + "; fence rw,rw"}):
                self.assertEqual(len(list(litmus.weak(OBJECTS))), 2)


if __name__ == "__main__":
    unittest.main()
