"""Pictures of the memory of real machines, for the tests of the code that looks into it.

Guest runs a kernel in QEMU to given places and copies its memory and some registers. Picture is
such a copy, with the same methods by which the grader's checks see a stopped machine. A test
pokes values into its own copy, so it hurts no other test. MachineTest takes two pictures, once
for all tests of the process: `at_fork` and `at_end`.

test_memory.py and test_state.py use this file. RVLAB_OBJECTS names the folder with the built
kernel (obj/unknown-elf if it is not set), RVLAB_QEMU the QEMU. One hart and -icount make every
picture the same from run to run.
"""
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from gdbstub import Stub
from grader import state
from grader.image import Image
from grader.memory import PAGE, PTE_R, PTE_W, PTE_X, Memory, pte_frame

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OBJECTS = os.path.join(TOP, os.environ.get("RVLAB_OBJECTS", "obj/unknown-elf"))
QEMU = os.environ.get("RVLAB_QEMU", "qemu-system-riscv64")
MEGABYTES = 32
PROGRAM = "cow"


class Guest:
    """A machine that stops at chosen places, where its memory can be copied."""

    def __init__(self, append):
        self.image = Image(os.path.join(OBJECTS, "kernel"))
        self.program = Image(os.path.join(OBJECTS, "user", PROGRAM))
        self.size = MEGABYTES << 20
        self.ram = tempfile.TemporaryFile()
        self.ram.truncate(self.size)
        ours, theirs = socket.socketpair()
        files = self.ram.fileno(), theirs.fileno()
        self.process = subprocess.Popen(
            [QEMU, "-machine", "virt,memory-backend=ram", "-bios", "default", "-smp", "1", "-m",
             "%dM" % MEGABYTES, "-kernel", self.image.path, "-append", append, "-display", "none",
             "-object", "memory-backend-file,id=ram,size=%d,mem-path=/dev/fd/%d,share=on"
             % (self.size, files[0]), "-monitor", "none", "-serial", "null", "-S", "-icount",
             "shift=0,sleep=off", "-chardev", "socket,id=gdb,fd=%d" % files[1], "-gdb",
             "chardev:gdb"], stdin=subprocess.DEVNULL, pass_fds=files)
        theirs.close()
        self.stub = Stub(ours)

    def run_to(self, *places):
        """Run to these places, one after the other. A place is a symbol of the kernel, an address,
        or "ra", which stands for the address to which the present function returns."""
        for place in places:
            if isinstance(place, str):
                place = self.stub.register("ra") if place == "ra" else self.image.address(place)
            self.stub.run_to(place)

    def picture(self):
        """A Picture of the machine as it is now."""
        with tempfile.TemporaryFile() as file, mmap.mmap(self.ram.fileno(), self.size) as ram:
            file.write(ram)
            file.flush()
            content = os.dup(file.fileno())
        registers = {name: self.stub.register(name)
                     for name in ("tp", "sscratch", "sstatus", "satp")}
        return Picture(self, content, registers)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.stub.close()
        self.ram.close()


