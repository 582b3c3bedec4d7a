"""The memory of a stopped machine, read from outside: bytes by address, variables as C sees them.

    memory = Memory(ram, image)                     # any buffer that holds the RAM
    process = memory.variable("initproc")           # a pointer: its members are the struct's
    int(process.pid), process.name.text(), process.task["as"].pgdir
    for process in memory.list(memory.variable("proc_list"), "proc_struct", "list_link"): ...
    for va, pte, level in memory.leaves(memory.kernel_root()): ...

A student's kernel may leave anything in memory. So each bad pointer, index, list or page table ends
in a MemoryFault, whose text says what is wrong; nothing here runs without end, or off the memory.
"""
import struct

from grader.image import ImageError

RAM_START = 0x80000000
PAGE = 4096
PTE_V, PTE_R, PTE_W, PTE_X, PTE_U, PTE_COW = 0x01, 0x02, 0x04, 0x08, 0x10, 0x100
USER_HALF, KERNEL_HALF = range(256), range(256, 512)        # entries of a root table


class MemoryFault(Exception):
    """The machine's memory holds something impossible; the text is a sentence that says what."""


def pte_frame(pte):
    """The physical address of the page that a page table entry maps or points to."""
    return (pte >> 10 & (1 << 44) - 1) * PAGE


class Value:
    """A variable of the kernel, or a part of one.

    value.member    a member; value["as"] is the same, for names that Python keeps for itself
    value[3]        an element
    int(value)      the number or pointer; a value is true if that is not 0
    value.deref     what a pointer points to; members and elements of it need no deref

    Memory is read when int() or text() asks for it, and not before.
    """

    def __init__(self, memory, address, c_type, name):
        self._memory, self.address, self._type, self._name = memory, address, c_type, name

    def __getattr__(self, member):
        if self._type.kind == "pointer":
            return getattr(self.deref, member)
        offset, c_type = self._type.member(member)
        return Value(self._memory, self.address + offset, c_type, self._name + "." + member)

    def __getitem__(self, index):
        if isinstance(index, str):
            return self.__getattr__(index)
        start, count, element = self.address, self._type.count, self._type.target
        if self._type.kind == "pointer":
            start, count = int(self), None
        if index < 0 or (count is not None and index >= count):
            raise MemoryFault("%s has %s elements, but number %d is used" % (
                self._name, count, index))
        return Value(self._memory, start + index * element.size, element,
                     "%s[%d]" % (self._name, index))

    def __int__(self):
        if self._type.kind not in ("int", "pointer"):
            raise ImageError("%s is no number, but a check reads it as one" % self._name)
        try:
            data = self._memory.read_virtual(self.address, self._type.size)
        except MemoryFault as fault:
            raise MemoryFault("%s cannot be read: %s" % (self._name, fault))
        return int.from_bytes(data, "little", signed=self._type.signed)

    def __bool__(self):
        return int(self) != 0

    def __len__(self):
        return self._type.count

    @property
    def width(self):
        """How many bytes it has."""
        return self._type.size

    @property
    def deref(self):
        return Value(self._memory, int(self), self._type.target, "(*%s)" % self._name)

    def text(self, limit=256):
        """The string in a char array, or at a char pointer. A byte that is no ASCII becomes "?"."""
        address = self.address
        if self._type.kind == "pointer":
            address = int(self)
        else:
            limit = self._type.size
        data = b""
        while len(data) < limit and b"\0" not in data:
            step = min(limit - len(data), PAGE - (address + len(data)) % PAGE)
            data += self._memory.read_virtual(address + len(data), step)
        return "".join(chr(c) if 32 <= c < 127 else "?" for c in data.split(b"\0")[0])


