"""What must hold in the memory of a stopped machine: checks for Test.after and Test.at.

A check takes the machine and returns complaints, which are sentences that say what was expected and
what was found; none if all is well. It uses machine.memory, machine.baseline (the Snapshot taken
when the kernel first counted what is in use, or None), machine.registers(name) of the hart that
stopped, machine.program, and machine.early (the test comes before the first process).

Everything is counted from the structures themselves, and the kernel's own counters are compared
with that, because a student's kernel may have changed them. No hart may change what is looked at:
so it is when the machine is switched off, and with one hart at a checkpoint. ALWAYS and DEFAULT
list the checks of a test that says nothing else.
"""
import functools
from collections import Counter
from itertools import compress
from operator import ne

from grader.image import PF_W
from grader.memory import (KERNEL_HALF, PAGE, PTE_COW, PTE_U, PTE_W, PTE_X, USER_HALF, MemoryFault,
                           pte_frame)
from grader.reports import KEY_LENGTH

PG_ANON, PG_ALLOCATED, PG_CACHED = 1, 2, 32     # in kern/mm/pmm.h
SSTATUS_SIE = 2
HELD_PUSH, HELD_PUSHES, HELD_RANKS = 4, 0xfffc, 0xffff0000      # in kern/lock/spinlock.h
IS_ALLOCATED = bytes(1 if flags & PG_ALLOCATED else 0 for flags in range(256))
MAX_LISTS = 64                          # lists of free pages: a list for each order
AT_MOST = 4                             # more complaints of one kind are only counted
PMM, PROC = "kern/mm/pmm.c", "kern/process/family.c"


def few(complaints):
    """The first of these complaints, and how many more there are."""
    rest = len(complaints) - AT_MOST
    return complaints[:AT_MOST] + (["and %d more of this kind" % rest] if rest > 0 else [])


class Pages:
    """The kernel's array of struct Page. `allocated` has a 1 for each page in use, else a 0."""

    def __init__(self, memory):
        self.memory, self.type = memory, memory.image.type("Page")
        self.start, self.count, self.base = (
            int(memory.variable(name)) for name in ("pages", "npage", "pages_base"))
        self.allocated = self.column("flags").translate(IS_ALLOCATED)

    def column(self, member, byte=0):
        """One byte of a member, for all pages."""
        first = self.start + self.type.member(member)[0] + byte
        return self.memory.column(first, self.type.size, self.count)

    def used(self):
        """The numbers of the pages in use."""
        return compress(range(self.count), self.allocated)

    def member(self, index, name):
        """What a member of a page has, by the page's number."""
        offset, c_type = self.type.member(name)
        data = self.memory.read_virtual(self.start + index * self.type.size + offset, c_type.size)
        return int.from_bytes(data, "little")

    def ref(self, index):
        """The references of a page, by its number."""
        return self.member(index, "ref")

    def in_cache(self, index):
        """Has a cache a reference to a page in use: that of blocks, or that of slots?"""
        flags = self.member(index, "flags")
        return bool(flags & PG_CACHED or
                    flags & PG_ANON and self.member(index, "property") & 0xffffffff)

    def address(self, index):
        """The physical address of a page, by its number."""
        return self.base + index * PAGE

    def index(self, address):
        """The number of the page in use at a physical address; None if none is in use there."""
        index = (address - self.base) // PAGE
        return index if 0 <= index < self.count and self.allocated[index] else None


class Slabs:
    """The kernel's objects, counted in the slabs. A slab is a page in use without references, which
    begins with the address of its cache.

    caches    {address of a cache: the cache}
    objects   {address of a cache: how many of its objects are in use}
    """

    def __init__(self, memory, pages):
        self.memory, self.type = memory, memory.image.type("slab")
        self.caches, cache = {}, memory.variable("all_caches")
        while cache and int(cache) not in self.caches:
            self.caches[int(cache)] = cache.deref
            cache = cache.next
        self.objects = dict.fromkeys(self.caches, 0)
        first, refs = self.type.member("cache")[0], pages.column("ref")
        for index in pages.used():
            cache = 0 if refs[index] else memory.u64(pages.address(index) + first)
            if cache in self.caches and pages.ref(index) == 0:
                self.objects[cache] += self.count(pages.address(index), self.caches[cache])

    def count(self, address, cache):
        """How many objects of a slab are in use, which are those that its list of free ones
        lacks."""
        slab = self.memory.object("slab", address + self.memory.image.offset)
        size, free, seen = int(cache.size), slab.free, set()
        if not slab.in_use:         # an empty slab is given back, so this page only looks like one
            return 0
        places = range(slab.address + self.type.size, slab.address + PAGE - size + 1, size or PAGE)
        while free:
            if int(free) not in places or int(free) in seen:
                raise MemoryFault("the slab at %#x of %s is damaged: its list of free objects has "
                                  "%#x" % (slab.address, self.name(cache.address), int(free)))
            seen.add(int(free))
            free = free.next
        return len(places) - len(seen)

    def name(self, cache):
        """A cache in words, by its address."""
        return "%s (%d bytes)" % (self.caches[cache].name.text(), int(self.caches[cache].size))


