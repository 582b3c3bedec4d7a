"""Exercises of lab 2, called from outside: the free blocks in memory, and what they should be.

A manager that the kernel does not live on is given some pages. Blocks are taken and given back by
chance, and after each step the whole list of free blocks, the marks and numbers of all pages, and
the count are compared with a model. Of a student's own manager only its answers are: which pages it
hands out, and how many are free.
"""
import random

from grader.outside import WORD

AREA, STEPS, JUNK = 96, 160, 0x123456
PG_PROPERTY = 4
PIECES = ((40, 24), (0, 17), (70, 26), (20, 20), (17, 3))      # init_memmap(): first page, pages
SIZES = (1, 1, 1, 2, 2, 3, 4, 5, 7, 8, 12, 20, 30)
IMPOSSIBLE = (0, AREA + 1, WORD)


class Area:
    """Pages to play with: those that are free in the model, and the machine's struct Pages."""

    def __init__(self, machine, name):
        self.machine, self.memory = machine, machine.memory
        self.manager = machine.table_entry("pmm_managers", "pmm_manager", name)
        self.size = self.memory.image.type("Page").size
        self.base = machine.call("alloc_pages", AREA)
        machine.expect(self.base, "there are no %d pages in a row" % AREA)
        self.free, self.held = set(), {}        # page numbers; {first page: pages of a block}
        for number in range(AREA):
            self.store(number, flags=0, property=JUNK)
        self.call("init")

    def page(self, number):
        return self.memory.object("Page", self.base + number * self.size)

    def store(self, number, **members):
        """Set members of a struct Page."""
        for name, value in members.items():
            self.machine.store(self.page(number)[name], value)

    def call(self, name, *arguments):
        """Call a function of the manager."""
        return self.machine.call(self.manager[name], *arguments, named=name)

    def blocks(self):
        """[(first page, pages)] of the blocks that should be free, in order: none touch."""
        found = []
        for number in sorted(self.free):
            if found and sum(found[-1]) == number:
                found[-1] = found[-1][0], found[-1][1] + 1
            else:
                found.append((number, 1))
        return found

    def number(self, page):
        """The number of a struct Page, None for NULL."""
        number, rest = divmod(page - self.base, self.size)
        self.machine.expect(not page or (rest == 0 and 0 <= number < AREA),
                            "alloc_pages() returned %#x, which is no page of the manager" % page)
        return number if page else None

    def took(self, number, n):
        """A block has been handed out; its pages are used, and their property with them."""
        self.free.difference_update(range(number, number + n))
        self.held[number] = n
        for each in range(number, number + n):
            self.store(each, property=JUNK)

    def give(self, first, n):
        """Pages go back to the manager."""
        self.call("free_pages", self.base + first * self.size, n)
        self.free.update(range(first, first + n))

    def compare(self):
        """The list, the heads and the counts in memory are those of the model."""
        machine, blocks, pages = self.machine, self.blocks(), self.base
        known = [((page.address - pages) // self.size, int(page.property)) for page in
                 self.memory.list(self.memory.variable("free_area").free_list, "Page",
                                  "page_link")]
        machine.equal("the list of free blocks, as (first page, pages)", known, blocks)
        machine.equal("free_area.nr_free",
                      int(self.memory.variable("free_area").nr_free), len(self.free))
        flags = bytearray(AREA)
        for first, _ in blocks:
            flags[first] = PG_PROPERTY
        for name, expected in (("flags", flags), ("ref", bytes(AREA))):
            start = pages + self.memory.image.type("Page").member(name)[0]
            found = self.memory.column(start, self.size, AREA)
            if found != expected:
                number = next(i for i in range(AREA) if found[i] != expected[i])
                machine.equal("%s of page %d" % (name, number), found[number], expected[number])


def listed(name, best):
    """The calls for the manager of this name, which has one list; best(blocks that fit) is the one
    that it must take from."""
    def outside(machine):
        chance, area = random.Random(name), Area(machine, name)
        for first, n in PIECES:
            area.call("init_memmap", area.base + first * area.size, n)
            area.free.update(range(first, first + n))
            area.compare()
        for _ in range(STEPS):
            if not area.held or chance.random() < 0.55:
                n = chance.choice(IMPOSSIBLE if chance.random() < 0.05 else SIZES)
                fits = [block for block in area.blocks() if 0 < n <= block[1]]
                expected, blocks = best(fits)[0] if fits else None, area.blocks()
                number = area.number(area.call("alloc_pages", n))
                machine.equal("the page that alloc_pages(%d) chose of the free blocks %s" % (
                    n, blocks), number, expected)
                if fits:
                    area.took(number, n)
            else:
                first = chance.choice(sorted(area.held))
                area.give(first, area.held.pop(first))
            area.compare()
    return outside


first_fit = listed("first_fit", min)
best_fit = listed("best_fit", lambda fits: min(fits, key=lambda block: (block[1], block[0])))
