"""Exercises of labs 3 and 5 about memory, called from outside: page tables, areas, faults, copies.

The host walks the tables itself, from the root on, as the hardware does; a model has what should be
mapped, with which rights, and how many references each page has. A page is filled by the host, so
its content tells which page it is, and whose.

The models know what the exercises' texts say, and no more: bits of an entry that no text asks for,
as D where nobody may write, may be as they like, and so may pages and tables that are made.
"""
import random
import struct

from grader.memory import PAGE, PTE_COW, PTE_U, PTE_V, PTE_W, PTE_X, USER_HALF, pte_frame
from grader.outside import signed

PTE_R, PTE_A, PTE_D = 0x02, 0x40, 0x80
RIGHTS = (PTE_R | PTE_U, PTE_R | PTE_W | PTE_U, PTE_R | PTE_X | PTE_U, PTE_X | PTE_U)
MARKED = PTE_R | PTE_COW | PTE_U
PG_ALLOCATED = 2
VM_READ, VM_WRITE, VM_EXEC, VM_STACK = 1, 2, 4, 8
E_FAULT = -6
FIRST_AREA, AREAS, FEW = 0x10000000, 100, 10
GROWS = 3                           # at most, what a search needs, from FEW areas to AREAS
# The last entry of a table of each level and the first of the next one, and others far away.
PLACES = [0x40000000 + i * PAGE for i in range(-3, 4)] + [
    0x12345000, 0x12346000, 0x3fffffe000, 0x7fe00000, 0x200000, 0x1234567000]


def leaf(frame, rights):
    """The entry of a page with these rights, as pte_leaf_flags() makes it."""
    return frame >> 2 | rights | PTE_V | PTE_A | (PTE_D if rights & PTE_W else 0)


class Space:
    """An address space and what it should map: {address: (frame, rights)}."""

    def __init__(self, machine, address=None):
        self.machine, self.memory = machine, machine.memory
        if address is None:
            address = machine.page()
            pgdir = machine.call("pgdir_create")
            machine.expect(pgdir, "pgdir_create() returned NULL")
            machine.call("addrspace_init", address, pgdir)
        self.object = self.memory.object("addrspace", address)
        self.root, self.mapped = self.memory.physical(int(self.object.pgdir)), {}

    def tables(self):
        """The tables that the root leads to, with it; the entries that do have V and no other
        bit."""
        found = self.memory.walk(self.root, USER_HALF)[1]
        for table in found:
            for pte in struct.unpack("<512Q", self.memory.read(table, PAGE)):
                if pte & PTE_V and pte_frame(pte) in found:
                    self.machine.equal("the bits of an entry that leads to a table", pte & 0x3ff,
                                       PTE_V)
        return found

    def compare(self):
        """The table maps what the model has, and no more."""
        found = {va: pte for va, pte, _ in self.memory.walk(self.root, USER_HALF)[0]}
        for va in sorted(set(found) | set(self.mapped)):
            expected = leaf(*self.mapped[va]) if va in self.mapped else 0
            unlike = found.get(va, 0) ^ expected
            if not expected & PTE_W:
                unlike &= ~PTE_D            # who must not write does not care for it
            self.machine.expect(not unlike,
                                "the entry for %#x: expected %#x, found %#x" % (
                                    va, expected, found.get(va, 0)))