def process_list(memory):
    """All processes, in the order of the kernel's list."""
    return memory.list(memory.variable("proc_list", PROC), "proc_struct", "list_link")


def name_of(process):
    """A process in words."""
    return "pid %d (%s)" % (int(process.pid), process.name.text())


def manager(memory):
    """(its own counter of free pages, its blocks as (address of the struct Page, length)) of the
    pmm_manager in use. None if it does not say where they are, as a student's own may: see struct
    pmm_manager in kern/mm/pmm.h. No allocator is known here by its name."""
    known = memory.variable("pmm_manager", PMM)
    if not known.free_lists:
        return None
    count = int(known.list_count)
    if not 1 <= count <= MAX_LISTS:
        raise MemoryFault("the manager %s has %d lists of free pages, expected 1 to %d" % (
            known.name.text(), count, MAX_LISTS))
    return int(known.free_count.deref), (
        (page.address, int(page.property) if count == 1 else 1 << order)
        for order in range(count)
        for page in memory.list(known.free_lists[order], "Page", "page_link"))


def cached_pages(memory):
    """The addresses of the struct Page of each free page that a hart keeps for itself."""
    caches = memory.variable("caches", PMM)
    return [int(caches[hart].free[i]) for hart in range(int(memory.variable("cpu_count")))
            for i in range(int(caches[hart].count))]


class Snapshot:
    """What is in use at one moment. The tables of the kernel's own map do not count, because they
    are kept for good.

    pages      {physical address of a page in use: its references}
    total      how many pages there are
    processes  {pid: the process in words}
    objects    {cache in words: how many of its objects are in use}
    counters   [(what is counted, the kernel's own count, ours)]
    """

    def __init__(self, memory):
        pages, known = Pages(memory), manager(memory)
        slabs = Slabs(memory, pages)
        self.pages = {pages.address(i): pages.ref(i) for i in pages.used()}
        self.total, used = int(memory.variable("total_pages", PMM)), len(self.pages)
        for table in memory.walk(memory.kernel_root(), KERNEL_HALF)[1]:
            self.pages.pop(table, None)
        self.processes = {int(process.pid): name_of(process) for process in process_list(memory)}
        self.objects = {slabs.name(cache): count for cache, count in slabs.objects.items()}
        self.counters = [("objects of %s are in use" % slabs.name(cache),
                          int(slabs.caches[cache].objects), count)
                         for cache, count in slabs.objects.items()]
        self.counters.append(("processes exist", int(memory.variable("nr_process", PROC)),
                              len(self.processes)))
        if known:
            self.counters.append(("pages are free", known[0] + len(cached_pages(memory))
                                  + int(memory.variable("later_pages", PMM)), self.total - used))


snapshot = Snapshot


def no_leaks(machine):
    """All that was taken since the baseline has come back, and the kernel's counters are right."""
    before, now = machine.baseline, Snapshot(machine.memory)
    wrong = ["the kernel's counter says {1:,} {0}, but {2:,} are".format(*counter)
             for counter in now.counters if counter[1] != counter[2]]
    if before is None:
        return wrong + ["inventory_take() was never called; expected: before the first program"]
    new = sorted(set(now.pages) - set(before.pages))
    for what, count, expected in (("pages exist in all", now.total, before.total),
                                  ("pages are in use", len(now.pages), len(before.pages))):
        if count != expected:
            wrong.append("{:,} {}, expected {:,} as before the test".format(count, what, expected))
    if len(now.pages) > len(before.pages):
        wrong[-1] += "; of those taken since, {:,} have references; the first is at {:#x}".format(
            sum(now.pages[page] > 0 for page in new), new[0])
    wrong += few(["%s is left over: it has not ended, or its parent did not wait" % name
                  for pid, name in now.processes.items() if pid not in before.processes])
    return wrong + ["{:,} objects of {} are in use, expected {:,} as before the test".format(
        count, name, before.objects.get(name, 0)) for name, count in now.objects.items()
        if count != before.objects.get(name, 0)]


