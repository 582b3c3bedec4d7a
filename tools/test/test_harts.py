"""tools/harts.py: what it reads in the log of several harts, one figure measured, and its page.

Log plays QEMU: blocks that one hart translates and another one enters, traps, ticks of the clock.
Page compares docs/speed.md with the tool, and one row with what is measured now.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_harts.py
"""
import argparse
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import harts
import speed
from bench import Compiler
from trees import OBJECTS, TOP

PERCENT = 10        # without -icount the clock's interrupts, and what they lead to, differ


class Places:
    """Each hundred of addresses is a function; 100 and 900 are the marks."""

    def marks(self):
        return 100, 900

    def of(self, address, _):
        return harts.SWITCHES if address == 800 else ("kernel", str(address // 100))


def listing(*addresses):
    return [b"----------------\n", b"IN: f\n"] + [
        b"0x%016x:  00000013          addi\n" % address for address in addresses]


def entry(hart, address):
    return [b"Trace %d: 0x7f%04x [0000000000000000/%016x/0/0] f\n" % (hart, address, address)]


def trap(hart, kind, cause, address):
    return [b"riscv_cpu_do_interrupt: hart:%d, async:%d, cause:%016x, epc:0x%016x, tval:0x0\n"
            % (hart, kind, cause, address)]


class Log(unittest.TestCase):
    def total(self, *parts):
        counter = harts.Counter(Places())
        counter.read([line for part in (listing(100),) + parts for line in part])
        return {name: count for (_, name), count in counter.total.items()}

    def test_between_the_marks(self):
        self.assertEqual(self.total(listing(200, 204), entry(0, 200), entry(0, 100), entry(0, 200),
                                    listing(900), entry(0, 900), entry(0, 200)),
                         {"1": 1, "2": 2})

    def test_harts_share_translations(self):
        """Hart 1 translates, hart 0 enters another block before; then it enters that one too."""
        self.assertEqual(self.total(entry(0, 100), listing(300), entry(0, 300),
                                    listing(200, 204, 208), entry(0, 300), entry(1, 200),
                                    entry(0, 200)), {"1": 1, "3": 2, "2": 6})

    def test_a_trap_ends_the_block_of_its_hart(self):
        blocks = listing(200, 204, 208), listing(300, 304), entry(0, 100), entry(0, 200), \
            entry(1, 300)
        self.assertEqual(self.total(*blocks, trap(0, 0, 13, 204)), {"1": 1, "2": 1, "3": 2})
        self.assertEqual(self.total(*blocks, trap(0, 0, 8, 204)), {"1": 1, "2": 2, "3": 2})
        self.assertEqual(self.total(*blocks, trap(1, 0, 13, 304)), {"1": 1, "2": 3, "3": 1})

    def test_ticks_are_left_out(self):
        """Up to where the hart goes on, or to a switch; other interrupts count."""
        blocks = listing(200), listing(300), listing(800), entry(0, 100), entry(0, 300), \
            entry(0, 800), entry(0, 200)
        self.assertEqual(self.total(*blocks, trap(0, 1, 5, 200), entry(0, 300), entry(1, 300),
                                    entry(0, 200)),
                         {"1": 1, "2": 2, "3": 2, "switch_to": 1})
        self.assertEqual(self.total(*blocks, trap(0, 1, 5, 200), entry(0, 800), entry(0, 300)),
                         {"1": 1, "2": 1, "3": 2, "switch_to": 2})
        self.assertEqual(self.total(*blocks, trap(0, 1, 1, 200), entry(0, 300)),
                         {"1": 1, "2": 1, "3": 2, "switch_to": 1})


class Page(unittest.TestCase):
    def rows(self):
        with open(os.path.join(TOP, speed.PAGE), encoding="utf-8") as file:
            body = re.search(r"(?s)<!-- harts: begin -->\n(.*?)<!-- harts: end -->", file.read())
        return {text: [int(figure.replace(",", "")) for figure in figures.split(" | ")]
                for text, figures in re.findall(r"^\| ([a-z].*?) \| ([\d,]+(?: \| [\d,]+)+) \|",
                                                body.group(1), re.M)}

    def test_rows_of_the_tool(self):
        self.assertEqual(list(self.rows()), [text for _, text, _ in harts.KINDS])

    @unittest.skipIf(Compiler(OBJECTS).tolerance, "the page is about the course's compiler")
    def test_a_figure_of_the_page(self):
        options = argparse.Namespace(objects=OBJECTS, qemu="qemu-system-riscv64")
        found = harts.measure(options, [kind for kind in harts.KINDS if kind[0] == "pipe"], False)
        for figure, at in ((self.rows()[harts.KINDS[2][1]][0], 1),
                           (self.rows()[harts.KINDS[2][1]][1], 2)):
            self.assertAlmostEqual(found["pipe"][at][0], figure, delta=figure * PERCENT / 100)


if __name__ == "__main__":
    unittest.main()
