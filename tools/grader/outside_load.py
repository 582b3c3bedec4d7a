"""Exercise 8.5, called from outside: programs that come from files.

The host is the file: the kernel's program_check() and program_load() read through a struct reader,
whose read() is the host. Where each segment lies, in memory and in the file, is chance. Then the
host walks the tables of the new space: each byte, the rights of each page, its references, and the
areas, are compared with what the segments say. A page that has nothing of the file may be there,
full of zeros, or may not: that is left open.

When the space is thrown away its pages are free. If a read fails, that error is what comes out.
"""
import random
import struct

from grader.memory import PAGE, PTE_U, PTE_V, PTE_W, PTE_X, USER_HALF, pte_frame
from grader.outside import A0, signed
from grader.outside_mm import PTE_R, VM_STACK, Frames, entry_rights

E_INVAL_ELF, E_IO = -8, -26
MAGIC, EXECUTABLE, RISCV, LOAD = 0x464c457f, 2, 243, 1
HEADER = struct.Struct("<I3B9xHHIQQQI6H")
SEGMENT = struct.Struct("<IIQQQQQQ")
KINDS = (4, 6)                      # the rights of a segment in the file: R, and R with W
FIRST, CODE = 0x800000, 5           # where segments may begin; R with X
USTACKTOP = 0x4000000000


class Segment:
    """A segment: so many bytes of the file from `offset` on, and `size` in memory, at `start`."""

    def __init__(self, flags, start, size, offset, in_file):
        self.flags, self.start, self.size = flags, start, size
        self.offset, self.in_file = offset, in_file

    @property
    def pages(self):
        return range(self.start & -PAGE, self.start + self.size, PAGE)

    def content(self, la, data):
        """The page at this address."""
        low, high = max(la, self.start), min(la + PAGE, self.start + self.in_file)
        if low >= high:
            return bytes(PAGE)
        begin = self.offset + low - self.start
        return (bytes(low - la) + data[begin:begin + high - low]).ljust(PAGE, b"\0")

    def has_file(self, la):
        """Does the page at this address have a byte of the file? One that only lies in front of the
        segment has none."""
        return self.in_file > 0 and la < self.start + self.in_file

    def area(self):
        """Its rights as those of an area: VM_ has R and X the other way round."""
        return (self.flags & 4 and 1) | self.flags & 2 | (self.flags & 1 and 4)

    def header(self):
        return SEGMENT.pack(LOAD, self.flags, self.offset, self.start, self.start, self.in_file,
                            self.size, PAGE)


def segments_by_chance(chance, size):
    """Some segments, of a file of `size` bytes, of which no two have a page in common; in any
    order. The first has code, where the program begins."""
    found, at = [], FIRST
    for number in range(chance.randrange(2, 5)):
        at = (at + PAGE * chance.randrange(4) + PAGE - 1) & -PAGE
        start = at + chance.choice((0, chance.randrange(PAGE), PAGE - 8))
        in_file = chance.choice((0, 8, PAGE, chance.randrange(1, 3 * PAGE))) if number else \
            chance.randrange(16, 2 * PAGE)
        more = chance.choice((0, 0, chance.randrange(PAGE), chance.randrange(3 * PAGE)))
        offset = chance.randrange(HEADER.size + 5 * SEGMENT.size, size - in_file)
        found.append(Segment(chance.choice(KINDS) if number else CODE, start,
                             max(1, in_file + more), offset, in_file))
        at = start + found[-1].size
    entry = found[0].start & -2 if found[0].start % 2 == 0 else found[0].start + 1
    chance.shuffle(found)
    return found, entry


