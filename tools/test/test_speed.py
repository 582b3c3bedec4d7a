"""docs/speed.md: its floors are those of tools/bench_floors.py, its table and picture those of the
kernel that it speaks of, and each operation is one of make bench.

A table that was not made anew after a change of the kernel fails here.

Needs the built objects and QEMU.
Run alone: python3 tools/test/test_speed.py
"""
import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import bench
import bench_floors
import grow
import speed
import speed_aims
from bench_data import AIMS, OPERATIONS
from trees import OBJECTS, TOP

# A compiler or a change may move a figure a little; the page is written anew if it is more.
PERCENT = 5


def page():
    with open(os.path.join(TOP, speed.PAGE), encoding="utf-8") as file:
        return file.read()


def between(name):
    return re.search(r"(?s)<!-- %s: begin -->\n(.*?)\n<!-- %s: end -->" % (name, name),
                     page()).group(1)


class Page(unittest.TestCase):
    def test_floors_are_those_of_the_tool(self):
        self.assertEqual(between("floors"), speed.floors())

    def test_floors_are_of_rows(self):
        keys = {row.key for row in OPERATIONS}
        self.assertLessEqual(set(bench_floors.FLOORS), keys)
        self.assertLessEqual(set(speed.PROFILED), keys)

    def test_a_floor_is_the_sum_of_its_parts(self):
        self.assertEqual(bench_floors.floor("null"),
                         sum(times * each for times, _, each in bench_floors.FLOORS["null"]))
        self.assertIsNone(bench_floors.floor("unlink"))
        self.assertEqual(bench_floors.CALL, sum(
            times * each for times, _, each in bench_floors.SYSCALL))

    def test_each_row_is_above_its_floor(self):
        rows = re.findall(r"^\| (.*?) \| ([\d,]*) \| ([\d,]+) \|", between("summary"), re.M)
        self.assertEqual([text for text, _, _ in rows],
                         [speed.text_of(key) for key in speed.PROFILED])
        for text, least, needed in rows:
            if least:
                self.assertLess(int(least.replace(",", "")), int(needed.replace(",", "")), text)

    def test_aims_that_are_missed_are_explained(self):
        """Each has a table of its functions, whose sum is what the operation costs."""
        costs = {text: int(needed.replace(",", "")) for text, _, needed in re.findall(
            r"^\| (.*?) \| ([\d,]*) \| ([\d,]+) \|", between("summary"), re.M)}
        missed = {speed.text_of(key) for key, aim in AIMS.items()
                  if costs[speed.text_of(key)] > aim}
        tables = re.findall(r"(?ms)^\*\*(.*?)\*\*: ([\d,]+), .*?\n\n(.*?)(?=\n\n|\Z)",
                            between("aims"))
        self.assertEqual({text for text, _, _ in tables}, missed)
        for text, total, body in tables:
            rows = [int(count.replace(",", ""))
                    for count in re.findall(r"^\| ([\d,]+) \|", body, re.M)]
            self.assertAlmostEqual(sum(rows), int(total.replace(",", "")), delta=len(rows))
            self.assertAlmostEqual(costs[text], int(total.replace(",", "")), delta=1)

    def test_a_function_without_a_sentence_is_named(self):
        """A row that begins to miss its aim may have functions that no row had before."""
        functions = {"getpid": 4, "no_such_function": 300, "nor_this": 200, "small": 1}
        with self.assertRaises(speed_aims.AimError) as caught:
            speed_aims.table("an operation", "null", functions)
        self.assertRegex(str(caught.exception),
                         r"^an operation: .* tools/speed_aims\.py .*: no_such_function, nor_this$")

    def test_bounds_follow_from_figures(self):
        """No bound is far above what the operation costs: a tenth, and what rounding adds."""
        for key in speed.PROFILED:
            cost = int(re.search(r"^\| %s \| [\d,]* \| ([\d,]+) \|" % re.escape(
                speed.text_of(key)), between("summary"), re.M).group(1).replace(",", ""))
            bound = next(row.bound for row in OPERATIONS if row.key == key)
            self.assertLessEqual(bound, cost * 1.115, key)

    def test_picture_shows_the_table(self):
        with open(os.path.join(TOP, speed.PICTURE), encoding="utf-8") as file:
            shown = set(re.findall(r">([^<>]+)</text>", file.read()))
        for text, least, needed in re.findall(r"^\| (.*?) \| ([\d,]*) \| ([\d,]+) \|",
                                              between("summary"), re.M):
            if least:
                self.assertLessEqual({speed.html.escape(text), least, needed}, shown)


@unittest.skipIf(bench.Compiler(OBJECTS).tolerance, "the page is about the course's compiler")
class Measured(unittest.TestCase):
    """Some rows, measured now."""

    def test_figures_of_the_page(self):
        folders = speed.folder_of_functions(OBJECTS)
        options = speed.argparse.Namespace(objects=OBJECTS, qemu="qemu-system-riscv64")
        with speed.scratch.folder("speed") as folder:
            for key in ("null", "touch", "fork"):
                groups = speed.grouped(
                    speed.profiled(key, options, os.path.join(folder, "disk")), folders)
                shown = re.search(r"^\| %s \| [\d,]* \| ([\d,]+) \|"
                                  % re.escape(speed.text_of(key)), between("summary"), re.M)
                self.assertAlmostEqual(sum(groups.values()), int(shown.group(1).replace(",", "")),
                                       delta=int(shown.group(1).replace(",", "")) * PERCENT / 100)
                self.assertEqual(groups["other"], 0, key)

    def test_claims_about_growth(self):
        """Two rows of make bench GROW=1, at each size: one that is flat, one in proportion."""
        options = speed.argparse.Namespace(objects=OBJECTS, qemu="qemu-system-riscv64")
        found = grow.measure_rows(options, ["areas", "pages"])
        for key, points in found.items():
            self.assertTrue(grow.holds(key, points), (key, points))
        self.assertGreater(grow.exponents(found["pages"])[1], 0.8)


class Growth(unittest.TestCase):
    """What the exponents make of made-up costs, and the page's tables."""

    def test_exponents(self):
        flat, log, linear, square = (
            [(size, cost(size)) for size in grow.DECADES]
            for cost in (lambda n: 500, lambda n: 1000 + 20 * n.bit_length(),
                         lambda n: 7000 + 30 * n, lambda n: n * n))
        self.assertTrue(grow.holds("rr", flat))
        self.assertTrue(grow.holds("stride", log))
        self.assertFalse(grow.holds("rr", linear))
        self.assertFalse(grow.holds("stride", linear))
        self.assertTrue(grow.holds("pages", linear))
        self.assertFalse(grow.holds("pages", square))
        self.assertAlmostEqual(grow.exponents(square)[0], 2)

    def test_a_fixed_part_hides_nothing(self):
        """Only the last decade shows that a cost with a large fixed part grows."""
        self.assertFalse(grow.holds("rr", [(10, 9000), (100, 9000), (1000, 9000), (10000, 9900)]))

    def test_page_has_each_row_and_none_missed(self):
        rows = re.findall(r"^\| .*\| (O\(.*?\)[^|]*) \|$", between("grow"), re.M)
        self.assertEqual(rows, [claim for _, _, claim, _ in grow.ROWS.values()])
        self.assertEqual(len(between("bytes").split("\n")), 2 + len(grow.BYTES))


if __name__ == "__main__":
    unittest.main()
