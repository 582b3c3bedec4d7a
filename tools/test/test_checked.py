"""tools/checked.py: faults of each kind are found by a checked build.

Found builds the small tree once, and plants a few faults, one of each part of kern/check; all of
them are run by the command itself. Words has what needs no machine: the order in which texts must
come, what changes from build to build, the page, and wrong command lines.
Run alone: python3 tools/test/test_checked.py
"""
import os
import subprocess
import sys
import unittest
from types import SimpleNamespace

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
sys.path.insert(0, TOOLS)

import checked
import planting

FEW = ["object-overrun", "page-after-free", "list-added-twice", "lock-bound"]
TOOLCHAIN = os.path.basename(os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))


class Found(unittest.TestCase):
    def test_few(self):
        options = SimpleNamespace(toolchain=TOOLCHAIN, jobs=2, qemu="qemu-system-riscv64")
        faults = planting.read_all(FEW, checked.FOLDER, checked.HEADS)
        for fault, said, instead in checked.plant(faults, options):
            self.assertTrue(said, "%s: %s" % (fault.name, instead))

    def test_that_a_fault_is_needed(self):
        """Without the fault nothing is said."""
        options = SimpleNamespace(toolchain=TOOLCHAIN, jobs=1, qemu="qemu-system-riscv64")
        (fault, _), = planting.read_all(FEW[:1], checked.FOLDER, checked.HEADS)
        (_, said, instead), = checked.plant([(fault, {})], options)
        self.assertIsNone(said)
        self.assertEqual(instead.strip(" :"), "ok")


class Words(unittest.TestCase):
    OUTPUT = "it was freed by\n  ffffffc080201234 mm_put+0x2e\n\n" \
        "    double free of 0xffffffc080364ea0\n"

    def test_order(self):
        self.assertEqual(checked.found("freed by ... mm_put ... double free", self.OUTPUT),
                         "double free of …")
        self.assertIsNone(checked.found("mm_put ... freed by", self.OUTPUT))
        self.assertIsNone(checked.found("freed by ... vma_end", self.OUTPUT))

    def test_what_changes(self):
        self.assertEqual(checked.found("held", "held for 125600 ns at kern/a.c:12, sum+0x12"),
                         "held for … ns at kern/a.c:…, sum+…")

    def test_page_has_all(self):
        with open(checked.TABLE, encoding="utf-8") as file:
            table = file.read()
        for fault, _ in planting.read_all([], checked.FOLDER, checked.HEADS):
            self.assertIn("| %s | %s |" % (fault.title, fault.edits[0].path), table)
        self.assertNotIn("not found:", table)

    def test_wrong_words(self):
        for words, said in ((["nothing"], "there is no planted fault nothing"),
                            (["c-null", "--write"], "--write is for the whole table")):
            result = subprocess.run([sys.executable, "tools/checked.py"] + words, cwd=ROOT,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual(result.returncode, 2)
            self.assertIn(said, result.stdout.decode())


if __name__ == "__main__":
    unittest.main()
