"""Tests of the checks of a stopped machine (grader/state.py), on the memory of a real one.

Healthy: no check complains about the memory that a real machine has left. In the other classes one
thing is changed there: a page is lost, a counter is wrong, an entry is writable, a lock is held.
Then exactly the check that is for this must complain, in the words that are written here. A check
that has become blind fails its test; one that complains about more fails others.

Needs the built objects and QEMU, which boots five times.
Run alone: python3 tools/test/test_state.py
One class: python3 tools/test/test_state.py Permissions
"""
import os
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pictures import Guest, MachineTest
from grader import host, state
from grader.image import ImageError
from grader.judge import Judge
from grader.memory import (PAGE, PTE_COW, PTE_R, PTE_U, PTE_V, PTE_W, PTE_X, RAM_START, MemoryFault)
from grader.model import Test
from trees import OBJECTS

NOWHERE = 0x123456789abc


class Healthy(MachineTest):
    """All is well in the pictures as they were taken."""

    def test_end(self):
        for check in state.DEFAULT + [state.processes(0)]:
            self.assertEqual(check(self.end), [], check)

    def test_fork(self):
        for check in (state.free_list, state.references, state.permissions, state.processes(2),
                      state.cow_pair("memory")):
            self.assertEqual(check(self.fork), [], check)


class Baseline(unittest.TestCase):
    """With two harts the test's own machine makes the snapshot, and it is that of a fresh one."""

    def test_on_its_way(self):
        with tempfile.TemporaryDirectory() as folder:
            two = host.Host(OBJECTS, "qemu-system-riscv64", folder)
            test = Test("hello 2 harts", prog="hello", harts=2)
            with mock.patch.object(host, "snapshot", side_effect=AssertionError("a boot more")):
                self.assertEqual(Judge(two, {}).run(test, 1).reasons, [])
            found = two.baselines.popitem()[1]
            self.assertEqual(vars(two.baseline(test)), vars(found))


class Leaks(MachineTest):
    """no_leaks: pages, objects and processes that were not given back."""

    def pages(self, more):
        """The complaint about so many pages more than before the test."""
        before = len(self.end.baseline.pages)
        return "%d pages are in use, expected %d as before the test" % (before + more, before)

    def test_lost_page(self):
        page, address = self.end.take_free_page()
        self.end.poke(page.flags, state.PG_ALLOCATED)
        self.expect(state.no_leaks(self.end), "^%s; of those taken since, 0 have "
                    "references; the first is at %#x$" % (self.pages(1), address))
        self.end.poke(page.ref, 2)
        self.expect(state.no_leaks(self.end), "of those taken since, 1 have references")
        self.assertEqual(state.free_list(self.end), [])

    def test_page_that_is_neither_free_nor_in_use(self):
        page, _ = self.end.take_free_page()
        self.end.poke(page.flags, 0)
        self.expect(state.free_list(self.end), "pages are free and .* in use, expected .* together")
        self.expect(state.no_leaks(self.end), "the kernel's counter says .* pages are free, but")

    def test_page_freed_that_is_needed(self):
        page = self.end.page(max(self.end.baseline.pages))
        self.end.poke(page.flags, 0)
        self.assertIn(self.pages(-1), state.no_leaks(self.end))

    def test_left_over_processes(self):
        complaints = state.no_leaks(self.fork)
        for name in (self.parent, self.child):
            self.assertIn("pid %d (cow) is left over: it has not ended, or its parent did not wait"
                          % int(name.pid), complaints)
        # A cache may round the size up.
        self.assertRegex("\n".join(complaints), r"(?m)^2 objects of mm_struct \(\d+ bytes\) are in "
                         "use, expected 0 as before the test$")

    def test_lost_object(self):
        memory = self.end.memory
        slab = memory.object("slab", int(memory.variable("initproc")) & -PAGE)
        objects = int(slab.cache.objects)
        self.end.poke(slab.free, int(slab.free.next))
        self.end.poke(slab.in_use, int(slab.in_use) + 1)
        lost = r"^%d objects of proc_struct \(\d+ bytes\) are in use, expected %d as before" % (
            objects + 1, objects)
        self.expect(state.no_leaks(self.end), r"says %d objects of proc_struct \(\d+ bytes\) are "
                    "in use, but %d are" % (objects, objects + 1), lost)
        self.end.poke(slab.cache.objects, objects + 1)
        self.expect(state.no_leaks(self.end), lost)

    def test_counters_are_overwritten(self):
        for name, file, what in (("nr_free", "pmm_buddy.c", "pages are free"),
                                 ("nr_process", "family.c", "processes exist")):
            picture = self.end.copy()
            counter = picture.memory.variable(name, file)
            picture.poke(counter, int(counter) + 2000)
            self.expect(state.no_leaks(picture), "the kernel's counter says .* %s, but" % what)

    def test_the_managers_counter(self):
        counter = self.end.memory.variable("nr_free", "pmm_buddy.c")
        self.end.poke(counter, int(counter) - 7)
        self.expect(state.free_list(self.end), "the manager counts .* free pages, but its lists")

    def test_count_of_all_pages(self):
        counter = self.end.memory.variable("total_pages")
        self.end.poke(counter, int(counter) - 1)
        self.expect(state.no_leaks(self.end), "pages are free, but", "pages exist in all, expected")

    def test_leftover_of_a_slab(self):
        """Two pages only look like a slab: one was a slab formerly, and one is a user's page. They
        must not be taken for slabs."""
        memory = self.end.memory
        cache = memory.variable("all_caches")
        for in_use, ref in ((0, 0), (1, 256)):
            picture = self.end.copy()
            page, address = picture.take_free_page()
            picture.poke(page.flags, state.PG_ALLOCATED)
            picture.poke(page.ref, ref)
            slab = picture.memory.object("slab", address + picture.image.offset)
            for value, number in ((slab.cache, int(cache)), (slab.free, NOWHERE),
                                  (slab.in_use, in_use)):
                picture.poke(value, number)
            self.expect(state.no_leaks(picture), self.pages(1))

    def test_size_of_objects_is_nonsense(self):
        for size in (0, PAGE + 1):
            self.end.poke(self.end.memory.variable("proc_cache").size, size)
            with self.assertRaisesRegex(MemoryFault, "is damaged"):
                state.no_leaks(self.end)

    def test_never_counted(self):
        self.end.baseline = None
        self.expect(state.no_leaks(self.end), r"inventory_take\(\) was never called")


