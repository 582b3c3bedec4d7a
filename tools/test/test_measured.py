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


class Text:
    """A pointer to a text."""

    def __init__(self, text):
        self.text = lambda: text


class Memory:
    """A machine's: one process, whose stack is used so far, and what the kernel has kept."""

    def __init__(self, used, deepest=0, off=0, held=()):
        self.stack = bytes([measured.JUNK]) * (measured.KSTACKSIZE - used) + bytes(used)
        self.values = {
            "deepest": deepest, "lowest": SimpleNamespace(at=8000, words=[1, 8032, 1005, 7, 9]),
            "irq_off": SimpleNamespace(time=off, stack=2),
            "rows": [SimpleNamespace(name=Text(name), may_sleep=sleeps,
                                     hold=SimpleNamespace(time=time, stack=3))
                     for name, time, sleeps in held],
            "stacks": [SimpleNamespace(pc=pcs) for pcs in ((), (), (5, 0), (17, 5, 0))],
            "bounds": [SimpleNamespace(name=Text("a"), most=2000, each=7,
                                       why=Text("it is long")),
                       SimpleNamespace(name=None, most=100, each=0, why=Text("it is short"))]}
        self.image = SimpleNamespace(address=lambda _: 1000, nearest=self.nearest)

    @staticmethod
    def nearest(address):
        """Two functions, each of 10 bytes, and no code behind them."""
        return {100: "spin+0x4", 101: "main+0x6"}.get(address // 10)

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
        self.assertEqual(kept.deepest, {"one": "spin", "two": "", "early": "spin"})

    def test_who_was_deepest(self):
        """A pair leads to the pair above it: not what only looks like one, and no further than the
        words go."""
        image = Memory(8).image
        spin, main = 1005, 1018
        words = [7, 7, 8000 + 8 * 6, spin, 8000 + 8 * 99, main, 3, 3, 8000 + 8 * 30, spin]
        self.assertEqual(measured.frames(image, 8000, words), "spin < main")
        self.assertEqual(measured.frames(image, 8000, [8000 + 8 * 6, 999] + words[2:4]), "spin")
        self.assertEqual(measured.frames(image, 8000, [8, spin, 3, 4]), "")
        self.assertEqual(measured.frames(image, 8000, []), "")

    def test_too_deep(self):
        most = measured.KSTACKSIZE - measured.SPARE
        self.assertEqual(look(measured.Measured(), Memory(most)), [])
        self.assertIn("was used to %d of" % (most + 8),
                      look(measured.Measured(), Memory(most + 8))[0])

    def test_a_stack_without_junk_is_none(self):
        self.assertEqual(measured.depth(Memory(measured.KSTACKSIZE), 4096), (0, 0, []))

    def test_a_stack_in_use(self):
        used, at, words = measured.depth(Memory(20), 4096)
        self.assertEqual((used, at, words[1:]), (24, 4096 + measured.KSTACKSIZE - 24, (0, 0)))


class Times(unittest.TestCase):
    def test_longest_of_all_tests(self):
        """A unit is 100 ns; an instruction takes 8."""
        kept = measured.Measured()
        look(kept, Memory(8, off=8, held=[("a", 80, False), ("b", 4, False), ("m", 999, True)]))
        look(kept, Memory(8, off=4, held=[("a", 16, False), ("b", 40, False)]), "two")
        look(kept, Memory(8, off=9999, held=[("a", 9999, False)]), "several", harts=2)
        self.assertEqual(kept.off, (100, "one", "spin"))
        self.assertEqual(kept.held, {"a": (1000, "one", "main < spin"),
                                     "b": (500, "two", "main < spin")})
        self.assertEqual(kept.bounds, [("a", 2000, 7, "it is long"),
                                       ("all others", 100, 0, "it is short")])
        with tempfile.TemporaryDirectory() as folder:
            lines = kept.keep(folder)
            with open(os.path.join(folder, measured.NAME)) as file:
                self.assertEqual(json.load(file)["held"]["b"], [500, "two", "main < spin"])
        self.assertIn("held for 1000 instructions at most, a by one", lines[2])

    def test_nothing_measured(self):
        self.assertEqual(measured.Measured().keep("/nowhere"), [])


if __name__ == "__main__":
    unittest.main()
