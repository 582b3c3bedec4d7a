"""Exercises of lab 9 about paging, called from outside: pages that are out, and which goes next.

The host is the disk: it stands in for the two functions of a swap area, so it knows each byte that
moved, and when. Address spaces of one family have pages that the host fills. After each call the
host looks at all entries, slots and pages, and at what each program would read: from its page, or
from the slot that its entry names. So a page that is lost, mixed up or written too late shows.

For a policy the host sets the bits that the hardware sets when a page is used. Of clock the model
has the whole ring; of a student's own policy it knows which pages there are to choose from.
"""
import random
from collections import Counter

from grader.memory import PAGE, PTE_COW, PTE_U, PTE_V, PTE_W, pte_frame
from grader.outside import A0, signed
from grader.outside_mm import PTE_A, PTE_R, VM_READ, VM_WRITE, Frames

DATA, PAGES, SLOTS = 0x3fffc000, 8, 40          # pages on both sides of a table's end
E_IO, PG_LOCKED, MM_PAGING = -26, 16, 2
PAGE_OUT, PAGE_KEPT = 0, 2                      # of kern/mm/swap_out.h
NAMES, WRITTEN, BAD = (1 << 29) - 1, 1 << 29, 1 << 31


class Space:
    """An address space, and what a program in it reads: {address: byte}."""

    def __init__(self, machine, family):
        self.machine, self.memory = machine, machine.memory
        self.mm = self.memory.object("mm_struct", machine.call("mm_create"))
        if family is None:
            machine.equal("what family_begin() returned",
                          machine.call("family_begin", self.mm.address), 0)
        else:
            count = family.deref.count
            machine.store(self.mm.family, int(family))
            machine.store(count, int(count) + 1)
        machine.equal("what mm_map() returned", machine.call(
            "mm_map", self.mm.address, DATA, PAGES * PAGE, VM_READ | VM_WRITE), 0)
        self.root, self.bytes = self.memory.physical(int(self.mm["as"].pgdir)), {}

    def place(self, la):
        """The kernel's address of the entry for an address."""
        return self.machine.call("get_pte", int(self.mm["as"].pgdir), la, 1)

    def entry(self, la):
        """The entry for an address; 0 if there is no table."""
        table = self.root
        for level in (2, 1):
            pte = self.memory.u64(table + 8 * (la >> 12 + 9 * level & 511))
            if not pte & PTE_V:
                return 0
            table = pte_frame(pte)
        return self.memory.u64(table + 8 * (la >> 12 & 511))

    def change(self, la, pte):
        """Set an entry, as the hardware or a test does."""
        self.memory.write(self.place(la), pte.to_bytes(8, "little"))

    def fault(self, la, access):
        """A fault of a program: what the kernel's part of it returns."""
        return signed(self.machine.call("mm_fault_locked", self.mm.address, la, access))