class FreeList(MachineTest):
    """free_list: the lists of free pages and the marks of pages agree."""

    def head(self):
        """The struct Page of the first free block of the buddy manager."""
        memory = self.end.memory
        heads = memory.variable("free_list", "pmm_buddy.c")
        return next(page for order in range(len(heads))
                    for page in memory.list(heads[order], "Page", "page_link"))

    def test_free_page_is_marked(self):
        page = self.head()
        self.end.poke(page.flags, int(page.flags) | state.PG_ALLOCATED)
        self.expect(state.free_list(self.end), "are marked PG_ALLOCATED, expected no mark",
                    "pages are free and .* in use")

    def test_free_page_has_references(self):
        for ref in (1, 0x100, 1 << 31):
            self.end.poke(self.head().ref, ref)
            self.expect(state.free_list(self.end), "have references, expected ref 0")

    def test_page_in_two_lists(self):
        memory, page = self.end.memory, self.head()
        cache = memory.variable("caches")[0]
        self.end.poke(cache.free[0], page.address)
        self.end.poke(cache["count"], 1)
        self.expect(state.free_list(self.end), "are in the lists of free pages twice")

    def test_cached_page_is_in_use(self):
        memory = self.end.memory
        used = next(state.Pages(memory).used())
        cache = memory.variable("caches")[0]
        self.end.poke(cache.free[0], memory.variable("pages")[used].address)
        self.end.poke(cache["count"], 1)
        self.assertRegex(state.free_list(self.end)[0], "are marked PG_ALLOCATED")

    def test_cache_with_impossible_content(self):
        cache = self.end.memory.variable("caches")[0]
        self.end.poke(cache["count"], 1)
        self.end.poke(cache.free[0], NOWHERE)
        with self.assertRaisesRegex(MemoryFault, "where no struct Page is"):
            state.free_list(self.end)
        pages = self.end.memory.variable("pages").deref
        for address in (pages.address + 8, pages.address - pages._type.size):
            self.end.poke(cache.free[0], address)
            with self.assertRaisesRegex(MemoryFault, "where no struct Page is"):
                state.free_list(self.end)
        self.end.poke(cache["count"], 1000000)
        with self.assertRaisesRegex(MemoryFault, r"caches\[0\].free has 48 elements"):
            state.free_list(self.end)

    def test_list_in_a_circle(self):
        page = self.head()
        for pointer, sentence in ((page.page_link.address, "is damaged"),
                                  (NOWHERE, "cannot be read"), (0, "cannot be read")):
            self.end.poke(page.page_link.next, pointer)
            with self.assertRaisesRegex(MemoryFault, sentence):
                state.free_list(self.end)

    def test_list_managers(self):
        for name in ("first_fit", "best_fit"):
            guest = Guest("pmm=%s init=hello" % name)
            try:
                guest.run_to("inventory_take", "ra")
                picture = guest.picture()
            finally:
                guest.end()
            picture.baseline = state.snapshot(picture.memory)
            self.assertEqual(state.free_list(picture), [])
            self.assertEqual(state.no_leaks(picture), [])
            area = picture.memory.variable("free_area")
            first = next(picture.memory.list(area.free_list, "Page", "page_link"))
            picture.poke(first.property, int(first.property) - 1)
            self.expect(state.free_list(picture), "the manager counts .* but its lists have",
                        "pages are free and .* in use")
            for length in (0, 1 << 40):
                picture.poke(first.property, length)
                with self.assertRaisesRegex(MemoryFault, "a list of free pages has"):
                    state.free_list(picture)

    def test_manager_that_does_not_say_where_its_blocks_are(self):
        """A student's own manager need not, and then its lists are not counted. All else is
        checked."""
        self.end.poke(self.end.memory.variable("pmm_manager").free_lists, 0)
        for check in state.DEFAULT:
            self.assertEqual(check(self.end), [])

    def test_no_manager_is_known_by_its_name(self):
        name = self.end.memory.variable("pmm_manager").name
        self.end.poke(name.deref, ord("x"))
        self.assertEqual(state.free_list(self.end), [])
        counter = self.end.memory.variable("nr_free", "pmm_buddy.c")
        self.end.poke(counter, int(counter) + 1)
        self.expect(state.free_list(self.end), "the manager counts .* but its lists have")

    def test_impossible_number_of_lists(self):
        manager = self.end.memory.variable("pmm_manager")
        for count in (0, 65, 1 << 40):
            self.end.poke(manager.list_count, count)
            with self.assertRaisesRegex(MemoryFault, "has %d lists of free pages" % count):
                state.free_list(self.end)


