"""Tests of paging that no test of lab 9 can make.

Failing: a disk fails, QEMU makes the errors on purpose, at one sector. A page that cannot be read
is lost, with the process that needs it, and with nobody else. One that cannot be written stays in
memory, and its slot is not used again. The self tests swap-in-errors and swap-out-errors look at
each step; here a program is paged by a machine with a virtio-blk disk.

Order: other harts fetch anew when a page of text has its content, and before its entry is stored.
Only one who stops the machine there can see that.

Count: the pages of a process that are out are counted with those that are not, entry by entry, and
not taken from the sum that the kernel keeps, which changes between two page tables.

Needs the built objects and QEMU, and a minute.
Run alone: python3 tools/test/test_paging.py
"""
import mmap
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from grader.disk import run_tool
from grader.memory import PAGE, PTE_U, PTE_X, Memory
from pictures import Guest
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


def executable(memory, space):
    """How many pages of an address space can be executed by programs."""
    bits = PTE_U | PTE_X
    return sum(pte & bits == bits
               for _, pte, _ in memory.leaves(memory.physical(int(space.pgdir))))


class Order(unittest.TestCase):
    """Machines that stop at each fetch_flush()."""

    def stops(self, append, times, look):
        """What look() tells of the memory, and of the address space that it is called for, at each
        of so many calls of fetch_flush(). A machine that has set no timer, as in a self test,
        cannot go on from the first."""
        guest, found = Guest(append), []
        with mmap.mmap(guest.ram.fileno(), guest.size, prot=mmap.PROT_READ) as ram:
            memory = Memory(ram, guest.image)
            try:
                for _ in range(times):
                    guest.run_to(*["ra"] * bool(found), "fetch_flush")
                    found.append(look(memory, memory.object(
                        "addrspace", guest.stub.register("a0"))))
            finally:
                guest.end()
        return found

    def test_page_that_was_out(self):
        """The self test has a space with one page of text, full of one byte, which comes in: by
        then it is read, and is in memory beside the slot, which is there too."""
        def look(memory, space):
            full = b"\x33" * PAGE
            copies = sum(memory.ram[at:at + PAGE] == full for at in range(0, memory.size, PAGE))
            return executable(memory, space), copies
        self.assertEqual(self.stops("selftest=swap-in", 1, look), [(0, 2)])

    def test_page_of_a_program(self):
        """The first program touches one page of its text after the other."""
        self.assertEqual(self.stops("init=hello", 2, executable), [0, 1])

class Count(unittest.TestCase):
    """A machine in which the sum changes while procinfo counts."""

    def test_a_page_goes_out_between_two_tables(self):
        guest = Guest("init=mem")
        with mmap.mmap(guest.ram.fileno(), guest.size, prot=mmap.PROT_READ) as ram:
            memory = Memory(ram, guest.image)
            try:
                guest.run_to("count_table")
                info = memory.object("procinfo", guest.stub.register("a2"))
                guest.run_to("ra", "count_table")
                sums = memory.object("mm_struct", guest.stub.register("a0"))
                self.assertEqual(int(info.pages) > 0, True)
                guest.stub.write(sums.paged_out.address, (5).to_bytes(8, "little"))
                self.assertEqual(int(sums.paged_out), 5)
                guest.run_to("ra")
                self.assertEqual(int(info.paged_out), 0)
            finally:
                guest.end()


if __name__ == "__main__":
    unittest.main()
