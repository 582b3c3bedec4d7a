"""Tests of paging to a disk that fails: QEMU makes the errors on purpose, at one sector.

A page that cannot be read is lost, with the process that needs it, and with nobody else. One that
cannot be written stays in memory, and its slot is not used again. The self tests swap-in-errors and
swap-out-errors look at each step; here a program is paged by a machine with a virtio-blk disk.

Needs the built objects and QEMU, and a minute.
Run alone: python3 tools/test/test_paging.py
"""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader.disk import run_tool
from sfs import format
from trees import OBJECTS, TOP

SECONDS = 300
SECTORS = 8             # of 512 bytes, in a block
SLOT = 700              # far from the first: it is used when much is out


class Failing(unittest.TestCase):
    """A machine with little memory, and a swap range with an error in it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.image = os.path.join(folder.name, "disk")
        status, lines = run_tool("make", self.image, "--size", "20M", "--swap", "16M")
        self.assertEqual(status, 0, lines)
        with format.Image(self.image) as image:
            self.start = format.good_super(image).swap_start

    def boot(self, what, program):
        """What a machine prints whose disk fails at SLOT once, reading or writing."""
        sector = (self.start + SLOT - 1) * SECTORS
        rules = ("inject-error.0.event=none,inject-error.0.once=on,inject-error.0.iotype=%s,"
                 "inject-error.0.sector=%d" % (what, sector))
        command = ["qemu-system-riscv64", "-machine", "virt", "-m", "128M", "-nic", "none",
                   "-kernel", os.path.join(TOP, OBJECTS, "kernel"), "-display", "none",
                   "-monitor", "none", "-serial", "stdio", "-append", "mem=4M init=" + program,
                   "-blockdev", "driver=file,node-name=file,filename=" + self.image,
                   "-blockdev", "driver=blkdebug,node-name=bad,image=file," + rules,
                   "-blockdev", "driver=raw,node-name=top,file=bad",
                   "-device", "virtio-blk-device,drive=top"]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=SECONDS)
        text = result.stdout.decode("utf-8", "replace").replace("\r", "")
        self.assertIn("leak check: ok", text, text[-3000:])
        return text

    def test_read(self):
        text = self.boot("read", "swaptest 1 8")
        self.assertRegex(text, r"swaptest \(pid \d+\) was killed: "
                               r"a page cannot be read from the disk, address 0x")
        self.assertEqual(text.count("was killed"), 1)
        self.assertIn("expected 0, got -9", text)       # the parent goes on, and tells

    def test_write(self):
        text = self.boot("write", "swaptest 1 8")
        self.assertIn("swap: slot %d cannot be written: its page stays in memory\n" % SLOT, text)
        self.assertNotIn("was killed", text)
        self.assertIn("init ended with code 0\n", text)


if __name__ == "__main__":
    unittest.main()