class References(MachineTest):
    """references: each page has as many references as entries that map it."""

    def test_wrong_number(self):
        for ref in (0, 1, 3):
            self.fork.poke(self.fork.page(self.frame).ref, ref)
            self.expect(state.references(self.fork), r"^the page at %#x, which pid \d+ \(cow\) has "
                        "at %#x, has ref %d, expected 2:" % (self.frame, self.va, ref))

    def test_mapped_page_is_free(self):
        self.fork.poke(self.fork.page(self.frame).flags, 0)
        self.expect(state.references(self.fork), "is not in use: it is free")

    def test_device_is_mapped(self):
        self.fork.poke(self.fork.entry(self.va, self.child_root),
                       0x10000000 >> 2 | PTE_V | PTE_R | PTE_U)
        self.expect(state.references(self.fork), "0x10000000, .* is not in use",
                    "has ref 2, expected 1")

    def test_page_of_the_kernel(self):
        """Of the kernel's own pages a program may have those of programs, and no others."""
        memory = self.fork.memory
        for name, patterns in (("kernel_text_start", ["the kernel's own", "has ref 2, expected 1"]),
                               ("filemap_zeros", ["has ref 2, expected 1"])):
            frame = memory.physical(memory.image.address(name))
            self.fork.poke(self.fork.entry(self.va, self.child_root),
                           frame >> 2 | PTE_V | PTE_R | PTE_U)
            self.expect(state.references(self.fork), *patterns)

    def test_page_of_a_cache(self):
        page = self.fork.page(self.frame)
        self.fork.poke(page.flags, state.PG_ALLOCATED | state.PG_CACHED)
        self.expect(state.references(self.fork), "has ref 2, expected 3: .*, and a cache has it")
        self.fork.poke(page.ref, 3)
        self.assertEqual(state.references(self.fork), [])
        self.fork.poke(page.flags, state.PG_ALLOCATED | state.PG_ANON)
        self.fork.poke(page.property, 1 << 32)
        self.expect(state.references(self.fork), "has ref 3, expected 2")
        self.fork.poke(page.property, 1 << 32 | 5)
        self.assertEqual(state.references(self.fork), [])

    def test_many(self):
        for index in state.Pages(self.fork.memory).used():
            self.fork.poke(self.fork.memory.variable("pages")[index].ref, 77)
        complaints = state.references(self.fork)
        self.assertEqual(len(complaints), state.AT_MOST + 1)
        self.assertEqual(state.few(complaints[:-1]), complaints[:-1])
        self.assertRegex(complaints[-1], "and [0-9]+ more")