class Frames:
    """The pages that a test uses, by their physical addresses, with the references that they
    should have."""

    def __init__(self, machine):
        self.machine, self.memory, self.refs, self.marks = machine, machine.memory, {}, {}

    def struct(self, frame):
        memory = self.memory
        index = (frame - int(memory.variable("pages_base"))) // PAGE
        size = memory.image.type("Page").size
        return memory.object("Page", int(memory.variable("pages")) + index * size)

    def new(self, ref=0):
        """A new page, filled with a byte of its own."""
        frame = self.memory.physical(self.machine.page())
        self.machine.store(self.struct(frame).ref, ref)
        self.refs[frame], self.marks[frame] = ref, len(self.marks) % 251 + 1
        self.memory.write(frame + self.memory.image.offset, bytes([self.marks[frame]]) * PAGE)
        return frame

    def drop(self, frame):
        self.refs[frame] -= 1

    def compare(self):
        """References are as counted; what has none any more is free, and the rest as it was."""
        for frame, ref in list(self.refs.items()):
            page = self.struct(frame)
            self.machine.equal("the references of the page at %#x" % frame, int(page.ref), ref)
            self.machine.equal("is the page at %#x in use" % frame,
                               bool(int(page.flags) & PG_ALLOCATED), bool(ref))
            if not ref:
                del self.refs[frame]
            else:
                self.machine.expect(
                    self.memory.read(frame, PAGE) == bytes([self.marks[frame]]) * PAGE,
                    "the page at %#x has another content" % frame)


def entries(machine):
    """get_pte(), with and without `create`: exercise 3.1."""
    chance, space, memory = random.Random("tables"), Space(machine), machine.memory
    known, offset = {}, memory.image.offset
    for _ in range(60):
        la, create = chance.choice(PLACES) + chance.randrange(PAGE), chance.random() < 0.5
        result, path = machine.call("get_pte", int(space.object.pgdir), la, create), space.root
        for level in (2, 1):
            entry = memory.u64(path + 8 * (la >> 12 + 9 * level & 511))
            is_there = (level, la >> 12 + 9 * level) in known
            machine.expect(not create or entry & PTE_V, "no table of level %d was made for %#x" % (
                level - 1, la))
            machine.equal("is there a table of level %d for %#x" % (level - 1, la),
                          bool(entry & PTE_V), create or is_there)
            if not entry & PTE_V:
                path = None
                break
            path = pte_frame(entry)
            if not is_there:
                known[level, la >> 12 + 9 * level] = path
        machine.equal("what get_pte(%#x) returned" % la, result,
                      0 if path is None else path + offset + 8 * (la >> 12 & 511))
        if path is not None:                        # the entry is the host's to fill
            frame = 0x80000000 + PAGE * chance.randrange(64)
            memory.write(result, leaf(frame, RIGHTS[0]).to_bytes(8, "little"))
            machine.expect(memory.leaf(la, space.root)[0] == leaf(frame, RIGHTS[0]),
                           "a walk from the root finds another entry for %#x" % la)
    # Three entries are read, wherever they lie: the least and the most instructions are near.
    root = int(space.object.pgdir)
    costs = {la: machine.cost("get_pte", root, la, 0) for la in PLACES
             if (1, la >> 21) in known}
    most, least = max(costs, key=costs.get), min(costs, key=costs.get)
    machine.expect(costs[most] <= 2 * costs[least], "get_pte(%#x) needs %d instructions, and "
                   "get_pte(%#x) %d: expected a walk, whose length is the same for each" % (
                       most, costs[most], least, costs[least]))


def tables(machine):
    """The tables that get_pte() makes: exercise 3.1."""
    chance, space, memory = random.Random("tables"), Space(machine), machine.memory
    frames, known, levels = Frames(machine), {space.root}, set()
    for frame in [frames.new() for _ in range(40)]:     # what is allocated next is not clean
        machine.call("free_pages", frames.struct(frame).address, 1)
    for la in [chance.choice(PLACES) for _ in range(40)]:
        create = chance.random() < 0.5
        machine.call("get_pte", int(space.object.pgdir), la, create)
        if create:
            levels.update((level, la >> 12 + 9 * level) for level in (1, 2))
        for table in space.tables():
            if table not in known:
                machine.equal("the references of a new table", int(frames.struct(table).ref), 1)
                known.add(table)
        machine.equal("the tables of the space, with its root", len(known), 1 + len(levels))
        space.compare()