def free_list(machine):
    """Exactly the pages that the manager and the harts' caches hold are free."""
    memory, wrong = machine.memory, []
    pages, known = Pages(memory), manager(memory)
    if known is None:
        return []
    counter, blocks = known[0], list(known[1])
    refs = [pages.column("ref", byte) for byte in range(pages.type.member("ref")[1].size)]
    free = bytearray(pages.count)
    for address, length in blocks + [(page, 1) for page in cached_pages(memory)]:
        first, rest = divmod(address - pages.start, pages.type.size)
        end = first + length
        if rest or first < 0 or length < 1 or end > pages.count:
            raise MemoryFault("a list of free pages has %d pages at %#x, where no struct Page is"
                              % (length, address))
        block = "the free pages at %#x (%d in a row) " % (pages.address(first), length)
        if free.count(1, first, end):
            wrong.append(block + "are in the lists of free pages twice")
        if pages.allocated.count(1, first, end):
            wrong.append(block + "are marked PG_ALLOCATED, expected no mark")
        if any(column.count(0, first, end) != length for column in refs):
            wrong.append(block + "have references, expected ref 0")
        free[first:end] = b"\1" * length
    listed = sum(length for _, length in blocks)
    if listed != counter:
        wrong.append("the manager counts {:,} free pages, but its lists have {:,}".format(
            counter, listed))
    total, later = (int(memory.variable(name, PMM)) for name in ("total_pages", "later_pages"))
    total, used = total - later, pages.allocated.count(1)
    if free.count(1) + used != total:
        wrong.append("{:,} pages are free and {:,} in use, expected {:,} together".format(
            free.count(1), used, total))
    return few(wrong)


def address_spaces(memory):
    """[(process in words, root, leaves, tables)] of each user half. Threads share one."""
    roots = {}
    for process in process_list(memory):
        if process.mm:
            roots.setdefault(memory.physical(int(process.mm["as"].pgdir)), name_of(process))
    return [(name, root) + memory.walk(root, USER_HALF) for root, name in roots.items()]


@functools.lru_cache(maxsize=2)
def constant_pages(image):
    """Physical addresses of the kernel's own pages that programs may map, to read them: those of
    the programs in its image, and the page of zeros. Nobody frees them, and nobody can write. They
    are the same in each boot of an image."""
    found = {image.address("filemap_zeros") - image.offset}
    for name in image.symbols:
        if name.startswith("_binary_obj___user_") and name.endswith("_start"):
            found.update(range(image.address(name) - image.offset,
                               image.address(name[:-len("start")] + "end") - image.offset, PAGE))
    return found


def references(machine):
    """A page that a user half maps has one reference for each entry that maps it, and one more if a
    cache has it. Of pages of the image they are not counted."""
    pages, mapped, user, wrong = Pages(machine.memory), Counter(), {}, []
    constant = constant_pages(machine.image)
    for name, _, leaves, _ in address_spaces(machine.memory):
        for va, pte, _ in leaves:
            mapped[pte_frame(pte)] += 1
            user[pte_frame(pte)] = name, va
    for frame, count in mapped.items():
        page = "the page at %#x, which %s has at %#x, " % ((frame,) + user[frame])
        index = pages.index(frame)
        if frame in constant:
            continue
        if index is None:
            wrong.append(page + "is not in use: it is free, or the kernel's own")
        elif pages.ref(index) != count + pages.in_cache(index):
            wrong.append(page + "has ref %d, expected %d: so many page table entries map it%s" % (
                pages.ref(index), count + pages.in_cache(index),
                ", and a cache has it" if pages.in_cache(index) else ""))
    return few(wrong)


def wrong_rights(va, pte, level, constant, tables):
    """What is wrong with a leaf of a page table, in words; None if nothing is. `constant` has the
    physical addresses of the kernel's text and constants, `tables` those of all page tables."""
    frame, user = range(pte_frame(pte), pte_frame(pte) + (PAGE << 9 * level), PAGE), not va >> 63
    if pte & PTE_W and pte & PTE_X:
        return "has both W and X"
    if user != bool(pte & PTE_U):
        return "has no U in the user half" if user else "has U in the kernel half"
    if pte & PTE_W and frame.start < constant.stop and constant.start < frame.stop:
        return "has W, and maps the kernel's text or constants"
    if user and (frame.start in tables if level == 0 else any(table in frame for table in tables)):
        return "maps a page table"
    return None


def other_roots(machine, known):
    """[(hart in words, root)] of the root tables that harts use and that are not `known`."""
    found = {}
    for hart, satp in enumerate(machine.all_registers("satp")):
        root = pte_frame(satp << 10)
        if satp >> 60 and root not in known:
            found.setdefault(root, "hart %d" % hart)
    return [(name, root) for root, name in found.items()]


