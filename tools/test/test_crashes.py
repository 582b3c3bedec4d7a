"""Tests of the crash tests: planted faults are found, and so is a wrong sample on the host.

A few faults of tools/crashes are built, of several kinds; tools/crashes.py tries them all. Of each
it is looked at whether the lines that it changes are still there.

Needs the compiler and QEMU, and half a minute.
Run alone: python3 tools/test/test_crashes.py
"""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import crashes
import planted
import planting
from grader import samples
from labs.catalogue import find_test
from sfs import format
from trees import OBJECTS, TOP

FEW = ("no-flush-behind-homes", "recovery-no-flush-clear", "orphan-not-collected",
       "rename-in-two")


class Faults(unittest.TestCase):
    """tools/crashes.py"""

    SECONDS = 25

    def test_few(self):
        result = subprocess.run([sys.executable, "tools/crashes.py", "--jobs", "2", "--toolchain",
                                 os.path.basename(OBJECTS)] + list(FEW), cwd=TOP,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 0, text)
        for name, line in zip(FEW, text.splitlines()):
            self.assertRegex(line, name + r" +found by \d+: ")

    def test_table(self):
        """Each file fits the tree, names a test, and has its line in docs/crashes.md."""
        with open(crashes.TABLE, encoding="utf-8") as file:
            table = file.read()
        faults = [fault for fault, _ in planting.read_all([], crashes.FOLDER)]
        self.assertGreaterEqual(len(faults), 30)
        for fault in faults:
            self.assertIn(fault.test, ("crash", "crash-commit", "crash-maps",
                                       "crash-recovery"))
            find_test(fault.test)
            self.assertIn(crashes.row(fault, "")[:-3], table)
        self.assertEqual(table.count("\n| "), len(faults) + 2)
        self.assertNotIn("| none |", table)


class Samples(unittest.TestCase):
    """grader/samples.py"""

    def disk(self, *disks):
        """A disk with these pairs, before and after, as samples."""
        data = bytearray(struct.pack("<II", samples.MAGIC, len(disks)).ljust(format.BLOCK, b"\0"))
        for before, after in disks:
            count = len(before) // format.BLOCK
            numbers = struct.pack("<%dH" % (2 * count), *list(range(count)) * 2)
            head = samples.HEAD.pack(count, count, count, b"a workload")
            data += (head.ljust(samples.NUMBERS_AT, b"\0") + numbers).ljust(format.BLOCK, b"\0")
            data += before + after
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            return samples.sound(file.name)

    def test_each_mistake(self):
        good = planted.build()
        lost = planted.Spoiler(good)
        lost.orphan("c")
        cut = planted.Spoiler(good)
        cut.data[cut.block("readme")] = ord("j")
        self.assertEqual(self.disk(*[(good, good)] * samples.LEAST), [])
        self.assertIn("1 samples are on the disk", self.disk((good, good))[0])
        self.assertIn("a workload: the recovered disk", self.disk((good, lost.data))[0])
        self.assertIn("a workload: the crashed disk", self.disk((lost.data, good))[0])
        self.assertIn("is not what the kernel has recovered", self.disk((good, cut.data))[0])
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(8192))
            file.flush()
            self.assertIn("has left no samples", samples.sound(file.name)[0])


if __name__ == "__main__":
    unittest.main()