class Memory:
    """The memory of one machine. `ram` is a buffer that begins at RAM_START. Nothing is kept from
    one reading to the next, so the machine may run in between."""

    def __init__(self, ram, image):
        self.ram, self.image, self.size = ram, image, len(ram)

    def read(self, pa, n):
        """n bytes from a physical address on."""
        start = pa - RAM_START
        if start < 0 or start + n > self.size:
            raise MemoryFault("there is no memory at the physical address %#x" % pa)
        return self.ram[start:start + n]

    def u64(self, pa):
        return int.from_bytes(self.read(pa, 8), "little")

    def write(self, va, data):
        """Write bytes at a kernel address of the linear map."""
        start = self.physical(va) - RAM_START
        self.ram[start:start + len(data)] = data

    def close(self):
        self.ram.close()

    def column(self, va, step, count):
        """Every step-th byte of kernel memory from an address on. It is fast for millions of bytes,
        which a struct Page for each page of a large machine needs."""
        start = va - self.image.offset - RAM_START
        if start < 0 or start + step * (count - 1) >= self.size:
            raise MemoryFault("%d times %d bytes from %#x on do not lie in memory" % (
                count, step, va))
        return bytes(self.ram[start:start + step * count:step])

    def leaf(self, va, root):
        """(page table entry that maps a virtual address, its level)."""
        table, upper = root, va + (1 << 38) >> 39       # all bits from bit 38 on must be equal
        for level in (2, 1, 0) if upper in (0, 1 << 25) else ():
            pte = self.u64(table + 8 * (va >> 12 + 9 * level & 511))
            if not pte & PTE_V:
                break
            if pte & (PTE_R | PTE_W | PTE_X):
                return pte, level
            table = pte_frame(pte)
        raise MemoryFault("nothing is mapped at %#x" % va)

    def physical(self, va, root=None):
        """The physical address behind a virtual one. Without a root the address is the kernel's: in
        the linear map, or mapped elsewhere by its page table, like stacks."""
        pa = va - self.image.offset
        if root is None and RAM_START <= pa < RAM_START + self.size:
            return pa
        pte, level = self.leaf(va, self.kernel_root() if root is None else root)
        span = PAGE << 9 * level
        return (pte_frame(pte) & -span) + va % span

    def read_virtual(self, va, n, root=None):
        """n bytes from a kernel address on, or from an address that this root table maps."""
        start = va - self.image.offset - RAM_START
        if root is None and 0 <= start and start + n <= self.size:
            return self.ram[start:start + n]    # in the linear map, as nearly all that is read
        data = b""
        while len(data) < n:
            step = min(n - len(data), PAGE - (va + len(data)) % PAGE)
            data += self.read(self.physical(va + len(data), root), step)
        return data

    def kernel_root(self):
        """The physical address of the kernel's root table. While it boots that is boot_pgdir."""
        pgdir = int(self.variable("kernel_as").pgdir)
        return (pgdir or self.image.address("boot_pgdir")) - self.image.offset

    def variable(self, name, file=""):
        """A variable of the kernel, as a Value; for `file` see Image.variable()."""
        address, c_type = self.image.variable(name, file)
        return Value(self, address, c_type, name)

    def object(self, struct_name, address):
        """The struct at a kernel address, as a Value."""
        name = "(%s at %#x)" % (struct_name, address)
        return Value(self, address, self.image.type(struct_name), name)

    def list(self, head, struct_name, member):
        """The structs of a list, in its order. `member` is the list_entry_t in them."""
        offset, node = self.image.type(struct_name).member(member)[0], head.address
        next_at, prev_at = (head._type.member(name)[0] for name in ("next", "prev"))
        while True:
            where = "the list %s is damaged: its entry %#x" % (head._name, node)
            try:
                after = int.from_bytes(self.read_virtual(node + next_at, 8), "little")
                before = int.from_bytes(self.read_virtual(after + prev_at, 8), "little")
            except MemoryFault as fault:
                raise MemoryFault("%s is followed by one that cannot be read: %s" % (where, fault))
            if before != node:          # with this check no entry comes twice, so the list ends
                raise MemoryFault("%s is followed by %#x, whose prev is %#x" % (
                    where, after, before))
            if after == head.address:
                return
            node = after
            yield self.object(struct_name, node - offset)

    def walk(self, root, entries=range(512)):
        """(leaves, tables) of a page table: [(va, pte, level)] of all that it maps, with level 0
        for pages of 4 KiB; and the physical addresses of the tables, with the root. Only these
        `entries` of the root are followed."""
        leaves, tables, pending = [], {root}, [(root, 2, 0)]
        while pending:
            table, level, base = pending.pop()
            shift = 12 + 9 * level
            for index, pte in enumerate(struct.unpack("<512Q", self.read(table, PAGE))):
                if not pte & PTE_V or (level == 2 and index not in entries):
                    continue
                va = base | index << shift
                if level == 2 and index >= 256:
                    va |= -1 << 39 & (1 << 64) - 1
                if pte & (PTE_R | PTE_W | PTE_X):
                    leaves.append((va, pte, level))
                    continue
                below = pte_frame(pte)
                if level == 0 or below in tables or not 0 <= below - RAM_START < self.size:
                    raise MemoryFault("the page table with the root %#x is damaged: its entry for "
                                      "%#x at level %d is %#x" % (root, va, level, pte))
                tables.add(below)
                pending.append((below, level - 1, va))
        return leaves, tables

    def leaves(self, root):
        """(va, pte, level) of all that a page table maps."""
        return iter(self.walk(root)[0])
