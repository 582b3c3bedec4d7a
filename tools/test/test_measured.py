"""tools/grader/measured.py: how deep a stack is, what is too deep, and what is kept of a run.

The memory of the machines is played: a stack is junk up to where it was used, and the kernel's
tables are lists of Python. So it needs no objects and no machine. Stacks looks at what is read of
stacks, Times at the rest.

Run alone: python3 tools/test/test_measured.py
"""
import json
import os
import sys
import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader import measured


class Memory:
    """A machine's: one process, whose stack is used so far, and what the kernel has kept."""

    def __init__(self, used, deepest=0, off=0, held=()):
        self.stack = bytes([measured.JUNK]) * (measured.KSTACKSIZE - used) + bytes(used)
        self.values = {"deepest": deepest, "irq_off": SimpleNamespace(time=off), "rows": [
            SimpleNamespace(name=SimpleNamespace(text=lambda name=name: name), may_sleep=sleeps,
                            hold=SimpleNamespace(time=time)) for name, time, sleeps in held]}

    def variable(self, name, _):
        return self.values[name]

    def read_virtual(self, _, n):
        return self.stack[:n]


def look(kept, memory, name="one", harts=1, early=False):
    """What is complained of in a machine with this memory."""
    machine = SimpleNamespace(test=SimpleNamespace(name=name, harts=harts, shift=3),
                              memory=memory, early=early)
    process = SimpleNamespace(task=SimpleNamespace(kstack=4096))
    with mock.patch.object(measured, "process_list", lambda _: [process]):
        return kept.check(machine)


class Stacks(unittest.TestCase):
    def test_the_deepest_counts(self):
        kept = measured.Measured()
        self.assertEqual(look(kept, Memory(1000, deepest=3000)), [])
        self.assertEqual(look(kept, Memory(4001, deepest=3000), "two"), [])
        self.assertEqual(look(kept, Memory(4001, deepest=3000), "early", early=True), [])
        self.assertEqual(kept.stacks, {"one": 3000, "two": 4008, "early": 3000})

    def test_too_deep(self):
        most = measured.KSTACKSIZE - measured.SPARE
        self.assertEqual(look(measured.Measured(), Memory(most)), [])
        self.assertIn("was used to %d of" % (most + 8),
                      look(measured.Measured(), Memory(most + 8))[0])

    def test_a_stack_without_junk_is_none(self):
        self.assertEqual(measured.depth(Memory(measured.KSTACKSIZE), 4096), 0)


class Times(unittest.TestCase):
    def test_longest_of_all_tests(self):
        """A unit is 100 ns; an instruction takes 8."""
        kept = measured.Measured()
        look(kept, Memory(8, off=8, held=[("a", 80, False), ("b", 4, False), ("m", 999, True)]))
        look(kept, Memory(8, off=4, held=[("a", 16, False), ("b", 40, False)]), "two")
        look(kept, Memory(8, off=9999, held=[("a", 9999, False)]), "several", harts=2)
        self.assertEqual(kept.off, (100, "one"))
        self.assertEqual(kept.held, {"a": (1000, "one"), "b": (500, "two")})
        with tempfile.TemporaryDirectory() as folder:
            lines = kept.keep(folder)
            with open(os.path.join(folder, measured.NAME)) as file:
                self.assertEqual(json.load(file)["held"]["b"], [500, "two"])
        self.assertIn("held for 1000 instructions at most, a by one", lines[2])

    def test_nothing_measured(self):
        self.assertEqual(measured.Measured().keep("/nowhere"), [])


if __name__ == "__main__":
    unittest.main()