class Permissions(MachineTest):
    """permissions and constants: no entry allows too much, and no code was changed."""

    def check(self, *patterns):
        self.expect(state.permissions(self.fork), *patterns)

    def test_writable_and_executable(self):
        text = self.fork.program.address("main") & -PAGE
        self.fork.change(text, self.child_root, add=PTE_W)
        self.check(r"^in the page table of pid \d+ \(cow\), the entry 0x[0-9a-f]+ for the address "
                   "%#x has both W and X$" % text)

    def test_user_page_without_u(self):
        self.fork.change(self.va, self.child_root, clear=PTE_U)
        self.check("has no U in the user half")

    def test_kernel_page_with_u(self):
        root, address = self.fork.memory.kernel_root(), self.fork.image.address("pages")
        self.fork.change(address, root, add=PTE_U)
        self.check("of the kernel, .* has U in the kernel half")

    def test_kernel_text_is_writable(self):
        root, address = self.fork.memory.kernel_root(), self.fork.image.address("power_off")
        self.fork.change(address, root, clear=PTE_X, add=PTE_W)
        self.check("of the kernel, .* has W, and maps the kernel's text or constants")

    def test_a_table_that_no_process_has(self):
        """A hart runs on a copy of the kernel's root table, in which the text is writable. No
        process has that table, so it is found by the hart's satp only."""
        root, pages = self.fork.memory.kernel_root(), state.Pages(self.fork.memory)
        table = pages.address(pages.allocated.index(0))
        self.fork.values["satp"] = 8 << 60 | table >> 12
        self.fork.memory.write(table + self.fork.image.offset,
                               self.fork.memory.read(root, PAGE))
        self.check()
        self.fork.poke(table + self.fork.image.offset + 8 * 300,
                       RAM_START >> 2 | PTE_V | PTE_R | PTE_W)
        self.check("the upper half of the root table of hart 0 is not the kernel's",
                   "of hart 0, .* has W, and maps the kernel's text or constants")

    def test_text_and_constants(self):
        self.expect(state.constants(self.end))
        place = self.end.image.address("power_off")
        self.end.poke(place, 0)
        self.expect(state.constants(self.end),
                    r"\(power_off\) is 0x0, expected 0x[0-9a-f]+ as in the kernel's file")
        self.end.poke(self.end.image.address("kernel_text_end") + 8, -1)
        self.expect(state.constants(self.end), "power_off", "a constant")

    def test_the_key_in_a_program(self):
        self.end.key_address = self.end.image.address("_binary_obj___user_cow_out_start") + 100
        self.end.key = bytes(16)
        self.end.memory.write(self.end.key_address, self.end.key)
        self.expect(state.constants(self.end))
        self.end.key = bytes(range(16))
        self.expect(state.constants(self.end), "a constant")

    def test_user_can_write_to_kernel_text(self):
        frame = self.fork.memory.physical(self.fork.image.address("power_off")) & -PAGE
        self.fork.poke(self.fork.entry(self.va, self.child_root),
                       frame >> 2 | PTE_V | PTE_R | PTE_W | PTE_U)
        self.check("has W, and maps the kernel's text or constants")

    def test_user_has_a_page_table(self):
        self.fork.poke(self.fork.entry(self.va, self.child_root),
                       self.parent_root >> 2 | PTE_V | PTE_R | PTE_U)
        self.check("maps a page table")

    def test_large_page_over_page_tables(self):
        self.fork.poke(self.child_root + 8 * 200 + self.fork.image.offset,
                       RAM_START >> 2 | PTE_V | PTE_R | PTE_U)
        self.check("for the address %#x maps a page table" % (200 << 30))

    def test_other_kernel_half(self):
        self.fork.poke(self.child_root + PAGE - 8 + self.fork.image.offset, 0x1234 << 10)
        self.check("the upper half of the root table of pid .* is not the kernel's")

    def test_damaged_tables(self):
        entry, root = self.fork.entry(self.va, self.child_root), self.child_root
        top, first = root + 8 * 9 + self.fork.image.offset, self.fork.memory.u64(root)
        for place, pte in ((entry, PTE_V), (entry, self.frame >> 2 | PTE_V), (top, first),
                           (top, root >> 2 | PTE_V), (top, NOWHERE << 10 | PTE_V)):
            picture = self.fork.copy()
            picture.poke(place, pte)
            with self.assertRaisesRegex(MemoryFault, "the page table with the root .* is damaged"):
                state.permissions(picture)