def mapping(machine):
    """page_insert() and page_remove(), by chance, with pages that others have too: exercise 3.2."""
    chance, space, frames = random.Random("mapping"), Space(machine), Frames(machine)
    # Page 0 is none of RAM: what would be its struct Page is memory that others have.
    places, nothing = PLACES[:8], frames.struct(0)
    for _ in range(80):
        la, old = chance.choice(places), None
        if chance.random() < 0.6:
            some = sorted(frames.refs)
            frame = chance.choice(some) if some and chance.random() < 0.5 \
                else frames.new(ref=chance.choice((0, 0, 1)))
            rights, old = chance.choice(RIGHTS), space.mapped.get(la)
            result = machine.call("page_insert", space.object.address,
                                  frames.struct(frame).address, la, rights)
            machine.equal("what page_insert() returned", signed(result), 0)
            frames.refs[frame] += 1
            space.mapped[la] = frame, rights
        else:
            old = space.mapped.pop(la, None)
            before = int(nothing.ref)
            machine.call("page_remove", space.object.address, la)
            machine.expect(old or int(nothing.ref) == before, "page_remove() takes an entry that "
                           "is 0 for page 0, and drops a reference of it")
        if old:
            frames.drop(old[0])
        frames.compare()
        space.compare()


class Areas:
    """An mm_struct with areas: [(start, end, VM_ flags)], in order."""

    def __init__(self, machine):
        self.machine, self.memory = machine, machine.memory
        address = machine.call("mm_create")
        machine.expect(address, "mm_create() returned NULL")
        self.mm = self.memory.object("mm_struct", address)
        self.space, self.known = Space(machine, self.mm["as"].address), {}

    def insert(self, vma, start, end, flags):
        """A new area, at the kernel's address `vma`."""
        area = self.memory.object("vma_struct", vma)
        self.memory.write(vma, bytes(area.width))
        for name, value in (("vm_start", start), ("vm_end", end), ("vm_flags", flags)):
            self.machine.store(area[name], value)
        self.machine.call("insert_vma_struct", self.mm.address, vma)
        self.known[start] = end, flags, vma

    def above(self, addr):
        """The struct of the lowest area that ends above an address; 0 if there is none."""
        return next((vma for _, (end, _, vma) in sorted(self.known.items()) if end > addr), 0)

    def cost(self):
        """How many instructions find_vma() needs for an area that is not remembered: the mean of
        some."""
        starts = sorted(self.known)[::max(len(self.known) // 10, 1)]
        costs = [self.machine.cost("find_vma", self.mm.address, start, before=lambda:
                                   self.machine.store(self.mm.mmap_cache, 0)) for start in starts]
        return sum(costs) // len(costs)

    def depth(self):
        """The greatest depth of the tree, whose order is looked at; it has all areas, once."""
        memory, found, deepest = self.memory, [], 0
        pending = [(int(self.mm.mmap_root), 1, False)]
        while pending:
            vma, depth, seen = pending.pop()
            if not vma:
                continue
            area, deepest = memory.object("vma_struct", vma), max(depth, deepest)
            if seen:
                found.append(vma)
            else:
                self.machine.expect(depth <= len(self.known), "the tree of areas has a circle")
                pending += [(int(area.right), depth + 1, False), (vma, depth, True),
                            (int(area.left), depth + 1, False)]
        self.machine.equal("the areas of the tree, from left to right", found,
                           [vma for _, (_, _, vma) in sorted(self.known.items())])
        return deepest

    def compare(self):
        """List, tree and count have the same areas, in order of address."""
        in_list = [area.address for area in
                   self.memory.list(self.mm.mmap_list, "vma_struct", "list_link")]
        self.machine.equal("the areas of the list", in_list,
                           [vma for _, (_, _, vma) in sorted(self.known.items())])
        self.machine.equal("map_count", int(self.mm.map_count), len(self.known))
        for vma in in_list:
            self.machine.equal("vm_mm of an area", int(self.memory.object("vma_struct", vma).vm_mm),
                               self.mm.address)


def many_areas(machine):
    """Areas that come in disorder, each four pages from the next."""
    chance, known = random.Random("areas"), Areas(machine)
    room, size, order = machine.page(8), 128, list(range(AREAS))
    machine.expect(machine.memory.image.type("vma_struct").size <= size, "an area is too large")
    chance.shuffle(order)
    for n, i in enumerate(order):
        start = FIRST_AREA + i * 4 * PAGE
        known.insert(room + n * size, start, start + chance.randrange(1, 5) * PAGE, VM_READ)
        if n < 12 or n % 12 == 0:
            yield known
    yield known


def areas_found(machine):
    """Which area is found for an address: exercise 3.3."""
    chance, known = random.Random("found"), list(many_areas(machine))[-1]
    for _ in range(60):
        addr = FIRST_AREA - PAGE + chance.randrange(AREAS * 4 * PAGE + 2 * PAGE)
        above = known.above(addr)
        machine.equal("what find_vma_above(%#x) found" % addr,
                      machine.call("find_vma_above", known.mm.address, addr), above)
        inside = above and int(machine.memory.object("vma_struct", above).vm_start) <= addr
        machine.equal("what find_vma(%#x) found" % addr,
                      machine.call("find_vma", known.mm.address, addr), above if inside else 0)


def areas_kept(machine):
    """List and tree after each area that came: exercise 3.3."""
    for known in many_areas(machine):
        known.compare()
        known.depth()


def areas_deep(machine):
    """How deep the tree becomes, and that the area which was found last is remembered: 3.3 too."""
    for known in many_areas(machine):
        if len(known.known) == FEW:
            few = known.cost()
    depth, many = known.depth(), known.cost()
    machine.expect(depth <= 64, "%d areas have a tree that is %d areas deep" % (AREAS, depth))
    machine.expect(many <= GROWS * few, "find_vma() needs %d instructions among %d areas, and %d "
                   "among %d: expected at most %d times as many" % (many, AREAS, few, FEW, GROWS))
    for start, (_, _, vma) in sorted(known.known.items())[::7]:
        machine.call("find_vma", known.mm.address, start)
        machine.equal("mmap_cache after find_vma(%#x)" % start, int(known.mm.mmap_cache), vma)


def entry_rights(flags):
    """The rights of the pages of an area."""
    return PTE_U | (PTE_R if flags & (VM_READ | VM_WRITE) else 0) \
        | (PTE_W if flags & VM_WRITE else 0) | (PTE_X if flags & VM_EXEC else 0)


def faults(machine, zeroed=False):
    """Faults in areas and beside them, or only the pages that they make: exercise 3.4."""
    chance, known, memory = random.Random("faults"), Areas(machine), machine.memory
    frames, room, kinds = Frames(machine), machine.page(), (1, 2, 3, 4, 5, 7)
    for i, flags in enumerate(kinds):
        start = 0x3fffe000 + i * 5 * PAGE
        known.insert(room + 128 * i, start, start + 3 * PAGE, flags)
    for frame in [frames.new() for _ in range(40)]:     # what is allocated next is not clean
        machine.call("free_pages", frames.struct(frame).address, 1)
    for _ in range(80):
        addr = 0x3fffe000 - PAGE + chance.randrange(len(kinds) * 5 * PAGE + 2 * PAGE)
        access, la = chance.choice((VM_READ, VM_WRITE, VM_EXEC)), addr & -PAGE
        flags = next((flags for start, (end, flags, _) in known.known.items()
                      if start <= addr < end), 0)
        result = signed(machine.call("do_pgfault", known.mm.address, addr, access))
        if not zeroed:
            machine.equal("what do_pgfault(%#x, access %d) returned" % (addr, access),
                          result, 0 if flags & access else E_FAULT)
        if flags & access and la not in known.space.mapped:
            frame = pte_frame(memory.leaf(la, known.space.root)[0])
            if zeroed:
                machine.expect(memory.read(frame, PAGE) == bytes(PAGE),
                               "a new page is not all zeros")
                machine.equal("the references of a new page", int(frames.struct(frame).ref), 1)
                machine.expect(frame not in [old for old, _ in known.space.mapped.values()],
                               "one page is mapped twice")
            known.space.mapped[la] = frame, entry_rights(flags)
        if not zeroed:
            known.space.compare()


def zeroed(machine):
    """The pages that faults make: exercise 3.4."""
    faults(machine, True)


def filled(machine, space, frames, chance):
    """Map pages at the places of a space; the tables are made by get_pte()."""
    for la in PLACES:
        if chance.random() < 0.7:
            frame, rights = frames.new(ref=1), chance.choice(RIGHTS + (MARKED,))
            entry = machine.call("get_pte", int(space.object.pgdir), la, 1)
            machine.expect(entry, "get_pte() returned NULL")
            machine.memory.write(entry, leaf(frame, rights).to_bytes(8, "little"))
            space.mapped[la] = frame, rights


def copies(share):
    """copy_range() of a range over the end of a table: exercises 5.3, and 5.4 if pages are to be
    shared."""
    start, end = PLACES[0], PLACES[6]

    def outside(machine):
        chance, memory, frames = random.Random("copies"), machine.memory, Frames(machine)
        for _ in range(6):
            parent, child = Space(machine), Space(machine)
            filled(machine, parent, frames, chance)
            result = machine.call("copy_range", child.object.address, parent.object.address,
                                  start, end, share)
            machine.equal("what copy_range() returned", signed(result), 0)
            for la in [la for la in parent.mapped if start <= la < end]:
                frame, rights = parent.mapped[la]
                if share:
                    if rights & PTE_W:
                        rights ^= PTE_W | PTE_COW
                        parent.mapped[la] = frame, rights
                    frames.refs[frame] += 1
                    child.mapped[la] = frame, rights
                    continue
                if rights & PTE_COW:
                    rights ^= PTE_W | PTE_COW
                copy = pte_frame(memory.leaf(la, child.root)[0])
                machine.expect(copy not in frames.refs, "the child has a page that is no copy")
                frames.refs[copy], frames.marks[copy] = 1, frames.marks[frame]
                child.mapped[la] = copy, rights
            for each in (parent, child, frames):
                each.compare()
    return outside


def written(machine):
    """Pages that are shared copy-on-write are written to, until each has its own: exercise 5.4."""
    copies(True)(machine)
    chance, memory, frames = random.Random("written"), machine.memory, Frames(machine)
    family, room = [Areas(machine) for _ in range(3)], machine.page()
    places = PLACES[:6]
    for i, member in enumerate(family):
        member.insert(room + 128 * i, places[0], places[-1] + PAGE, VM_READ | VM_WRITE)
    for la in places:
        frame = frames.new(ref=3)
        for member in family:
            entry = machine.call("get_pte", int(member.space.object.pgdir), la, 1)
            machine.expect(entry, "get_pte() returned NULL")
            memory.write(entry, leaf(frame, MARKED).to_bytes(8, "little"))
            member.space.mapped[la] = frame, MARKED
    writes = [(member, la) for member in family for la in places]
    chance.shuffle(writes)
    for member, la in writes:
        old = member.space.mapped[la][0]
        result = machine.call("do_pgfault", member.mm.address, la + chance.randrange(PAGE),
                              VM_WRITE)
        machine.equal("what do_pgfault() returned for a write", signed(result), 0)
        frame = pte_frame(memory.leaf(la, member.space.root)[0])
        if frames.refs[old] > 1:
            machine.expect(frame not in frames.refs, "who writes to a shared page has no own one")
            frames.drop(old)
            frames.refs[frame], frames.marks[frame] = 1, frames.marks[old]
        else:
            machine.equal("the page of the last who has it", frame, old)
        member.space.mapped[la] = frame, PTE_R | PTE_W | PTE_U
        for each in [each.space for each in family] + [frames]:
            each.compare()