def permissions(machine):
    """No page table gives more rights than it should, nor do tables that only a hart has."""
    memory, wrong = machine.memory, []
    root, half = memory.kernel_root(), PAGE // 2
    constant = range(*(memory.physical(memory.image.address(name))
                       for name in ("kernel_text_start", "kernel_rodata_end")))
    spaces = address_spaces(memory) + [("the kernel", root) + memory.walk(root)]
    spaces += [space + memory.walk(space[1])
               for space in other_roots(machine, [space[1] for space in spaces])]
    tables = set().union(*(space[3] for space in spaces))
    for name, own, leaves, _ in spaces:
        if memory.read(own + half, half) != memory.read(root + half, half):
            wrong.append("the upper half of the root table of %s is not the kernel's" % name)
        for va, pte, level in leaves:
            problem = wrong_rights(va, pte, level, constant, tables)
            if problem:
                wrong.append("in the page table of %s, the entry %#x for the address %#x %s" % (
                    name, pte, va, problem))
    return few(wrong)


def constants(machine):
    """The kernel's text and constants are as in its file, except the key of the reports."""
    memory, image, wrong = machine.memory, machine.image, []
    key_address = machine.key_address
    for _, flags, offset, start, physical, size, _, _ in image.segments:
        if flags & PF_W:
            continue
        expected, got = bytearray(image.data[offset:offset + size]), memory.read(physical, size)
        if key_address is not None and start <= key_address < start + size:
            at = key_address - start
            expected[at:at + KEY_LENGTH] = machine.key
        if expected != got:
            first = next(compress(range(size), map(ne, expected, got)))
            wrong.append("the byte at %#x (%s) is %#x, expected %#x as in the kernel's file: text "
                         "and constants must not be written to" % (
                             start + first, image.nearest(start + first) or "a constant",
                             got[first], expected[first]))
    return wrong


def this_cpu(machine):
    """The struct cpu of the hart that has stopped. In user mode sscratch points to it, else tp."""
    address = machine.registers("sscratch") or machine.registers("tp")
    cpus = machine.memory.variable("cpus")
    for i in range(len(cpus)):
        if cpus[i].address == address:
            return cpus[i]
    raise MemoryFault("tp is %#x, expected the address of the hart's struct cpu" % address)


def locks(machine):
    """The task that switches the machine off holds no lock, and interrupts are on; in an early test
    they are not on yet."""
    cpu, wrong = this_cpu(machine), []
    held = int(cpu.locks_held)
    ranks, pushes = held & HELD_RANKS, (held & HELD_PUSHES) // HELD_PUSH
    if ranks:
        wrong.append("spinlocks are held, of ranks %#x, expected none: a spin_unlock() is missing"
                     % ranks)
    if pushes:
        wrong.append("irq_push() was called %d times more than irq_pop(), expected as often"
                     % pushes)
    if not machine.early and not machine.registers("sstatus") & SSTATUS_SIE:
        wrong.append("interrupts are off, expected on: sstatus.SIE is 0")
    return wrong


def processes(n):
    """A check: exactly n processes exist that were not there at the baseline."""
    def check(machine):
        old = machine.baseline.processes if machine.baseline else {}
        new = [name_of(p) for p in process_list(machine.memory) if int(p.pid) not in old]
        return [] if len(new) == n else ["the test has %d processes, expected %d: %s" % (
            len(new), n, ", ".join(few(new)) or "none")]
    return check


def cow_pair(symbol):
    """A check: the running program and its children share the page of a variable, copy-on-write."""
    def check(machine):
        memory, frames, wrong = machine.memory, set(), []
        va = machine.program.address(symbol)
        me = memory.object("proc_struct", int(this_cpu(machine).task))
        family = [p for p in process_list(memory) if p.mm and int(p.program) == int(me.program)
                  and me.address in (p.address, int(p.parent))]
        if len(family) < 2:
            return ["%s has no child that runs the same program, expected one" % name_of(me)]
        for process in family:
            try:
                pte = memory.leaf(va, memory.physical(int(process.mm["as"].pgdir)))[0]
            except MemoryFault as fault:
                return ["%s cannot read %s: %s" % (name_of(process), symbol, fault)]
            frames.add(pte_frame(pte))
            if pte & PTE_W or not pte & PTE_COW:
                wrong.append("the entry of %s for %s is %#x, expected without W (%#x), with COW "
                             "(%#x)" % (name_of(process), symbol, pte, PTE_W, PTE_COW))
        if len(frames) > 1:
            return wrong + ["%d processes have %d pages for %s, expected one that they share" % (
                len(family), len(frames), symbol)]
        pages, frame = Pages(memory), frames.pop()
        ref = 0 if pages.index(frame) is None else pages.ref(pages.index(frame))
        return wrong + (["the page of %s has ref %d, expected %d or more" % (
            symbol, ref, len(family))] if ref < len(family) else [])
    return check


ALWAYS = [constants, permissions]       # for every machine that switches off as it should
DEFAULT = [no_leaks, free_list, references, permissions, locks]