class Loader:
    """A file that the host is, with no byte that is 0, and the kernel's space for it."""

    def __init__(self, machine, name):
        self.machine, self.memory, self.chance = machine, machine.memory, random.Random(name)
        self.data = bytes(self.chance.randrange(1, 256) for _ in range(6 * PAGE))
        self.room, self.frames, self.reads, self.fails = machine.page(), Frames(machine), [], 0
        self.place = machine.stand_in("selftest_thread", self.read)
        # What pages are allocated next is not clean: zeros must come from somewhere.
        for frame in [self.frames.new() for _ in range(24)]:
            machine.call("free_pages", self.frames.struct(frame).address, 1)

    def file(self, segments, entry):
        """The file gets these segments."""
        head = HEADER.pack(MAGIC, 2, 1, 1, EXECUTABLE, RISCV, 1, entry, HEADER.size, 0, 0,
                           HEADER.size, SEGMENT.size, len(segments), 0, 0, 0)
        head += b"".join(each.header() for each in segments)
        self.data = head + self.data[len(head):]

    def read(self, registers):
        """The kernel reads: what is asked for must lie in the file."""
        offset, to, size = registers[A0 + 1:A0 + 4]
        self.machine.expect(offset + size <= len(self.data), "bytes %d to %d of a file of %d are "
                            "read" % (offset, offset + size, len(self.data)))
        self.reads.append(to)
        if len(self.reads) == self.fails:
            return E_IO
        while size:                     # the kernel's stack is mapped page by page
            step = min(size, PAGE - to % PAGE)
            self.memory.write(to, self.data[offset:offset + step])
            offset, to, size = offset + step, to + step, size - step
        return 0

    def load(self, fails=0):
        """Check and load it into a new space: the struct mm_struct, and what the last call has
        returned. The read of number `fails` fails."""
        machine, elf = self.machine, self.room + 2048
        reader = self.memory.object("reader", self.room)
        self.memory.write(self.room, bytes(reader.width))
        machine.store(reader.read, self.place)
        machine.store(reader.size, len(self.data))
        self.reads, self.fails = [], fails
        mm = self.memory.object("mm_struct", machine.call("mm_create"))
        machine.expect(mm.address, "mm_create() returned NULL")
        result = signed(machine.call("program_check", reader.address, elf))
        if result == 0:
            result = signed(machine.call("program_load", reader.address, elf, mm.address))
        return mm, result

    def mapped(self, mm):
        """{address: its entry} of the pages of a space."""
        root = self.memory.physical(int(mm["as"].pgdir))
        return {va: pte for va, pte, _ in self.memory.walk(root, USER_HALF)[0]}

    def put(self, mm):
        """Throw a space away; then none of its pages is in use."""
        frames = {pte_frame(pte) for pte in self.mapped(mm).values()}
        self.machine.call("mm_put", mm.address)
        for frame in frames:
            self.machine.equal("the references of a page of a program that is gone",
                               int(self.frames.struct(frame).ref), 0)

    def compare(self, mm, segments):
        """All pages of the space, and its areas."""
        machine, found = self.machine, self.mapped(mm)
        for each in segments:
            for la in each.pages:
                pte = found.pop(la, 0)
                machine.expect(pte or not each.has_file(la),
                               "the page at %#x has bytes of the file, and is not there" % la)
                if not pte:
                    continue
                machine.equal("the rights of the page at %#x" % la,
                              pte & (PTE_V | PTE_U | PTE_R | PTE_W | PTE_X),
                              PTE_V | entry_rights(each.area()))
                machine.equal("the references of the page at %#x" % la,
                              int(self.frames.struct(pte_frame(pte)).ref), 1)
                content = self.memory.read(pte_frame(pte), PAGE)
                wanted = each.content(la, self.data)
                at = next((i for i in range(PAGE) if content[i] != wanted[i]), None)
                machine.expect(at is None, "the byte at %#x: expected %#x, found %#x" % (
                    la + (at or 0), wanted[at or 0], content[at or 0]))
        machine.equal("pages that are of no segment", sorted(found), [])
        self.compare_areas(mm, segments)

    def compare_areas(self, mm, segments):
        """Each page of a segment lies in an area with its rights; the stack is there; the heap is
        empty, behind all of them."""
        machine, wanted, found = self.machine, {USTACKTOP - PAGE: 3 | VM_STACK}, {}
        for each in segments:
            wanted.update({la: each.area() for la in each.pages})
        for area in self.memory.list(mm.mmap_list, "vma_struct", "list_link"):
            start, end = int(area.vm_start), int(area.vm_end)
            machine.expect(end - start < 64 * PAGE, "an area goes from %#x to %#x" % (start, end))
            found.update(dict.fromkeys(range(start, end, PAGE), int(area.vm_flags)))
        machine.equal("the areas' pages and their rights", found, wanted)
        end = max(each.pages[-1] for each in segments) + PAGE
        for name in ("brk_start", "brk"):
            machine.equal(name, int(mm[name]), end)


def programs(machine):
    """Files by chance are loaded, and thrown away."""
    known = Loader(machine, "programs")
    for _ in range(8):
        segments, entry = segments_by_chance(known.chance, len(known.data))
        known.file(segments, entry)
        mm, result = known.load()
        machine.equal("what program_load() returned", result, 0)
        known.compare(mm, segments)
        known.put(mm)


def failing(machine):
    """One read after the other fails; then a segment has a page that another one has too."""
    known = Loader(machine, "failing")
    segments, entry = segments_by_chance(known.chance, len(known.data))
    known.file(segments, entry)
    known.put(known.load()[0])
    for number in range(1, len(known.reads) + 1):
        mm, result = known.load(number)
        machine.equal("what came of a file of which a read fails", result, E_IO)
        page = known.reads[-1] & -PAGE
        machine.expect(page not in [pte_frame(pte) + known.memory.image.offset for pte
                                    in known.mapped(mm).values()],
                       "the page that could not be read is in the space")
        known.put(mm)
    first = max(segments, key=lambda each: each.start)
    twice = Segment(4, first.pages[-1] + PAGE - 8, 16, 512, 16)
    known.file(segments + [twice], entry)
    mm, result = known.load()
    machine.equal("what came of two segments that share a page", result, E_INVAL_ELF)
    known.put(mm)