class Picture:
    """A stopped machine, as the checks see it. A change of one Picture is not seen in others."""

    baseline, early, key_address = None, False, None

    def __init__(self, guest, content, registers):
        self.image, self.program, self.content, self.values = (
            guest.image, guest.program, content, registers)
        self.memory = Memory(mmap.mmap(content, MEGABYTES << 20, mmap.MAP_PRIVATE), self.image)

    def registers(self, name):
        return self.values[name]

    def all_registers(self, name):
        return [self.values[name]]

    def copy(self):
        """A Picture with the same content, to be changed by one test."""
        result = Picture(self, self.content, dict(self.values))
        result.baseline = self.baseline
        return result

    def poke(self, value, number):
        """Write a number into a Value, or as eight bytes at a kernel address."""
        address, size = (value, 8) if isinstance(value, int) else (value.address, value._type.size)
        self.memory.write(address, (number & (1 << 8 * size) - 1).to_bytes(size, "little"))

    def page(self, frame):
        """The struct Page of the page with this physical address."""
        pages = self.memory.variable("pages")
        return pages[(frame - int(self.memory.variable("pages_base"))) // PAGE]

    def take_free_page(self):
        """Take a page from the buddy manager: (its struct Page, its physical address). It begins
        the first of the smallest blocks; what is behind it there becomes smaller blocks."""
        lists = self.memory.variable("free_list", "pmm_buddy.c")
        pages = self.memory.variable("pages")
        order, page = next((order, page) for order in range(lists._type.count)
                           for page in self.memory.list(lists[order], "Page", "page_link"))
        self.poke(page.page_link.prev.next, int(page.page_link.next))
        self.poke(page.page_link.next.prev, int(page.page_link.prev))
        number = (page.address - int(pages)) // page._type.size
        for half in range(order):                   # their lists are empty
            buddy, head = pages[number + (1 << half)], lists[half]
            self.poke(buddy.flags, int(page.flags))
            self.poke(buddy.property, half)
            for link, other in ((buddy.page_link, head), (head, buddy.page_link)):
                self.poke(link.next, other.address)
                self.poke(link.prev, other.address)
        counter = self.memory.variable("nr_free", "pmm_buddy.c")
        self.poke(counter, int(counter) - 1)
        return page, int(self.memory.variable("pages_base")) + number * PAGE

    def root(self, process):
        """The physical address of the root page table of a process."""
        return self.memory.physical(int(process.mm["as"].pgdir))

    def entry(self, va, root):
        """The kernel's address of the entry that maps a virtual address, in the tables below this
        root. It stops at a leaf of a higher level, which maps a large page."""
        table = root
        for level in (2, 1):
            pte = self.memory.u64(table + 8 * (va >> 12 + 9 * level & 511))
            if pte & (PTE_R | PTE_W | PTE_X):
                return table + 8 * (va >> 12 + 9 * level & 511) + self.image.offset
            table = pte_frame(pte)
        return table + 8 * (va >> 12 & 511) + self.image.offset

    def change(self, va, root, clear=0, add=0):
        """Clear and set bits of the entry for a virtual address."""
        entry = self.entry(va, root)
        self.poke(entry, self.memory.u64(entry - self.image.offset) & ~clear | add)


class MachineTest(unittest.TestCase):
    """A base class for tests, with two Pictures of one machine: at_end is taken when the machine
    switches off, at_fork when the program has just forked for the first time. Both have the
    baseline, which is what the machine's memory held before the test began."""

    @classmethod
    def setUpClass(cls):
        if hasattr(MachineTest, "at_end"):
            return
        guest = Guest("init=" + PROGRAM)
        try:
            guest.run_to("inventory_take", "ra")
            start = guest.picture()
            baseline = state.snapshot(start.memory)
            guest.run_to(guest.program.address("main"), "do_fork", "ra")
            MachineTest.at_fork = guest.picture()
            guest.run_to("power_off")
            MachineTest.at_end = guest.picture()
        finally:
            guest.end()
        MachineTest.at_fork.baseline = MachineTest.at_end.baseline = baseline

    def setUp(self):
        self.end, self.fork = MachineTest.at_end.copy(), MachineTest.at_fork.copy()
        running = [p for p in state.process_list(self.fork.memory) if p.mm]
        self.child, self.parent = running
        self.va = self.fork.program.address("memory") & -PAGE
        self.parent_root, self.child_root = self.fork.root(self.parent), self.fork.root(self.child)
        self.frame = pte_frame(self.fork.memory.leaf(self.va, self.parent_root)[0])

    def expect(self, complaints, *patterns):
        """Ask for exactly these complaints: as many as patterns, each matching its own."""
        self.assertEqual(len(complaints), len(patterns), complaints)
        for complaint, pattern in zip(complaints, patterns):
            self.assertRegex(complaint, pattern)