class Paging:
    """A swap area, and spaces of one family that share some pages.

    disk     {slot: bytes}
    moved    [("read" or "write", slot)] since it was emptied
    failing  whether the next transfer fails
    """

    def __init__(self, machine, policy, spaces):
        self.machine, self.memory, self.disk, self.moved = machine, machine.memory, {}, []
        self.failing = False
        area = self.memory.object("swap_area", machine.page())
        machine.store(area.slots, SLOTS)
        # Functions that no machine runs before its self tests: these are their addresses only.
        for name, function, answer in (("read", "selftest_thread", self.read),
                                       ("write", "user_start", self.write)):
            machine.store(area[name], machine.stand_in(function, answer))
        self.policy = machine.table_entry("swap_managers", "swap_manager", policy)
        machine.call("swap_choose", self.policy.address)
        machine.equal("what swap_on() returned", machine.call("swap_on", area.address), 0)
        self.spaces = [Space(machine, None)]
        while len(self.spaces) < spaces:
            self.spaces.append(Space(machine, self.spaces[0].mm.family))
        self.pages, self.numbers = Frames(machine), 0

    # -- the disk

    def transfer(self, kind, registers):
        """(slot, the kernel's address of the page) of a transfer; None if it is to fail."""
        slot, page = registers[A0 + 1], registers[A0 + 2]
        self.machine.expect(0 < slot <= SLOTS, "slot %d is %s, of %d" % (slot, kind, SLOTS))
        self.moved.append((kind, slot))
        if self.failing:
            return None
        return slot, self.machine.address_of(page)

    def read(self, registers):
        known = self.transfer("read", registers)
        if known is None:
            return E_IO
        self.machine.expect(known[0] in self.disk, "slot %d is read, and was never written" %
                            known[0])
        self.memory.write(known[1], self.disk[known[0]])
        return 0

    def write(self, registers):
        known = self.transfer("written", registers)
        if known is None:
            return E_IO
        self.disk[known[0]] = self.memory.read_virtual(known[1], PAGE)
        return 0

    # -- what is in memory

    def slots(self):
        """{slot: (the page that is its cache or 0, names, bits)} of all that have a name."""
        table, found = self.memory.variable("chunks", "kern/mm/swap.c"), {}
        per_chunk = PAGE // 8
        for first in range(0, SLOTS + 1, per_chunk):
            place = int(table[first // per_chunk].slots)
            words = self.memory.read_virtual(place, PAGE) if place else b""
            for i in range(len(words) // 8):
                frame, bits = (int.from_bytes(words[8 * i + at:8 * i + at + 4], "little")
                               for at in (0, 4))
                if bits & NAMES:
                    found[first + i] = frame * PAGE, bits & NAMES, bits
        return found

    def compare(self):
        """Each program would read what it should; each name and each reference is counted."""
        machine, slots, names, refs = self.machine, self.slots(), Counter(), Counter()
        for space in self.spaces:
            out = 0
            for la in range(DATA, DATA + PAGES * PAGE, PAGE):
                pte, byte = space.entry(la), space.bytes.get(la)
                if byte is None:
                    machine.equal("the entry of a page that nobody has", pte, 0)
                    continue
                machine.expect(pte, "the entry for %#x is 0" % la)
                if pte & PTE_V:
                    frame = pte_frame(pte)
                    refs[frame] += 1
                    machine.expect(pte & PTE_U and pte & PTE_R, "the entry for %#x is %#x" % (
                        la, pte))
                    content = self.memory.read(frame, PAGE)
                else:
                    slot = pte >> 8
                    machine.expect(pte & 0xff == 0 and slot in slots,
                                   "the entry for %#x is %#x, which names no slot in use" % (
                                       la, pte))
                    names[slot] += 1
                    out += 1
                    frame = slots[slot][0]
                    content = self.memory.read(frame, PAGE) if frame else self.disk.get(slot)
                machine.expect(content == bytes([byte]) * PAGE, "a program would read other bytes "
                               "at %#x than it has written" % la)
            machine.equal("paged_out of a space", int(space.mm.paged_out), out)
        for slot, (frame, found, bits) in slots.items():
            machine.equal("the names of slot %d" % slot, found, names[slot] + bool(frame))
            refs[frame] += bool(frame)
        cached = {frame for frame, _, _ in slots.values()}
        for frame, count in (+refs).items():
            page = self.pages.struct(frame)
            machine.equal("the references of the page at %#x" % frame, int(page.ref), count)
            machine.expect(not int(page.flags) & PG_LOCKED, "the page at %#x is locked" % frame)
        for space in self.spaces:
            for la in space.bytes:
                pte = space.entry(la)
                machine.expect(pte & (PTE_V | PTE_W) != PTE_V | PTE_W or (
                    refs[pte_frame(pte)] == 1 and pte_frame(pte) not in cached),
                               "the entry for %#x allows to write to what others need" % la)
        machine.equal("the holder of swap_lock", int(self.memory.variable("swap_lock").state), 0)

    # -- what programs do, and the host for them

    def number(self):
        """A byte for a new content."""
        self.numbers += 1
        return self.numbers % 255 + 1

    def put_out(self, la, spaces):
        """A page is out that all of these spaces name."""
        slot, byte = self.machine.call("swap_slot_alloc"), self.number()
        self.machine.expect(0 < slot <= SLOTS, "no slot is free")
        self.disk[slot] = bytes([byte]) * PAGE
        for i, space in enumerate(spaces):
            if i:
                self.machine.call("swap_slot_get", slot)
            space.change(la, slot << 8)
            self.machine.store(space.mm.paged_out, int(space.mm.paged_out) + 1)
            self.machine.store(space.mm.extras, int(space.mm.extras) | MM_PAGING)
            space.bytes[la] = byte

    def is_alone(self, space, la):
        """Can the program write to its page without that a copy is made, which is exercise 5.4?"""
        pte, slots = space.entry(la), self.slots()
        if pte & PTE_V and pte & PTE_W:
            return True
        cached = [frame for frame, names, _ in slots.values() if names == 1]
        if pte & PTE_V:
            frame, others = pte_frame(pte), 2
        else:
            frame, names, _ = slots[pte >> 8]
            cached, others = [frame] * (names - bool(frame) == 1), 1
        return frame in cached and (not frame or int(self.pages.struct(frame).ref) == others)

    def touch(self, space, la, access):
        """A program reads a page of its own, or writes a new content to it. A page that is out is
        read once, if it is in no memory."""
        pte, slots = space.entry(la), self.slots()
        is_out = pte and not pte & PTE_V
        must_read = is_out and not slots[pte >> 8][0]
        del self.moved[:]
        result = space.fault(la, access)
        self.machine.equal("what a fault at %#x returned" % la, result,
                           E_IO if must_read and self.failing else 0)
        self.machine.equal("what the disk did for it", self.moved,
                           [("read", pte >> 8)] if must_read else [])
        if result:
            self.machine.equal("the entry after a fault that failed", space.entry(la), pte)
            return
        pte = space.entry(la)
        self.machine.expect(pte & PTE_V and (access == VM_READ or pte & PTE_W),
                            "after a fault for %s the entry for %#x is %#x" % (
                                "reading" if access == VM_READ else "writing", la, pte))
        space.bytes.setdefault(la, 0)
        if access == VM_WRITE:
            space.bytes[la] = self.number()
            self.memory.write(pte_frame(pte) + self.memory.image.offset,
                              bytes([space.bytes[la]]) * PAGE)

    def unmap(self, space, la):
        """A program gives a page back, wherever that is."""
        self.machine.call("swap_unmap_range", space.mm.address, la, la + PAGE)
        if space.entry(la):
            self.machine.call("page_remove", space.mm["as"].address, la)
        space.bytes.pop(la, None)

    def finish(self):
        """All pages are given back; then no slot is in use any more."""
        for space in self.spaces:
            for la in list(space.bytes):
                self.unmap(space, la)
        for _ in range(SLOTS):
            if not self.machine.call("shrink_memory"):
                break
        self.machine.equal("slots in use when no page is", sorted(self.slots()), [])

    def page_out(self, frame, failing=False):
        """A page goes out, which the policy could have chosen: what page_out() returns."""
        page = self.pages.struct(frame)
        self.machine.store(page.ref, int(page.ref) + 1)
        self.failing = failing
        result = self.machine.call("page_out", page.address)
        self.failing = False
        self.machine.store(page.ref, int(page.ref) - 1)
        if not int(page.ref):
            self.machine.call("free_pages", page.address, 1)
        return result


def entries(machine):
    """The entry of a page that is out, for slots by chance: exercise 9.1."""
    chance = random.Random("entries")
    for slot in [1, 2, (1 << 32) - 1] + [chance.getrandbits(32) | 1 for _ in range(20)]:
        machine.equal("swap_pte(%#x)" % slot, machine.call("swap_pte", slot), slot << 8)
        machine.equal("pte_slot() of its entry", machine.call("pte_slot", slot << 8) & 0xffffffff,
                      slot)
        for pte, is_out in ((slot << 8, 1), (slot << 10 | PTE_V, 0), (0, 0)):
            machine.equal("pte_is_swapped(%#x)" % pte,
                          machine.call("pte_is_swapped", pte) & 0xff, is_out)


def brought_in(spaces, failing):
    """Pages that are out come in, in so many spaces; sometimes the disk fails: exercise 9.1."""
    def outside(machine):
        chance, paging = random.Random("in %d" % spaces), Paging(machine, "fifo", spaces)
        places = range(DATA, DATA + PAGES * PAGE, PAGE)
        for _ in range(70):
            empty = [la for la in places if not any(la in s.bytes for s in paging.spaces)]
            what = chance.random()
            if empty and what < 0.5:
                paging.put_out(chance.choice(empty), chance.sample(
                    paging.spaces, chance.randrange(1, spaces + 1)))
            else:
                some = [(space, la) for space in paging.spaces for la in sorted(space.bytes)]
                if not some:
                    continue
                space, la = chance.choice(some)
                if what > 0.85:
                    paging.unmap(space, la)
                else:
                    access = chance.choice((VM_READ, VM_WRITE))
                    paging.failing = failing and chance.random() < 0.4
                    paging.touch(space, la, access if paging.is_alone(space, la) else VM_READ)
                    paging.failing = False
            paging.compare()
        paging.finish()
    return outside


def brought_out(spaces, failing):
    """Pages go out and come in again, as programs read and write; sometimes the disk fails:
    exercise 9.3."""
    def outside(machine):
        chance, paging = random.Random("out %d" % spaces), Paging(machine, "fifo", spaces)
        places = [DATA + i * PAGE for i in range(PAGES)]
        first = paging.spaces[0]
        for la in places[:5]:
            paging.touch(first, la, VM_WRITE)
        for other in paging.spaces[1:]:             # as a fork would make it
            machine.equal("what copy_range() returned", machine.call(
                "copy_range", other.mm["as"].address, first.mm["as"].address, DATA,
                DATA + PAGES * PAGE, 1), 0)
            other.bytes = dict(first.bytes)
        for space in paging.spaces:
            machine.expect(machine.call("mm_enrol_all", space.mm.address), "mm_enrol_all() failed")
        paging.compare()
        for _ in range(60):
            frames = sorted({pte_frame(pte) for space in paging.spaces for pte in
                             map(space.entry, space.bytes) if pte & PTE_V})
            what = chance.random()
            if frames and what < 0.5:
                one_out(paging, chance.choice(frames), failing and chance.random() < 0.3)
            else:
                space, la = chance.choice(paging.spaces), chance.choice(places)
                if what > 0.93 and la in space.bytes:
                    paging.unmap(space, la)
                else:
                    paging.touch(space, la, chance.choice((VM_READ, VM_WRITE)))
            paging.compare()
        paging.finish()
    return outside


def one_out(paging, frame, failing):
    """A page goes out. It is written once, unless its slot has it already."""
    slots, machine = paging.slots(), paging.machine
    own = [bits for place, _, bits in slots.values() if place == frame]
    written = bool(own and own[0] & WRITTEN)
    if own and own[0] & BAD:
        return
    del paging.moved[:]
    result = paging.page_out(frame, failing)
    machine.equal("how often a page was written that goes out", len(paging.moved), int(
        not written))
    machine.equal("what page_out() returned", result,
                  PAGE_KEPT if failing and not written else PAGE_OUT)
    if result == PAGE_OUT:
        mapped = [space for space in paging.spaces for pte in map(space.entry, space.bytes)
                  if pte & PTE_V and pte_frame(pte) == frame]
        machine.expect(not mapped, "a page that is out is still mapped")


class Ring(Paging):
    """Pages of some spaces, of which a policy chooses one. The host says which were used."""

    def __init__(self, machine, policy, spaces):
        super().__init__(machine, policy, spaces)
        for space in self.spaces:
            machine.expect(machine.call("mm_enrol_all", space.mm.address), "mm_enrol_all() failed")
        self.ring, self.chance = [], random.Random(policy)

    def come(self, la, shared):
        """A page that is new, and not used yet; in all spaces, if it is shared."""
        machine, first = self.machine, self.spaces[0]
        frame = self.pages.new()
        for space in self.spaces[:None if shared else 1]:
            machine.call("page_insert", space.mm["as"].address, self.pages.struct(frame).address,
                         la, PTE_R | PTE_U)
            space.change(la, space.entry(la) & ~PTE_A)
            space.bytes[la] = 0
        machine.call("page_enrol", self.pages.struct(frame).address, int(first.mm.family), la)
        self.ring.append(la)

    def go(self, la):
        """The page is freed."""
        for space in self.spaces:
            if la in space.bytes:
                self.machine.call("page_remove", space.mm["as"].address, la)
                del space.bytes[la]
        self.ring.remove(la)

    def used(self, la):
        """In which spaces was the page used?"""
        return [space for space in self.spaces
                if la in space.bytes and space.entry(la) & PTE_A]

    def victim(self):
        """The page that the policy chooses, by its address; None if there is none."""
        machine, refs = self.machine, {}
        for la in self.ring:
            frame = pte_frame(self.spaces[0].entry(la))
            refs[frame] = la, int(self.pages.struct(frame).ref)
        page = machine.call(self.policy["swap_out_victim"], named="swap_out_victim")
        chosen = None
        for frame, (la, before) in refs.items():
            struct = self.pages.struct(frame)
            more = struct.address == page
            machine.equal("the references of the page for %#x" % la, int(struct.ref),
                          before + more)
            if more:
                chosen = la
                machine.store(struct.ref, before)
        machine.expect(not page or chosen, "swap_out_victim() returned %#x, which is none of the "
                       "%d pages" % (page, len(refs)))
        machine.equal("is a page chosen", bool(chosen), bool(self.ring))
        machine.equal("the holder of swap_lock", int(self.memory.variable("swap_lock").state), 0)
        return chosen

    def step(self):
        """A page comes, goes, or is used by some."""
        chance, what = self.chance, self.chance.random()
        away = [DATA + i * PAGE for i in range(PAGES) if DATA + i * PAGE not in self.ring]
        if away and (not self.ring or what < 0.25):
            self.come(chance.choice(away), chance.random() < 0.5)
        elif what < 0.4:
            self.go(chance.choice(self.ring))
        else:
            la = chance.choice(self.ring)
            for space in self.spaces:
                if la in space.bytes and chance.random() < 0.7:
                    space.change(la, space.entry(la) | PTE_A)


def clock(spaces):
    """The whole ring of clock, with pages of so many spaces: exercise 9.2. The model turns the
    ring, and needs no hand: the first page is the one that the hand is at."""
    def outside(machine):
        paging = Ring(machine, "clock", spaces)
        machine.equal("is a page chosen where there is none", paging.victim(), None)
        for _ in range(110):
            if paging.chance.random() < 0.6:
                paging.step()
                continue
            ring, used = paging.ring, {la: paging.used(la) for la in paging.ring}
            while ring and used[ring[0]]:
                used[ring[0]] = []
                ring.append(ring.pop(0))
            expected = ring[0] if ring else None
            machine.equal("the page that clock chooses", paging.victim(), expected)
            for la in ring:
                machine.equal("how often A is set for %#x" % la, len(paging.used(la)),
                              len(used[la]))
            if ring:
                ring.append(ring.pop(0))
    return outside


def policy(machine):
    """Any policy: what it chooses is a page that it was given, and has not left: challenge 9.C."""
    paging = Ring(machine, "own", 2)
    machine.equal("is a page chosen where there is none", paging.victim(), None)
    for _ in range(110):
        if paging.chance.random() < 0.6:
            paging.step()
        else:
            paging.victim()
