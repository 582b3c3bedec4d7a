"""Exercise 9.4, called from outside: a file that two spaces have mapped, shared.

The host is the disk, as in outside_disk.py, and the programs: where an entry allows a write it
writes to the page. So it sees when an entry allows that, that both spaces, read() and the disk have
the same bytes, and that nobody may write any more when the file was written back.

Faults come by calls of mm_fault(), as from a program that tries again: one that has to wait for a
write-back returns, and the next one succeeds. The file ends inside of a page, has holes, and grows.
"""
import copy

from grader.memory import PAGE, PTE_U, PTE_V, PTE_W, PTE_X, USER_HALF, pte_frame
from grader.outside import signed
from grader.outside_disk import DIRECT, HostDisk
from grader.outside_mm import PTE_R, VM_READ, VM_WRITE

VM_SHARED, O_RDWR, E_FAULT = 16, 2, -6
PATH, BASE, PAGES = b"/a", 0x10000000, 14
TRIES = 4                           # faults until an access is allowed: one may have to wait


class Maps:
    """The file, the two spaces, and which entries may allow a write: {(space, page)}."""

    def __init__(self, machine, name):
        self.machine, self.memory = machine, machine.memory
        self.disk, self.writable = HostDisk(machine, name, DIRECT), set()
        self.disk.create(PATH)
        self.model, self.chance = self.disk.model.walk(PATH), self.disk.chance
        for _ in range(3):
            self.by_write()
        self.node = self.disk.find(PATH)
        machine.equal("what inode_begin_write() returned", machine.call(
            "inode_begin_write", self.node), 0)
        self.spaces = [self.space() for _ in range(2)]

    def space(self):
        """A space that maps the file, and behind its end."""
        mm = self.memory.object("mm_struct", self.machine.call("mm_create"))
        self.machine.expect(mm.address, "mm_create() returned NULL")
        self.machine.equal("what mmap_file() returned", signed(self.machine.call(
            "mmap_file", mm.address, self.node, O_RDWR, BASE, PAGES * PAGE,
            VM_READ | VM_WRITE | VM_SHARED, 0)), 0)
        return mm

    def entries(self, number):
        """{page: its entry} of a space."""
        root = self.memory.physical(int(self.spaces[number]["as"].pgdir))
        return {(va - BASE) // PAGE: pte for va, pte, _ in self.memory.walk(root, USER_HALF)[0]}

    def has(self, index):
        """The bytes that the file has in a page."""
        return self.model.read(index * PAGE, PAGE)

    def touch(self, number, index, access):
        """A program touches a page, as often as it would: its entry then, or None if the file has
        nothing there."""
        needed = PTE_V | (PTE_W if access == VM_WRITE else PTE_R)
        for _ in range(TRIES):
            entry = self.entries(number).get(index, 0)
            if entry & needed == needed:
                self.machine.expect(self.has(index), "a page behind the file's end is mapped")
                return entry
            result = signed(self.machine.call("mm_fault", self.spaces[number].address,
                                              BASE + index * PAGE + self.chance.randrange(PAGE),
                                              access))
            self.machine.equal("what mm_fault() returned for page %d of the file" % index, result,
                               0 if self.has(index) else E_FAULT)
            if result:
                return None
        self.machine.expect(False, "%d faults do not let a program %s page %d" % (
            TRIES, "write to" if access == VM_WRITE else "read", index))

    # -- steps

    def load(self):
        """A program reads. That alone gives no right to write."""
        number, index = self.chance.randrange(2), self.chance.randrange(PAGES)
        self.touch(number, index, VM_READ)

    def store(self):
        """A program writes to a page, within the file."""
        number, index = self.chance.randrange(2), self.chance.randrange(PAGES)
        entry = self.touch(number, index, VM_WRITE)
        if entry is None:
            return
        self.writable.add((number, index))
        at = self.chance.randrange(len(self.has(index)))
        data = bytes(self.chance.randrange(1, 256) for _ in range(
            min(self.chance.randrange(1, 200), len(self.has(index)) - at)))
        self.memory.write(pte_frame(entry) + at + self.memory.image.offset, data)
        self.model.write(index * PAGE + at, data)

    def by_write(self):
        """write(), which may make the file longer."""
        self.machine.equal("what a write returned", self.disk.write(PATH), 0)
        self.disk.model.files.clear()

    def by_read(self):
        """read() sees what programs have written, at once."""
        self.machine.equal("what a read returned", self.disk.read(PATH), 0)

    def back(self):
        """What is dirty goes to the journal: nobody may write to it then without a fault."""
        self.machine.equal("what mmap_write_back() returned", signed(self.machine.call(
            "mmap_write_back", 1)), 0)
        self.writable.clear()

    def sync(self):
        """All of it is on the disk."""
        self.writable.clear()
        self.disk.states.append(copy.deepcopy(self.disk.model))
        self.disk.sync()

    def compare(self):
        """Each page that is mapped: its rights, and the bytes of the file."""
        for number in range(2):
            for index, entry in self.entries(number).items():
                place = "page %d of the file, in space %d" % (index, number)
                rights = entry & (PTE_U | PTE_R | PTE_W | PTE_X)
                self.machine.equal("the rights of " + place, rights & ~PTE_W, PTE_U | PTE_R)
                self.machine.expect(not rights & PTE_W or (number, index) in self.writable,
                                    place + ", may be written to without a fault")
                expected = self.has(index)
                self.machine.expect(self.memory.read(pte_frame(entry), len(expected)) == expected,
                                    place + ", has other bytes than were written")

    def end(self):
        """The spaces go; what they have written is on the disk."""
        self.disk.states.append(copy.deepcopy(self.disk.model))
        for mm in self.spaces:
            self.machine.call("mm_put", mm.address)
        self.machine.call("inode_end_write", self.node)
        self.machine.call("inode_put", self.node)
        self.disk.unmount()
        self.disk.judge(self.disk.content, self.disk.states[-1:], "in the end", False)


def mapped(name, steps, count):
    """So many of these steps by chance; then all goes."""
    def outside(machine):
        maps = Maps(machine, name)
        for _ in range(count):
            getattr(maps, maps.chance.choice(steps))()
            maps.compare()
        maps.end()
    return outside


shared = mapped("maps", ("load", "store", "store", "by_read", "by_write", "sync"), 60)
written_back = mapped("maps written back", ("load", "store", "store", "store", "back", "back",
                                            "sync", "by_read"), 60)
