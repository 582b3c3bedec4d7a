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
from types import SimpleNamespace
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import bench
import bench_data
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

    def test_each_row_has_a_floor(self):
        keys = {row.key for row in OPERATIONS}
        self.assertEqual(keys - set(bench_floors.FLOORS), set(bench_floors.NO_FLOOR))
        self.assertLessEqual(set(bench_floors.FLOORS) | set(speed.PROFILED), keys)

    def test_a_floor_is_the_sum_of_its_parts(self):
        self.assertEqual(bench_floors.floor("null"),
                         sum(times * each for times, _, each in bench_floors.FLOORS["null"]))
        self.assertIsNone(bench_floors.floor("irq-off"))
        self.assertEqual(bench_floors.CALL, sum(
            times * each for times, _, each in bench_floors.SYSCALL))

    def test_each_row_is_above_its_floor(self):
        rows = re.findall(r"^\| (.*?) \| ([\d,]*) \| ([\d,]+) \|", between("summary"), re.M)
        self.assertEqual([text for text, _, _ in rows],
                         [speed.text_of(key) for key in speed.PROFILED])
        for text, least, needed in rows:
            if least:
                self.assertLess(int(least.replace(",", "")), int(needed.replace(",", "")), text)

    def test_no_floor_moves_more_words_than_the_kernel_does(self):
        """Of each operation: pages that are cleared or copied are done by libs/, but for bss. So
        a copy that no kernel need make is found here."""
        heads, _, *rows = [[cell.strip() for cell in line.split("|")[1:-1]]
                           for line in between("summary").split("\n")]
        shown = {row[0]: int(row[heads.index("libs")].replace(",", "") or 0) for row in rows}
        found = 0
        for key in speed.PROFILED:
            for times, what, each in bench_floors.FLOORS[key]:
                if each >= bench_floors.PAGE_WORDS or times >= bench_floors.PAGE_WORDS \
                        and each <= 2 and "bss" not in what:
                    found += 1
                    self.assertLessEqual(bench_floors.PAGE_WORDS * (times if each > 2 else 1),
                                         shown[speed.text_of(key)], (key, what))
        self.assertGreater(found, 5)

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
            speed_aims.table("an operation", "null", functions, {})
        self.assertRegex(str(caught.exception),
                         r"^an operation: .* tools/speed_aims\.py .*: no_such_function, nor_this$")

    def test_a_bound_that_is_far_away(self):
        """bench.py --check, which measures all rows, fails for it; with another compiler it is none
        of the bound's."""
        row, fresh = bench_data.row("made", "up", 1100), {"made": 1000}
        ours, other = SimpleNamespace(tolerance=0), SimpleNamespace(tolerance=15)
        self.assertFalse(bench.is_loose(row, fresh, ours))
        self.assertFalse(bench.is_loose(row._replace(bound=None), fresh, ours))
        self.assertFalse(bench.is_loose(row, {}, ours))
        self.assertTrue(bench.is_loose(row._replace(bound=1120), fresh, ours))
        self.assertFalse(bench.is_loose(row._replace(bound=1120), fresh, other))
        kept = row._replace(key="kept", bound=12000)
        self.assertFalse(bench.is_loose(kept, {"kept": 1000}, ours))

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

    def test_bytes_of_the_page(self):
        """grow.py, which .ci/run runs, tells what is more than a twentieth away."""
        shown = dict(re.findall(r"^\| (.*) \| ([\d,]+) \|$", between("bytes"), re.M))
        sizes = {key: int(shown[text].replace(",", "")) for key, text in grow.BYTES}
        options = SimpleNamespace(objects="obj/none")
        with mock.patch.object(grow, "Compiler", lambda _: SimpleNamespace(tolerance=0)), \
                mock.patch.object(grow, "PAGE", os.path.join(TOP, speed.PAGE)):
            self.assertEqual(grow.stale(sizes, options), [])
            sizes["area"] = sizes["area"] * 11 // 10
            self.assertEqual(grow.stale(sizes, options), [dict(grow.BYTES)["area"]])


if __name__ == "__main__":
    unittest.main()
