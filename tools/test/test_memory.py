"""Tests of reading a machine's memory: what is where, and that no damage can confuse the reader.

The pictures of pictures.py are read: kernel stacks, a program's pages, the ends of memory, large
pages. Then pointers, counters and whole pages are overwritten. Each check of grader/state.py must
then find nothing, complain, or raise a MemoryFault with a sentence. Another exception, or a check
that never ends, is a failure here: a student's kernel may leave its memory in any state.

Needs the built objects and QEMU, which boots once. Random damage is the same in each run.
Run alone: python3 tools/test/test_memory.py
"""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pictures import MEGABYTES, MachineTest
from grader import state
from grader.memory import PAGE, RAM_START, MemoryFault

NOWHERE = 0x123456789abc


class Pointers(MachineTest):
    """A pointer or a number is nonsense: each check finds nothing wrong, or says what is wrong."""

    def all_checks(self, picture):
        for check in state.DEFAULT + [state.processes(2), state.cow_pair("memory")]:
            try:
                for complaint in check(picture):
                    self.assertIsInstance(complaint, str)
            except MemoryFault as fault:
                self.assertGreater(len(str(fault)), 20)

    def test_each_in_turn(self):
        for name in ("pages", "npage", "pages_base", "all_caches", "pmm_manager", "kernel_as",
                     "cpu_count", "proc_list", "total_pages", "caches", "free_list"):
            for number in (0, 1, NOWHERE, (1 << 64) - 1, self.fork.image.address("power_off")):
                picture = self.fork.copy()
                picture.poke(picture.memory.variable(name).address, number)
                self.all_checks(picture)

    def test_message_names_the_pointer(self):
        self.fork.poke(self.child.mm, NOWHERE)
        with self.assertRaisesRegex(MemoryFault, r"\(proc_struct at .*\).mm.*pgdir cannot be read: "
                                                 "nothing is mapped at 0x1234567"):
            state.references(self.fork)
        self.fork.poke(self.fork.memory.variable("npage"), 1 << 40)
        with self.assertRaisesRegex(MemoryFault, "do not lie in memory"):
            state.free_list(self.fork)

    def test_slab(self):
        slab = self.end.memory.object("slab", int(self.end.memory.variable("initproc")) & -PAGE)
        for pointer in (NOWHERE, slab.address, int(slab.free) + 8):
            self.end.poke(slab.free, pointer)
            with self.assertRaisesRegex(MemoryFault, r"the slab at %#x of proc_struct .*is damaged"
                                        % slab.address):
                state.no_leaks(self.end)

    def test_slab_in_a_circle(self):
        slab = self.end.memory.object("slab", int(self.end.memory.variable("initproc")) & -PAGE)
        self.end.poke(slab.free.next, int(slab.free))
        with self.assertRaisesRegex(MemoryFault, "is damaged"):
            state.no_leaks(self.end)

    def test_caches_in_a_circle(self):
        first = self.end.memory.variable("all_caches")
        self.end.poke(first.next, int(first))
        self.all_checks(self.end)

    def test_random_damage(self):
        """Words of the kernel's data, of its pages and of its objects are overwritten."""
        rng = random.Random(1)
        memory = self.fork.memory
        targets = [self.fork.image.address("kernel_rodata_end"), int(memory.variable("pages")),
                   int(memory.variable("initproc")) & -PAGE, int(self.child.mm) & -PAGE,
                   self.parent_root + self.fork.image.offset]
        for _ in range(60):
            picture = self.fork.copy()
            for _ in range(40):
                start = rng.choice(targets)
                words = 8192 if start == targets[0] else 512
                number = rng.choice((rng.getrandbits(64), rng.getrandbits(8), start,
                                     start + 8 * rng.randrange(512)))
                picture.poke(start + 8 * rng.randrange(words), number)
            self.all_checks(picture)


class Reading(MachineTest):
    """What is read by physical, kernel and user addresses."""

    def test_kernel_stack(self):
        """A kernel stack lies outside of the linear map, so it is found by the page table only."""
        task = self.fork.memory.variable("initproc").task
        stack = int(task.kstack)
        self.assertGreater(stack, self.fork.image.offset + RAM_START + (MEGABYTES << 20))
        self.assertNotEqual(self.fork.memory.read_virtual(stack, 2 * PAGE), bytes(2 * PAGE))
        with self.assertRaisesRegex(MemoryFault, "nothing is mapped"):
            self.fork.memory.read_virtual(stack - 8, 16)

    def test_user_memory(self):
        """The program has filled its pages: memory[i][i] = memory[0][0] + i."""
        address = self.fork.program.address("memory")
        for root in (self.parent_root, self.child_root):
            data = self.fork.memory.read_virtual(address, PAGE + 8, root)
            first, second = (int.from_bytes(data[i:i + 4], "little") for i in (0, PAGE + 4))
            self.assertEqual(second, first + 1)
        with self.assertRaisesRegex(MemoryFault, "nothing is mapped"):
            self.fork.memory.read_virtual(0, 1, self.child_root)
        with self.assertRaisesRegex(MemoryFault, "nothing is mapped"):
            self.fork.memory.read_virtual(1 << 38, 1, self.child_root)

    def test_ends_of_memory(self):
        end = RAM_START + (MEGABYTES << 20)
        for address, size in ((RAM_START, 8), (end - 8, 8), (RAM_START, MEGABYTES << 20)):
            self.assertEqual(len(self.fork.memory.read(address, size)), size)
        for address, size in ((RAM_START - 1, 8), (end - 7, 8), (0, 1), (end, 1)):
            with self.assertRaisesRegex(MemoryFault, "there is no memory at"):
                self.fork.memory.read(address, size)
        start = RAM_START + self.fork.image.offset
        pages = MEGABYTES << 8
        for va in (start, start + 1, start + PAGE - 1):         # a byte of each page
            self.assertEqual(len(self.fork.memory.column(va, PAGE, pages)), pages)
        for va, count in ((start - 1, 1), (start, pages + 1), (start + PAGE, pages)):
            with self.assertRaisesRegex(MemoryFault, "do not lie in memory"):
                self.fork.memory.column(va, PAGE, count)

    def test_address_that_is_not_canonical(self):
        """An address whose upper bits are wrong is not mapped, although its lower bits alone lead
        to the linear map."""
        address = self.fork.image.address("pages")
        self.assertEqual(self.fork.memory.physical(address, self.child_root),
                         address - self.fork.image.offset)
        with self.assertRaisesRegex(MemoryFault, "nothing is mapped"):
            self.fork.memory.physical(address & (1 << 39) - 1, self.child_root)

    def test_root_before_the_map_is_made(self):
        self.fork.poke(self.fork.memory.variable("kernel_as").pgdir, 0)
        boot = self.fork.image.address("boot_pgdir") - self.fork.image.offset
        self.assertEqual(self.fork.memory.kernel_root(), boot)
        leaves = list(self.fork.memory.leaves(boot))
        self.assertEqual(leaves[2][0] & (1 << 64) - 1, self.fork.image.offset + RAM_START)
        self.assertEqual(leaves[2][2], 2)


if __name__ == "__main__":
    unittest.main()