class Locks(MachineTest):
    """locks: none is held, and interrupts are on."""

    def test_forgotten(self):
        cpu = state.this_cpu(self.end)
        self.end.poke(cpu.locks_held, 0x40000)
        self.expect(state.locks(self.end), "spinlocks are held, of ranks 0x40000, expected none")
        self.end.poke(cpu.locks_held, 8)
        self.expect(state.locks(self.end), r"irq_push\(\) was called 2 times more than irq_pop\(\)")

    def test_chaos_is_no_lock(self):
        self.end.poke(state.this_cpu(self.end).locks_held, 1)
        self.assertEqual(state.locks(self.end), [])

    def test_interrupts_off(self):
        self.end.values["sstatus"] &= ~2
        self.expect(state.locks(self.end), "interrupts are off, expected on")

    def test_lost_cpu(self):
        self.end.values["tp"] = NOWHERE
        with self.assertRaisesRegex(MemoryFault, "tp is 0x123456789abc, expected the address"):
            state.locks(self.end)

    def test_stopped_in_user_mode(self):
        self.fork.values.update(sscratch=self.fork.values["tp"], tp=NOWHERE)
        self.assertEqual(state.cow_pair("memory")(self.fork), [])


class Processes(MachineTest):
    """processes: the test has as many as it should."""

    def test_wrong_number(self):
        self.expect(state.processes(1)(self.fork), r"^the test has 2 processes, expected 1: "
                    r"pid \d+ \(cow\), pid \d+ \(cow\)$")
        self.expect(state.processes(1)(self.end), "^the test has 0 processes, expected 1: none$")
        self.fork.baseline = None
        self.expect(state.processes(0)(self.fork), "^the test has [3-9] processes, expected 0")

    def test_name_is_no_text(self):
        self.fork.memory.write(self.child.name.address, b"\x1b[2J\xff\n" + b"x" * 26)
        self.assertIn("(?[2J??xxxxx", state.processes(1)(self.fork)[0])

    def test_damaged_list(self):
        link = self.child.list_link
        for place, pointer in ((link.next, link.address), (link.next, NOWHERE), (link.prev, 8)):
            picture = self.fork.copy()
            picture.poke(place, pointer)
            for check in (state.processes(2), state.references, state.permissions, state.no_leaks,
                          state.cow_pair("memory")):
                with self.assertRaisesRegex(MemoryFault, "the list proc_list is damaged"):
                    check(picture)


class CopyOnWrite(MachineTest):
    """cow_pair: parent and child share the page of a variable, and neither may write."""

    def check(self, *patterns):
        self.expect(state.cow_pair("memory")(self.fork), *patterns)

    def test_one_may_write(self):
        self.fork.change(self.va, self.parent_root, add=PTE_W)
        self.check(r"^the entry of pid %d \(cow\) for memory is .* expected without W"
                   % int(self.parent.pid))

    def test_no_mark(self):
        self.fork.change(self.va, self.child_root, clear=PTE_COW)
        self.check(r"^the entry of pid %d \(cow\) for memory is .* with COW" % int(self.child.pid))

    def test_copied(self):
        other = self.fork.memory.leaf(self.va + PAGE, self.child_root)[0]
        self.fork.poke(self.fork.entry(self.va, self.child_root), other)
        self.check("^2 processes have 2 pages for memory, expected one that they share")

    def test_too_few_references(self):
        self.fork.poke(self.fork.page(self.frame).ref, 1)
        self.check("^the page of memory has ref 1, expected 2 or more")

    def test_not_mapped(self):
        self.fork.poke(self.fork.entry(self.va, self.child_root), 0)
        self.check(r"\(cow\) cannot read memory: nothing is mapped at")

    def test_no_child(self):
        for member in (self.child.parent, self.child.mm, self.child.program):
            before = int(member)
            self.fork.poke(member, 0)
            self.check(r"\(cow\) has no child that runs the same program, expected one")
            self.fork.poke(member, before)
        self.assertEqual(state.cow_pair("memory")(self.fork), [])

    def test_no_such_variable(self):
        with self.assertRaisesRegex(ImageError, 'has no symbol "nothing"'):
            state.cow_pair("nothing")(self.fork)


if __name__ == "__main__":
    unittest.main()
